"""The whole pipeline through a real scheduler, on a real database, with a real language model answering.

One stack serves the whole module: it is started by a demo that is killed half-way, and then finished by a second one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from ljwx_sandbox.airflow import executable
from ljwx_sandbox.demo import BUILD, CLEANUP, DAGS, INGEST, Demo
from ljwx_sandbox.settings import SandboxError, SandboxSettings
from ljwx_sandbox.stack import SMALL as DEMO
from ljwx_sandbox.stack import Stack
from support_docs import DAG_IDS, ROOT, on_stack
from support_ollama import ONE_THREAD
from support_stack import ENDED, poll, query, sandbox_settings, trigger

pytestmark = pytest.mark.timeout(1500)

FIRST, LAST = "2026-01-05", "2026-06-30"
SESSIONS = 116
MARKET = ("--stocks", "24", "--seed", "7", "--effect", "0.3")
SMALL = DEMO | {
    "samples": DEMO["samples"] | {"prompt_version": "v4"},
    "model": DEMO["model"] | {"strategy": "prompt", "parameters": {"num_ctx": 4096}},
    "evaluation": DEMO["evaluation"] | {"questions": 4},
    "gate": DEMO["gate"] | {"min_questions": 4},
}  # fmt: skip
"""The demo's settings with half of its questions, short answers, and no examples, which are most of what it reads."""
TOKEN = "e2e-token-that-must-not-be-seen"
PIPELINE_TABLES = (
    "sessions", "instruments", "names", "suspensions", "bars", "quarantine", "ingest_days", "features", "samples",
    "datasets", "dataset_samples", "models", "question_sets", "questions", "evaluations", "answers", "promotions",
    "aliases",
)  # fmt: skip


@pytest.fixture(scope="module")
def settings() -> Iterator[SandboxSettings]:
    """A sandbox of this module's own: its folder, its ports, its token."""
    with sandbox_settings(LJWX_TUSHARE_TOKEN=TOKEN) as settings:
        (settings.home / "tokens.json").write_text(json.dumps({TOKEN: {"per_minute": 500, "per_day": 100000}}))
        yield settings


@pytest.fixture(scope="module")
def stack(settings: SandboxSettings) -> Iterator[Stack]:
    """The stack, up: a first demo was killed with -9 while it ingested, and what it left was stopped."""
    market = (*MARKET, "--token-file", str(settings.home / "tokens.json"))
    stack = Stack(settings, market=market, model_server=ONE_THREAD, schedules=False, config=SMALL)
    program = (
        "from ljwx_sandbox.demo import Demo; from ljwx_sandbox.stack import Stack;"
        "from ljwx_sandbox.settings import SandboxSettings;"
        f"Demo(Stack(SandboxSettings.from_environment(), market={market!r}, model_server={ONE_THREAD!r},"
        f" schedules=False, config={SMALL!r}, say=lambda text: print(text, flush=True)), {FIRST!r}, {LAST!r}).run()"
    )
    killed = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=os.environ)
    try:
        assert killed.stdout is not None
        assert any("ingest_bars[1] · running" in line for line in killed.stdout), "the demo never came to ingest"
        killed.kill()
        killed.wait()
        scheduler = stack._file("scheduler").find()
        assert scheduler is not None
        scheduler.kill()
        poll(lambda: stack._file("scheduler").find() is None, 30, "the scheduler survived SIGKILL")
        stack.up()
        yield stack
    finally:
        with killed:
            killed.kill()
        stack.down()


@pytest.fixture(scope="module")
def finished(stack: Stack) -> Stack:
    """The stack after a demo that ran to its end."""
    assert Demo(stack, FIRST, LAST).run() == 0
    return stack


