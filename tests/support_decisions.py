"""Answers and models to decide on, for the tests of the gate's stage."""

from __future__ import annotations

import json
from typing import Any

from ljwx.core.lines import line_of
from ljwx.core.models import BuildSpec
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.warehouse.promotions import Promotion
from support_chain import SMALL, Chain, Database, evaluation_of
from support_ollama import OllamaServer
from support_rows import add_alias, add_model

LATEST, OTHER = "ljwx-stock:latest", "ljwx-stock:other"


def settings(**evaluation: Any) -> dict[str, Any]:
    return {**SMALL, "evaluation": SMALL["evaluation"] | evaluation}


def digests(server: OllamaServer) -> dict[str, str]:
    return {tag["name"]: tag["digest"].removeprefix("sha256:") for tag in server.get("tags")["models"]}


def answered(
    db: Database, chain: Chain, model: str, *, right: int, valid: bool = True, base: bool = False
) -> tuple[str, str]:
    """Write an evaluation of the model with the first `right` answers right; return model and question set."""
    evaluation = evaluation_of(db, chain, model, base=base)
    wrong = {"investment_advice": ("buy", "hold"), "risk_assessment": ("low", "medium"),
             "price_direction": ("up", "flat"), "technical_analysis": ("bullish", "neutral")}  # fmt: skip
    questions = db.rows(
        "SELECT sample_id, task, label FROM ljwx.questions JOIN ljwx.samples USING (sample_id) ORDER BY position"
    )
    for place, row in enumerate(questions):
        other = next(label for label in wrong[row["task"]] if label != row["label"])
        label = row["label"] if place < right else other
        db.execute(
            "INSERT INTO ljwx.answers (evaluation_id, sample_id, raw, valid, label, reason, latency_s, prompt_tokens, "
            "answer_tokens) VALUES (%s, %s, 'as it came', %s, %s, %s, 0.5, 300, 60)",
            evaluation, row["sample_id"], valid, label if valid else None, None if valid else "not_the_schema",
        )  # fmt: skip
    return model, chain.question_set_id


def second_model(db: Database, chain: Chain, server: OllamaServer) -> None:
    """Another model with the same weights, as row and as tag."""
    assert server.post("copy", {"source": chain.plan["model"], "destination": OTHER}).ok
    add_model(db, OTHER)


def promotions(db: Database) -> list[dict[str, Any]]:
    return db.rows("SELECT challenger, champion, verdict, promoted FROM ljwx.promotions ORDER BY promotion_id")


ALIASES = "SELECT alias, model, promotion_id, updated_at FROM ljwx.aliases ORDER BY alias"


def made(chain: Chain, evaluation_id: int, champion: str | None, **changed: Any) -> Promotion:
    """A decision that promotes the model, as it is handed to the warehouse."""
    fields = {"verdict": "promoted", "promoted": True, "reasons": [], "policy": {}} | changed
    return Promotion(chain.plan["model"], champion, chain.question_set_id, evaluation_id, **fields)


def three_lines(db: Database, chain: Chain, server: OllamaServer) -> str:
    """A champion of another line, and a rival of a third, who both answered the questions; return the rival."""
    second_model(db, chain, server)
    add_alias(db, OTHER)
    warehouse, rival, spec = WarehouseHook(), "ljwx-stock:rival", db.value("SELECT spec FROM ljwx.models LIMIT 1")
    for name, system in ((OTHER, "the champion's"), (rival, "another")):
        recipe = spec | {"system": system}
        if name != OTHER:
            add_model(db, name, digest="e" * 64)
        db.execute("UPDATE ljwx.models SET spec = %s WHERE model = %s", json.dumps(recipe), name)
        warehouse.open_line(1, line_of(BuildSpec.model_validate(recipe)), name)
        answered(db, chain, name, right=2)
    return rival


LOOKS = "SELECT dataset_id, model FROM ljwx.test_looks"


def masked(db: Database, chain: Chain, model: str) -> None:
    """The first question asked again masked, and answered in a way that cannot be read."""
    name = f"{chain.question_set_id}-masked"
    db.execute(
        "INSERT INTO ljwx.question_sets (question_set_id, dataset_id, kind, part_of, run_key) "
        "SELECT %s, dataset_id, 'masked', question_set_id, run_key FROM ljwx.question_sets", name,
    )  # fmt: skip
    db.execute(
        "INSERT INTO ljwx.questions (question_set_id, position, sample_id) "
        "SELECT %s, 0, sample_id FROM ljwx.questions WHERE position = 0", name,
    )  # fmt: skip
    evaluation = evaluation_of(db, chain, model, name)
    db.execute(
        "INSERT INTO ljwx.answers (evaluation_id, sample_id, raw, valid, reason, latency_s, prompt_tokens, "
        "answer_tokens) SELECT %s, sample_id, '?', false, 'not_the_schema', 0.5, 300, 60 FROM ljwx.questions "
        "WHERE question_set_id = %s", evaluation, name,
    )  # fmt: skip
