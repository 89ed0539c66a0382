"""What a run of the build comes to when its model is refused, and what is reported of it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator

import pytest

from support_chain import SMALL, Chain, Database, answer_next
from support_dags import ended
from support_ollama import OllamaServer
from support_script import COUNTS

ONCE = Counter(success=1)


@pytest.fixture
def db(
    chain_db: Database, chain: Chain, ollama_faulty: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    """The chain's warehouse, with its settings as a Variable; no report or spec is left in the folder."""
    monkeypatch.setenv("AIRFLOW_VAR_LJWX_TRAINING_CONFIG", json.dumps(SMALL))
    yield chain_db
    shutil.rmtree(chain.data / "reports", ignore_errors=True)
    for path in (chain.data / "specs").glob("*.json"):
        if str(path) != chain.plan["spec_path"]:
            path.unlink()


def test_a_model_that_fails_its_verification_fails_the_run_and_gets_a_report(
    airflow: subprocess.Popen[str], db: Database, chain: Chain, ollama_faulty: OllamaServer
) -> None:
    answer_next(ollama_faulty, "{", *[None] * COUNTS, "我看好", "我看好", "我看好")
    state, tasks = ended(airflow, "ljwx_model_build", {})
    assert tasks["verify_model"] == Counter(failed=1)
    assert tasks["decide_promotion"] == tasks["whole"] == Counter(upstream_failed=1)
    assert tasks["write_report"] == ONCE
    assert state == "failed"
    (decision,) = db.column("SELECT promotion_id FROM ljwx.promotions WHERE verdict = 'refused'")
    folder = chain.data / "reports" / chain.plan["model"].replace(":", "-") / str(decision)
    assert "Failed its verification" in (folder / "report.html").read_text(encoding="utf-8")
    assert db.rows("SELECT kind, count FROM ljwx.incidents") == [{"kind": "failed", "count": 1}]
    # Nothing was decided by the gate, so the same build is not skipped but verified again.
    ollama_faulty.fail_next("chat", "status", status=400, message="not now")
    state, tasks = ended(airflow, "ljwx_model_build", {})
    assert (state, tasks["verify_model"]) == ("failed", Counter(failed=1))
    assert tasks["write_report"] == Counter(skipped=1), "the server's refusal is no fault of the model"


def test_without_a_model_there_is_no_report_and_only_a_failure_fails_the_run(
    airflow: subprocess.Popen[str], db: Database, chain: Chain, ollama_faulty: OllamaServer
) -> None:
    ollama_faulty.fail_next("create", "error_line", message="disk full")
    state, tasks = ended(airflow, "ljwx_model_build", {"model": {"parameters": {"num_ctx": 2048}}})
    assert tasks["build_model"] == Counter(failed=1)
    assert tasks["verify_model"] == tasks["whole"] == Counter(upstream_failed=1)
    assert (state, tasks["write_report"]) == ("failed", Counter(skipped=1))
    db.execute(
        "INSERT INTO ljwx.promotions (challenger, question_set_id, verdict, promoted, reasons, policy, run_key) "
        "SELECT %s, question_set_id, 'rejected', false, '[]', %s, run_key FROM ljwx.question_sets",
        chain.plan["model"], json.dumps(gate()),
    )  # fmt: skip
    state, tasks = ended(airflow, "ljwx_model_build", {"model": {}})
    assert (state, tasks["plan_build"]) == ("success", Counter(skipped=1))
    assert tasks["write_report"] == tasks["whole"] == Counter(skipped=1)


def test_a_run_that_is_cleared_does_not_report_what_an_earlier_attempt_came_to(
    airflow: subprocess.Popen[str],
    db: Database,
    chain: Chain,
    ollama_faulty: OllamaServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer_next(ollama_faulty, "{", *[None] * COUNTS, "我看好", "我看好", "我看好")
    _, tasks = ended(airflow, "ljwx_model_build", {})
    assert (tasks["verify_model"], tasks["write_report"]) == (Counter(failed=1), ONCE)
    monkeypatch.setenv("AIRFLOW_VAR_LJWX_TRAINING_CONFIG", '{"modell": {}}')
    state, tasks = ended(airflow, "ljwx_model_build", {}, clear="choose_base")
    assert (tasks["choose_base"], tasks["verify_model"]) == (Counter(failed=1), Counter(upstream_failed=1))
    assert (state, tasks["write_report"]) == ("failed", Counter(skipped=1))
    corrected = SMALL | {"model": SMALL["model"] | {"parameters": {"num_ctx": 2048}}}
    monkeypatch.setenv("AIRFLOW_VAR_LJWX_TRAINING_CONFIG", json.dumps(corrected))
    ollama_faulty.fail_next("chat", "status", status=400, message="not now")
    state, tasks = ended(airflow, "ljwx_model_build", {}, clear="choose_base")
    (other,) = db.column("SELECT model FROM ljwx.models WHERE model <> %s", chain.plan["model"])
    ollama_faulty.delete(other)
    assert (state, tasks["build_model"], tasks["verify_model"]) == ("failed", ONCE, Counter(failed=1))
    assert tasks["write_report"] == Counter(skipped=1)
    assert db.value("SELECT count(DISTINCT run_id) FROM ljwx.runs WHERE dag_id = 'ljwx_model_build'") == 1


def test_a_run_has_the_settings_of_its_test_and_none_of_an_earlier_one(
    airflow: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", '{"conn_type": "ollama", "host": "127.0.0.1", "port": 9}')
    monkeypatch.setenv("AIRFLOW_VAR_LJWX_TRAINING_CONFIG", '{"modell": {}}')
    _, tasks = ended(airflow, "ljwx_model_build", {})
    assert tasks["choose_base"] == Counter(failed=1)
    monkeypatch.delenv("AIRFLOW_VAR_LJWX_TRAINING_CONFIG")
    _, tasks = ended(airflow, "ljwx_model_build", {})
    assert (tasks["choose_base"], tasks["pull_base"]) == (ONCE, Counter(failed=1))


def gate() -> dict[str, object]:
    """The policy in force."""
    from ljwx.settings import load_settings

    return load_settings(SMALL).gate.model_dump(mode="json")