def run_to_end(stack: Stack, dag: str, body: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """Trigger a DAG and return its final state and task instances."""
    path = f"dags/{dag}/dagRuns/{trigger(stack, dag, **body)}"
    poll(lambda: stack.api.get(path)["state"] in ENDED, 300, f"{dag} did not end")
    return stack.api.get(path)["state"], stack.api.get(f"{path}/taskInstances")["task_instances"]


def log_of(stack: Stack, dag: str, task: dict[str, Any]) -> str:
    """A task instance's log, all attempts."""
    folder = stack.settings.home / "airflow" / "logs" / f"dag_id={dag}" / f"run_id={task['dag_run_id']}"
    return "\n".join(path.read_text() for path in sorted((folder / f"task_id={task['task_id']}").rglob("*.log")))


def fingerprint(stack: Stack) -> dict[str, tuple[Any, ...]]:
    """Count and content of every table that the pipeline writes, but for the records of the runs themselves."""
    rows = "SELECT count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM ljwx.{} t"
    days = "SELECT count(*), md5(string_agg((session, complete, expected, received)::text, '' ORDER BY session))"
    return {
        table: query(stack, days + " FROM ljwx.ingest_days" if table == "ingest_days" else rows.format(table))[0]
        for table in PIPELINE_TABLES
    }


def test_every_session_of_the_range_is_ingested_once_and_complete(finished: Stack) -> None:
    assert query(finished, "SELECT count(*), min(session)::text, max(session)::text FROM ljwx.ingest_days") == [
        (SESSIONS, FIRST, LAST)
    ]
    assert query(finished, "SELECT count(*) FROM ljwx.ingest_days WHERE NOT complete") == [(0,)]
    doubled = "SELECT session, ts_code FROM ljwx.current_bars GROUP BY 1, 2 HAVING count(*) > 1"
    assert query(finished, doubled) == []
    assert query(finished, "SELECT sum(received) FROM ljwx.ingest_days") == query(
        finished, "SELECT count(*) FROM ljwx.current_bars"
    )


def test_every_bar_has_its_feature_row(finished: Stack) -> None:
    lacking = """SELECT count(*) FROM ljwx.current_bars b
                 LEFT JOIN ljwx.current_features f USING (session, ts_code) WHERE f.ts_code IS NULL"""
    assert query(finished, lacking) == [(0,)]
    assert query(finished, "SELECT count(*) > 0 FROM ljwx.current_features WHERE ma_60 IS NOT NULL") == [(True,)]


def test_dataset_files_hold_what_the_rows_say(finished: Stack) -> None:
    ((dataset_id, folder),) = query(finished, "SELECT dataset_id, folder FROM ljwx.datasets")
    assert not list(Path(folder).glob("test.*")), "the sealed split's answers are the gate's alone"
    without_facts = json.loads((Path(folder) / "card.json").read_text())["without_facts"]
    assert without_facts > 0
    for split, more in (("train", without_facts), ("validation", 0)):
        ((expected,),) = query(
            finished,
            f"SELECT count(*) FROM ljwx.dataset_samples WHERE dataset_id = '{dataset_id}' AND split = '{split}'",
        )
        lines = (Path(folder) / f"{split}.jsonl").read_text().splitlines()
        alpaca = json.loads((Path(folder) / f"{split}.alpaca.json").read_text())
        assert len(lines) == len(alpaca) == expected + more
        assert expected > 0
        assert [message["role"] for message in json.loads(lines[0])["messages"]] == ["system", "user", "assistant"]
        assert set(alpaca[0]) == {"instruction", "input", "output", "system", "weight"}
    assert {row[0] for row in query(finished, "SELECT DISTINCT task FROM ljwx.samples")} == {
        "investment_advice", "risk_assessment", "price_direction", "technical_analysis",
    }  # fmt: skip


def test_no_training_label_reaches_into_a_later_split(finished: Stack) -> None:
    edges = """SELECT max(label_end) FILTER (WHERE split = 'train') < min(session) FILTER (WHERE split = 'validation'),
                      max(label_end) FILTER (WHERE split = 'validation') < min(session) FILTER (WHERE split = 'test')
               FROM ljwx.dataset_samples JOIN ljwx.samples USING (sample_id)"""
    assert query(finished, edges) == [(True, True)]


def test_the_champion_is_served_as_latest_by_its_digest(finished: Stack) -> None:
    ((model, digest),) = query(finished, "SELECT model, digest FROM ljwx.aliases WHERE alias = 'champion'")
    tags = requests.get(f"http://127.0.0.1:{finished.settings.ports['ollama']}/api/tags", timeout=30).json()["models"]
    served = {tag["name"]: tag["digest"] for tag in tags}
    assert served["ljwx-stock:latest"] == served[model] == digest
    assert query(finished, "SELECT verdict, promoted FROM ljwx.promotions") == [("first_champion", True)]


def test_every_question_is_answered_once_and_scored_against_baselines(finished: Stack) -> None:
    asked = f"""SELECT q.kind, e.is_base, count(*), count(DISTINCT a.sample_id) FROM ljwx.answers a {OF_A_SET}
                GROUP BY q.kind, e.is_base ORDER BY q.kind, e.is_base"""
    assert query(finished, asked) == [
        ("masked", False, 1, 1), ("test", False, 1, 1), ("validation", False, 4, 4), ("validation", True, 4, 4),
    ]  # fmt: skip
    decided_on = "q.kind = 'validation' AND NOT e.is_base"
    sets = "ljwx.evaluations e JOIN ljwx.question_sets q USING (question_set_id)"
    ((scorecard,),) = query(finished, f"SELECT e.scorecard FROM {sets} WHERE {decided_on}")
    assert set(scorecard) == {"model", "base", "majority", "persistence", "ma_rule", "logistic"}
    right = f"""SELECT avg((a.valid AND a.label = s.label)::int) FROM ljwx.answers a {OF_A_SET}
                JOIN ljwx.samples s USING (sample_id) WHERE {decided_on}"""
    assert scorecard["model"]["overall"]["accuracy"] == pytest.approx(float(query(finished, right)[0][0]))
    assert query(finished, "SELECT count(*) FROM ljwx.test_looks") == [(1,)]


OF_A_SET = "JOIN ljwx.evaluations e USING (evaluation_id) JOIN ljwx.question_sets q USING (question_set_id)"


def test_lineage_walks_from_the_model_to_bars_and_back(finished: Stack) -> None:
    ((model,),) = query(finished, "SELECT model FROM ljwx.aliases WHERE alias = 'champion'")
    walked = f"""SELECT ts_code, bar_session::text, dag_id, task_id FROM ljwx.lineage WHERE model = '{model}'
                 ORDER BY sample_id, bar_session LIMIT 1"""
    ((ts_code, session, dag_id, task_id),) = query(finished, walked)
    assert (dag_id, task_id) == (INGEST, "ingest_bars")
    back = f"SELECT DISTINCT model FROM ljwx.lineage WHERE ts_code = '{ts_code}' AND bar_session = '{session}'"
    assert query(finished, back) == [(model,)]


def test_cleanup_by_hand_only_lists(finished: Stack) -> None:
    state, _ = run_to_end(finished, CLEANUP, {"conf": {}})
    assert state == "success"
    assert query(finished, "SELECT count(*) FROM ljwx.retention_events WHERE NOT dry_run") == [(0,)]


def test_no_dag_has_an_import_error(finished: Stack) -> None:
    assert finished.api.get("importErrors")["total_entries"] == 0
    assert {dag["dag_id"] for dag in finished.api.get("dags")["dags"]} == DAG_IDS


def test_a_second_run_changes_nothing(finished: Stack) -> None:
    before = fingerprint(finished)
    assert Demo(finished, FIRST, LAST).run() == 0
    assert fingerprint(finished) == before


@pytest.mark.parametrize(
    ("conf", "told"),
    [
        ({}, "give start_date and end_date"),
        ({"start_date": "2026-03-02", "end_date": "2026-02-02"}, "is before start_date"),
        ({"start_date": "2026-02-14", "end_date": "2026-02-15"}, "no trading session"),
    ],
)
def test_bad_dates_fail_at_once_in_one_line_and_write_nothing(finished: Stack, conf: dict[str, str], told: str) -> None:
    before = fingerprint(finished)
    state, tasks = run_to_end(finished, INGEST, {"conf": conf})
    (plan,) = (task for task in tasks if task["task_id"] == "plan_ingest")
    assert (state, plan["state"], plan["try_number"]) == ("failed", "failed", 1)
    assert told in log_of(finished, INGEST, plan)
    assert fingerprint(finished) == before


def test_a_session_can_be_asked_for_by_its_key_and_a_closed_day_is_refused(finished: Stack) -> None:
    before = fingerprint(finished)
    with pytest.raises(SandboxError, match=r"400.*not a trading session"):
        run_to_end(finished, INGEST, {"partition_key": "2026-02-16"})
    state, tasks = run_to_end(finished, INGEST, {"partition_key": LAST})
    assert state == "success"
    assert {task["state"] for task in tasks} == {"success"}
    assert fingerprint(finished) == before


def test_the_token_is_in_no_log_xcom_or_rendered_field(finished: Stack) -> None:
    for path in finished.settings.home.rglob("*.log"):
        assert TOKEN not in path.read_text(errors="replace"), path
    for dag in DAGS:
        for run in finished.api.get(f"dags/{dag}/dagRuns")["dag_runs"]:
            base = f"dags/{dag}/dagRuns/{run['dag_run_id']}/taskInstances"
            tasks = finished.api.get(base)["task_instances"]
            assert TOKEN not in json.dumps(tasks)
            for task in tasks:
                where = f"{base}/{task['task_id']}/xcomEntries"
                for entry in finished.api.get(where, map_index=task["map_index"])["xcom_entries"]:
                    value = finished.api.get(f"{where}/{entry['key']}", map_index=task["map_index"])
                    assert TOKEN not in json.dumps(value)
                    assert len(json.dumps(value)) < 5000
    dump = query(finished, "SELECT inputs::text || outputs::text FROM ljwx.runs")
    assert TOKEN not in str(dump)


def test_models_are_built_once_for_one_dataset(finished: Stack) -> None:
    runs = finished.api.get(f"dags/{BUILD}/dagRuns")["dag_runs"]
    assert [run["state"] for run in runs] == ["success"]
    assert query(finished, "SELECT count(*) FROM ljwx.models") == [(1,)]


@pytest.fixture
def on_call(finished: Stack) -> Iterator[Callable[[str], subprocess.CompletedProcess[str]]]:
    """Types a line as a page tells it, on the finished stack; settings and backfills are put back afterwards.

    Kept last in this module: its DAGs are paused, or what a line starts (a run, a backfill) would go on after it.
    """
    for dag in DAGS:
        finished.api.send("PATCH", f"dags/{dag}", {"is_paused": True})
    beside = str(Path(executable("airflow")).parent)
    environment = finished.environment | {"PATH": f"{beside}{os.pathsep}{os.environ['PATH']}"}

    def type_in(line: str, given: str = "") -> subprocess.CompletedProcess[str]:
        own = line.replace(".venv/bin/python", sys.executable).replace("var/", f"{finished.settings.home}/")
        own = own.replace("15432", str(finished.settings.ports["postgres"]))
        return subprocess.run(
            ["bash", "-c", own], cwd=ROOT, env=environment, input=given, capture_output=True, text=True, check=False
        )

    kept = {"key": "ljwx_training_config", "value": json.dumps(SMALL)}
    yield type_in
    finished.api.send("PATCH", f"variables/{kept['key']}", kept)
    if any(each["connection_id"] == "ljwx_alerts" for each in finished.api.get("connections")["connections"]):
        finished.api.send("DELETE", "connections/ljwx_alerts", {})
    for backfill in finished.api.get("backfills", dag_id=INGEST)["backfills"]:
        if backfill["completed_at"] is None:
            finished.api.send("PUT", f"backfills/{backfill['id']}/cancel", {})


@pytest.mark.parametrize("line", on_stack())
def test_every_command_that_a_page_tells_ends_well(
    on_call: Callable[[str], subprocess.CompletedProcess[str]], line: str
) -> None:
    done = on_call(line)
    fine = {0, 4} if line.endswith("ljwx doctor") else {0}  # 4: a month before its end the calendar is told of
    assert done.returncode in fine, f"{done.stdout}\n{done.stderr}"
    if "ljwx " in line:
        assert done.stdout.strip()
        assert "Traceback" not in done.stderr


def test_a_documented_look_into_files_and_database_shows_them(
    on_call: Callable[..., subprocess.CompletedProcess[str]], finished: Stack
) -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    opened = "\n".join(line for line in page.splitlines() if line.startswith(("PSQL=", "PGPASSWORD=")))
    done = on_call(f"{opened} -At", "SELECT model FROM ljwx.aliases WHERE alias = 'champion';")
    assert done.stdout.strip() == query(finished, "SELECT model FROM ljwx.aliases WHERE alias = 'champion'")[0][0]
    card = on_call("cat var/data/datasets/*/README.md")
    assert query(finished, "SELECT sha256 FROM ljwx.datasets")[0][0] in card.stdout
