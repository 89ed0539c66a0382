"""The stage `reports`, on real decisions about a real model."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from ljwx.exceptions import BuildFailed, NotFound, RefusedRequest
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.stages.build.verification import PROBES_PER_TASK, verify_model
from ljwx.stages.promote.decision import decide_promotion
from ljwx.stages.promote.report import write_report
from ljwx.warehouse.runs import RunRef
from support_chain import Chain, Database, answer_next, evaluation_of
from support_ollama import OllamaServer
from support_postgres import data_of
from support_reports import HOSTILE
from support_script import COUNTS
from support_tasks import TaskRunner

RUN = "manual__1"
"""Each task that a test runs first is of this run."""


@pytest.fixture
def written(chain: Chain, chain_db: Database) -> Iterator[Path]:
    """The folder of reports, empty again at the end."""
    folder = chain.data / "reports"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def decide(db: Database, chain: Chain, tasks: TaskRunner, valid: bool) -> dict[str, Any]:
    """The decision about a model that says what is true, or nothing that can be read."""
    evaluation = evaluation_of(db, chain, chain.plan["model"])
    db.execute(
        "INSERT INTO ljwx.answers (evaluation_id, sample_id, raw, valid, label, reason, latency_s, prompt_tokens,"
        " answer_tokens) "
        "SELECT %s, sample_id, 'as it came', %s, CASE WHEN %s THEN label END,"
        " CASE WHEN %s THEN NULL ELSE 'not_json' END, 0.5, 10, 10 FROM ljwx.questions"
        " JOIN ljwx.samples USING (sample_id) WHERE question_set_id = %s",
        evaluation, valid, valid, valid, chain.question_set_id,
    )  # fmt: skip
    return tasks.run(decide_promotion, chain.plan["model"], chain.question_set_id)


@pytest.mark.parametrize(("valid", "verdict"), [(True, "first_champion"), (False, "rejected")])
def test_every_build_gets_a_report_also_a_rejected_one(
    chain_db: Database, chain: Chain, tasks: TaskRunner, written: Path, valid: bool, verdict: str
) -> None:
    decided = decide(chain_db, chain, tasks, valid)
    assert decided["verdict"] == verdict
    path = Path(tasks.run(write_report, chain.plan, decided).removeprefix("file://"))
    assert path.parent.parent.parent == written
    html, markdown = path.read_text(encoding="utf-8"), path.with_name("report.md").read_text(encoding="utf-8")
    pictures = {file.name for file in path.parent.glob("*.svg")}
    assert {"accuracy.svg", "confusion.svg", "sessions.svg", "latency.svg"} <= pictures
    assert all(f"({name})" in markdown for name in pictures)
    for text in (html, markdown):
        assert chain.plan["model"] in text
        assert chain.dataset_id in text
        assert "as it came" in text
        assert ("100.0 %" if valid else "not_json") in text
        assert "tests · " in text  # the run that decided, and those that fetched the bars


def refuse(server: OllamaServer, chain: Chain, tasks: TaskRunner) -> None:
    """The verification of the chain's model ends with answers that are not the schema's."""
    answer_next(server, "{", *[None] * COUNTS, *[HOSTILE] * PROBES_PER_TASK)
    with pytest.raises(BuildFailed):
        tasks.run(verify_model, chain.plan, chain.built)


def test_a_model_that_failed_its_verification_gets_a_report_that_says_why(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer, written: Path
) -> None:
    refuse(ollama_faulty, chain, tasks)
    path = Path(tasks.run(write_report, chain.plan, None).removeprefix("file://"))
    assert path.parent.name == str(chain_db.value("SELECT promotion_id FROM ljwx.promotions"))
    html, markdown = path.read_text(encoding="utf-8"), path.with_name("report.md").read_text(encoding="utf-8")
    for text in (html, markdown):
        assert text.index("Failed its verification") < text.index("gives no valid answer for investment_advice")
        for told in ("never became a candidate", "No weight was changed", chain.dataset_id, "不构成投资建议"):
            assert told in text
        for absent in ("Comparison", "Calibration", "By task", "question set", "Examples of answers"):
            assert absent not in text
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert f"\n    {HOSTILE[:20]}" in markdown
    assert [file.name for file in path.parent.glob("*.svg")] == []
    before = data_of(written)
    tasks.run(write_report, chain.plan, None, again=True)
    assert data_of(written) == before


def test_what_the_run_decided_before_its_model_was_refused_is_not_reported_again(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer, written: Path
) -> None:
    """The result of decide_promotion outlasts a clearing of verify_model and what follows."""
    decided = decide(chain_db, chain, tasks, False)
    refuse(ollama_faulty, chain, tasks)
    tasks.states[RUN]["decide_promotion"] = "upstream_failed"
    path = Path(tasks.run(write_report, chain.plan, decided))
    assert path.parent.name == str(chain_db.value("SELECT max(promotion_id) FROM ljwx.promotions"))
    assert chain_db.value("SELECT count(*) FROM ljwx.promotions") == 2


def not_reported(tasks: TaskRunner, plan: dict[str, str] | None, decided: dict[str, Any] | None = None) -> None:
    """The run of the refusal, or of the decision, has nothing to report by now."""
    with pytest.raises(AirflowSkipException, match="this run has decided nothing"):
        tasks.run(write_report, plan, decided, again="write_report" in tasks.states[RUN])


def test_a_run_that_decided_nothing_has_no_report(chain_db: Database, tasks: TaskRunner, written: Path) -> None:
    not_reported(tasks, None)
    assert not written.exists()


@pytest.mark.parametrize("became", ["upstream_failed", "skipped"])
def test_an_attempt_that_does_not_come_as_far_reports_nothing_of_an_earlier_one(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer, written: Path, became: str
) -> None:
    """It was cleared from plan_build, and the build failed, or there was nothing to build."""
    decided = decide(chain_db, chain, tasks, False)
    tasks.states[RUN] = {"decide_promotion": became, "verify_model": became}
    not_reported(tasks, chain.plan, decided)
    refuse(ollama_faulty, chain, tasks)
    tasks.states[RUN]["verify_model"] = became
    not_reported(tasks, chain.plan, decided)
    assert not written.exists()


def test_a_verification_that_did_not_get_its_answers_reports_no_refusal_of_an_earlier_attempt(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer, written: Path
) -> None:
    refuse(ollama_faulty, chain, tasks)
    not_reported(tasks, chain.plan | {"model": "ljwx-stock:corrected"})
    ollama_faulty.fail_next("chat", "status", status=400, message="not now")
    with pytest.raises(RefusedRequest):
        tasks.run(verify_model, chain.plan, chain.built, again=True)
    not_reported(tasks, chain.plan)
    assert not written.exists()


def test_a_verification_that_passed_and_was_killed_at_its_end_refuses_nothing(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer, written: Path
) -> None:
    refuse(ollama_faulty, chain, tasks)
    warehouse = WarehouseHook()
    warehouse.start_run(RunRef("tests", RUN, "verify_model", -1))
    warehouse.mark_verified(chain.plan["model"], chain.built["digest"], {})
    not_reported(tasks, chain.plan)


def test_writing_again_changes_nothing(chain_db: Database, chain: Chain, tasks: TaskRunner, written: Path) -> None:
    decided = decide(chain_db, chain, tasks, True)
    tasks.run(write_report, chain.plan, decided)
    before, rows = data_of(written), chain_db.state()
    tasks.run(write_report, chain.plan, decided, again=True)
    assert data_of(written) == before
    assert chain_db.state() == rows


def test_a_decision_that_is_not_there_is_a_clear_error(db: Database, tasks: TaskRunner) -> None:
    tasks.states[RUN]["decide_promotion"] = "success"
    with pytest.raises(NotFound, match="no decision 41 is in the warehouse"):
        tasks.run(write_report, {"model": "x"}, {"promotion_id": 41})
