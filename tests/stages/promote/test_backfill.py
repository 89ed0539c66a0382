"""Filling in earlier years moves a dataset's windows back, over what a model was made from that serves already."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pytest

from ljwx.core.evaluations import Scorecard
from ljwx.exceptions import ConfigurationError
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.stages.evaluate.questions import freeze_questions
from ljwx.stages.promote.decision import decide_promotion
from ljwx.stages.samples.dataset import build_dataset
from support_chain import SMALL, Chain, Database, evaluation_of
from support_ollama import OllamaServer
from support_rows import add_alias, add_decision, add_model
from support_tasks import TaskRunner

CHAMPION = "ljwx-stock:before-the-backfill"
MANY = {
    **SMALL,
    "evaluation": SMALL["evaluation"] | {"questions": 40, "test_share": 0},
    "gate": {"min_questions": 1, "max_modal_share": 1.0},
}
WRONG = {"investment_advice": "buy", "risk_assessment": "low", "price_direction": "up", "technical_analysis": "bullish"}
SESSIONS_OF = """
    SELECT DISTINCT s.session FROM ljwx.dataset_samples d JOIN ljwx.samples s USING (sample_id)
    WHERE d.dataset_id = %s AND d.split = %s ORDER BY 1
"""


@dataclass(frozen=True)
class Backfilled:
    """A champion made before early sessions were there, and the dataset of all sessions.

    :param made_until: the last session that a label of the champion's train split ends on.
    :param counts_from: the first session after that which has the purge, too, between.
    """

    db: Database
    chain: Chain
    champions_dataset: str
    made_until: date
    counts_from: date

    def questions(self, question_set_id: str) -> list[date]:
        return self.db.column(
            "SELECT s.session FROM ljwx.questions JOIN ljwx.samples s USING (sample_id) "
            "WHERE question_set_id = %s ORDER BY 1", question_set_id,
        )  # fmt: skip


@pytest.fixture
def backfilled(chain_db: Database, chain: Chain, tasks: TaskRunner) -> Backfilled:
    days = chain_db.column("SELECT session FROM ljwx.complete_days WHERE complete_until IS NULL ORDER BY session")
    hidden = days[:58]
    chain_db.execute("UPDATE ljwx.complete_days SET complete_until = now() WHERE session = ANY(%s)", hidden)
    dataset_id = tasks.run(build_dataset)
    chain_db.execute("UPDATE ljwx.complete_days SET complete_until = NULL WHERE session = ANY(%s)", hidden)
    assert dataset_id != chain.dataset_id
    add_model(chain_db, CHAMPION, dataset_id=dataset_id)
    train = (
        "FROM ljwx.dataset_samples d JOIN ljwx.samples s USING (sample_id) WHERE dataset_id = %s AND split = 'train'"
    )
    made_until = chain_db.value(f"SELECT max(label_end) {train}", dataset_id)
    last_as_of = chain_db.value(f"SELECT max(session) {train}", dataset_id)
    purge = 5 + 1
    calendar = chain_db.column("SELECT session FROM ljwx.sessions ORDER BY session")
    first = calendar[max(bisect_right(calendar, made_until), bisect_right(calendar, last_as_of) + purge)]
    tasks.variables["ljwx_training_config"] = MANY
    return Backfilled(chain_db, chain, dataset_id, made_until, first)


@pytest.fixture
def server(ollama_sandbox: OllamaServer, chain: Chain) -> Iterator[OllamaServer]:
    """The model server with the champion's tag."""
    assert ollama_sandbox.post("copy", {"source": chain.plan["model"], "destination": CHAMPION}).ok
    yield ollama_sandbox
    for name in (CHAMPION, "ljwx-stock:latest", "ljwx-stock:previous", "ljwx-stock:challenger"):
        ollama_sandbox.delete(name)


def answer_all(made: Backfilled, question_set_id: str, model: str, *, right: bool) -> None:
    """The model answers every question of the set, all right or all with one class."""
    evaluation = evaluation_of(made.db, made.chain, model, question_set_id)
    rows = made.db.rows(
        "SELECT sample_id, task, label FROM ljwx.questions JOIN ljwx.samples USING (sample_id) "
        "WHERE question_set_id = %s ORDER BY position", question_set_id,
    )  # fmt: skip
    for row in rows:
        made.db.execute(
            "INSERT INTO ljwx.answers (evaluation_id, sample_id, raw, valid, label, latency_s, prompt_tokens, "
            "answer_tokens) VALUES (%s, %s, 'as it came', true, %s, 0.5, 300, 60)",
            evaluation, row["sample_id"], row["label"] if right else WRONG[row["task"]],
        )  # fmt: skip


def test_the_attack_is_real_the_champions_own_examples_are_in_the_new_validation_split(backfilled: Backfilled) -> None:
    train = backfilled.db.column(SESSIONS_OF, backfilled.champions_dataset, "train")
    validation = backfilled.db.column(SESSIONS_OF, backfilled.chain.dataset_id, "validation")
    assert validation[0] <= backfilled.made_until
    assert validation[0] < backfilled.counts_from <= validation[-1]
    assert train[-1] < validation[-1]


