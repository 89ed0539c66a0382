"""The sealed test split: opened after a pass, once, and every look at it is counted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ljwx.stages.promote.decision import decide_promotion
from support_chain import Chain, Database
from support_decisions import LOOKS, OTHER, answered, second_model, settings
from support_ollama import OllamaServer
from support_rows import add_decision, add_model
from support_tasks import TaskRunner

ONE_DAY = timedelta(days=1)


def test_a_pass_opens_the_sealed_test_split_once_and_the_decision_reports_it(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    tasks.variables["ljwx_training_config"] = settings(test_share=0.25)
    model = chain.plan["model"]
    evaluation = answered(chain_db, chain, model, right=3)
    told = tasks.run(decide_promotion, *evaluation)
    assert chain_db.rows(LOOKS) == [{"dataset_id": chain.dataset_id, "model": model}]
    assert chain_db.column(
        "SELECT d.split FROM ljwx.answers a JOIN ljwx.evaluations USING (evaluation_id) "
        "JOIN ljwx.question_sets q USING (question_set_id) "
        "JOIN ljwx.dataset_samples d ON d.dataset_id = q.dataset_id AND d.sample_id = a.sample_id "
        "WHERE q.kind = 'test'"
    ) == ["test"]
    (reason,) = [r for r in chain_db.value("SELECT reasons FROM ljwx.promotions") if r["code"] == "sealed_test"]
    assert "1 questions of the sealed test window" in reason["text"]
    assert "against the majority of the train split; look number 1" in reason["text"]
    asked = server.stats()["requests"]
    assert tasks.run(decide_promotion, *evaluation) == told
    assert (server.stats()["requests"], chain_db.value("SELECT count(*) FROM ljwx.test_looks")) == (asked, 1)


@pytest.mark.parametrize(
    ("first", "last", "number"),
    [("2000-01-01", "window", 2), ("window", "2050-01-01", 2), ("2000-01-01", "before", 1), ("after", "2050-01-01", 1)],
)
def test_looks_of_another_dataset_are_counted_where_the_windows_share_sessions(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer, first: str, last: str, number: int
) -> None:
    tasks.variables["ljwx_training_config"] = settings(test_share=0.25)
    second_model(chain_db, chain, server)
    begin, end = chain_db.rows(
        "SELECT min(session) AS begin, max(session) AS end FROM ljwx.samples JOIN ljwx.dataset_samples "
        "USING (sample_id) WHERE split = 'test'"
    )[0].values()
    dates = {"window": begin if last == "window" else end, "before": begin - ONE_DAY, "after": end + ONE_DAY}
    chain_db.execute(
        "INSERT INTO ljwx.datasets (dataset_id, sha256, spec, counts, exclusions, proof, first_session, last_session, "
        "folder, code_version, run_key) SELECT 'yesterday', sha256, spec, counts, exclusions, proof, first_session, "
        "last_session, folder, code_version, run_key FROM ljwx.datasets"
    )
    chain_db.execute(
        "INSERT INTO ljwx.test_looks (dataset_id, model, question_set_id, first_session, last_session, run_key) "
        "SELECT 'yesterday', %s, question_set_id, %s, %s, run_key FROM ljwx.question_sets",
        OTHER, dates.get(first, first), dates.get(last, last),
    )  # fmt: skip
    tasks.run(decide_promotion, *answered(chain_db, chain, chain.plan["model"], right=3))
    (reason,) = [r for r in chain_db.value("SELECT reasons FROM ljwx.promotions") if r["code"] == "sealed_test"]
    assert f"look number {number} at these sessions" in reason["text"]


@pytest.mark.parametrize("valid", [False, True], ids=["rejected", "never to be opened"])
def test_without_a_pass_or_a_share_the_test_split_stays_sealed(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer, valid: bool
) -> None:
    tasks.variables["ljwx_training_config"] = settings(test_share=0 if valid else 0.25)
    evaluation = answered(chain_db, chain, chain.plan["model"], right=4, valid=valid)
    assert tasks.run(decide_promotion, *evaluation)["verdict"] == ("first_champion" if valid else "rejected")
    assert chain_db.rows(LOOKS) == []
    assert chain_db.column("SELECT kind FROM ljwx.question_sets") == ["validation"]


def test_a_decision_tells_how_often_its_line_and_its_very_model_were_decided_about(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    model = chain.plan["model"]
    spec = chain_db.value("SELECT spec FROM ljwx.models")
    others = {
        OTHER: {"examples": ["elsewhere"] * len(spec["examples"])},  # the same texts, from samples of another dataset
        "ljwx-stock:newer-data": {"messages": [{"role": "user", "content": "another example"}]},
        "ljwx-stock:other-line": {"system": "another"},
    }
    for name, changed in others.items():
        add_decision(chain_db, add_model(chain_db, name, spec=spec | changed))
    chain_db.execute(
        "INSERT INTO ljwx.lines (line_id, strategy, recipe, run_key) "
        "SELECT 'another', strategy, recipe, run_key FROM ljwx.lines LIMIT 1"
    )
    chain_db.execute("UPDATE ljwx.models SET line_id = 'another' WHERE model = 'ljwx-stock:other-line'")
    tasks.run(decide_promotion, *answered(chain_db, chain, model, right=3))
    reasons = chain_db.value("SELECT reasons FROM ljwx.promotions WHERE challenger = %s", model)
    (told,) = [reason["text"] for reason in reasons if reason["code"] == "decided_before"]
    assert told == (
        "Decision number 3 about this recipe, on whatever data, 1 of them about this very model under another name; "
        "2 recipes were decided about so far."
    )