def test_questions_are_chosen_after_all_that_the_champion_was_made_from(
    backfilled: Backfilled, tasks: TaskRunner
) -> None:
    dataset_id = backfilled.chain.dataset_id
    before = backfilled.questions(tasks.run(freeze_questions, dataset_id))
    assert before[0] < backfilled.counts_from
    add_alias(backfilled.db, CHAMPION)
    after = backfilled.questions(tasks.run(freeze_questions, dataset_id))
    assert after[0] >= backfilled.counts_from > backfilled.made_until
    assert len(after) == len(before)


def test_the_first_session_that_counts_is_after_labels_and_purge_of_every_model_that_is_judged(
    backfilled: Backfilled,
) -> None:
    warehouse, challenger = WarehouseHook(), backfilled.chain.plan["model"]
    own = warehouse.counts_from([challenger])
    validation = backfilled.db.column(SESSIONS_OF, backfilled.chain.dataset_id, "validation")
    assert own is not None
    assert own <= validation[0]
    assert warehouse.counts_from([CHAMPION]) == backfilled.counts_from
    assert warehouse.counts_from([challenger, CHAMPION]) == backfilled.counts_from
    assert warehouse.counts_from([]) is None


def test_where_questions_were_chosen_before_those_that_one_was_made_from_count_for_nobody(
    backfilled: Backfilled, tasks: TaskRunner, server: OllamaServer
) -> None:
    """The champion knows every answer of its own examples: all its right answers are there, and none counts."""
    challenger = backfilled.chain.plan["model"]
    question_set_id = tasks.run(freeze_questions, backfilled.chain.dataset_id)
    asked = backfilled.questions(question_set_id)
    counting = [session for session in asked if session >= backfilled.counts_from]
    assert 0 < len(counting) < len(asked)
    add_alias(backfilled.db, CHAMPION)
    answer_all(backfilled, question_set_id, challenger, right=True)
    answer_all(backfilled, question_set_id, CHAMPION, right=False)
    tasks.run(decide_promotion, challenger, question_set_id)
    (stored,) = backfilled.db.column("SELECT scorecard FROM ljwx.evaluations WHERE scorecard IS NOT NULL")
    assert {Scorecard.model_validate(card).overall.n for card in stored.values()} == {len(counting)}
    assert set(stored) >= {"model", "champion", "logistic", "majority"}


def test_nothing_is_decided_where_no_question_counts(
    backfilled: Backfilled, tasks: TaskRunner, server: OllamaServer
) -> None:
    challenger, dataset_id = backfilled.chain.plan["model"], backfilled.chain.dataset_id
    question_set_id = tasks.run(freeze_questions, dataset_id)
    add_alias(backfilled.db, CHAMPION)
    answer_all(backfilled, question_set_id, challenger, right=True)
    answer_all(backfilled, question_set_id, CHAMPION, right=False)
    backfilled.db.execute(
        "UPDATE ljwx.datasets SET proof = jsonb_set(proof, '{max_label_end,train}', %s) WHERE dataset_id = %s",
        '"2026-03-20"', backfilled.champions_dataset,
    )  # fmt: skip
    with pytest.raises(ConfigurationError, match=r"^no question of set \w+ lies after what challenger and"):
        tasks.run(decide_promotion, challenger, question_set_id)
    with pytest.raises(ConfigurationError, match=r"^all sessions of the validation split of .* was made from: name"):
        tasks.run(freeze_questions, dataset_id)
    assert backfilled.db.column("SELECT verdict FROM ljwx.promotions") == []


def test_sessions_that_decided_before_are_looks_at_a_later_window(backfilled: Backfilled, tasks: TaskRunner) -> None:
    """A backfill moves windows: what decided as validation can be the sealed window of the longer dataset."""
    db, model = backfilled.db, backfilled.chain.plan["model"]
    add_model(db, "ljwx-stock:another")
    run_key = db.value("SELECT run_key FROM ljwx.models WHERE model = %s", model)
    earlier, later = (
        tasks.run(freeze_questions, each) for each in (backfilled.chain.dataset_id, backfilled.champions_dataset)
    )
    window = backfilled.questions(later)[0], backfilled.questions(later)[-1]
    assert backfilled.questions(earlier)[-1] < window[1]

    def look(asked: str) -> int:
        dataset_id, questions = backfilled.chain.dataset_id, backfilled.chain.question_set_id
        return WarehouseHook().look_at_test(run_key, dataset_id, asked, questions, window).looks

    shared = any(session >= window[0] for session in backfilled.questions(earlier))
    add_decision(db, CHAMPION, "first_champion", question_set_id=earlier)
    assert look(model) == 1 + shared
    add_decision(db, CHAMPION, "rejected", question_set_id=later)
    assert look("ljwx-stock:another") == 3 + shared
    assert look(model) == 1 + shared
