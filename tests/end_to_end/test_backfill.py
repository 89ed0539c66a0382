"""Sessions backfilled through the real scheduler, again with each reprocess behaviour, and what follows them.

Four sessions with the Spring Festival between them; with `--long` sixty sessions, up to the middle of May.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import requests

from ljwx.resources import sse_calendar
from ljwx_sandbox.airflow import executable
from ljwx_sandbox.demo import BUILD, INGEST, SAMPLES
from ljwx_sandbox.stack import Stack
from support_ollama import OllamaServer
from support_stack import ENDED, is_idle, poll, query, trigger, unpause

pytestmark = pytest.mark.timeout(1800)

EARLIER = ("2025-07-01", "2026-02-11")
FILLED_IN = ("2025-05-06", "2025-06-30")
"""What is filled in behind a model that serves."""
FIRST = "2026-02-12"
SHORT, LONG = ("2026-02-25", 4), ("2026-05-20", 60)
"""The last session and how many there are, with the Spring Festival, and in the long range two more holidays."""


@pytest.fixture(scope="module")
def sessions(long_range: bool) -> list[str]:
    last, count = LONG if long_range else SHORT
    found = [str(day) for day in sse_calendar().between(date.fromisoformat(FIRST), date.fromisoformat(last))]
    assert len(found) == count
    return found


@pytest.fixture(scope="module")
def stack(shared_stack: Stack) -> Iterator[Stack]:
    """A stack on which seven months were ingested before, enough for a dataset; the model build is left paused."""
    unpause(shared_stack, INGEST, SAMPLES)
    run = trigger(shared_stack, INGEST, conf={"start_date": EARLIER[0], "end_date": EARLIER[1]})
    path = f"dags/{INGEST}/dagRuns/{run}"
    poll(lambda: shared_stack.api.get(path)["state"] in ENDED, 300, "the earlier months were not ingested")
    assert shared_stack.api.get(path)["state"] == "success"
    yield shared_stack
    poll(lambda: is_idle(shared_stack), 180, "a run goes on")
    for dag in (INGEST, SAMPLES, BUILD):
        shared_stack.api.send("PATCH", f"dags/{dag}", {"is_paused": True})
    server = OllamaServer(f"http://127.0.0.1:{shared_stack.settings.ports['ollama']}", shared_stack.settings.home)
    for tag in server.get("tags")["models"]:
        if tag["name"].startswith("ljwx-stock:"):
            server.delete(tag["name"])


def runs(stack: Stack, dag: str, **having: Any) -> list[dict[str, Any]]:
    return list(stack.api.get(f"dags/{dag}/dagRuns", limit=200, **having)["dag_runs"])


def filled(stack: Stack, sessions: list[str]) -> list[dict[str, Any]]:
    """The ingest's backfill runs of these sessions."""
    return [run for run in runs(stack, INGEST, run_type="backfill") if run["partition_key"] in sessions]


def backfill(stack: Stack, first: str, last: str, *more: str) -> str:
    """Create a backfill, wait until each of its runs has ended, and return what the command said."""
    command = [executable("airflow"), "backfill", "create", "--dag-id", INGEST, "--from-date", first, "--to-date", last]
    done = subprocess.run(
        [*command, "--max-active-runs", "2", *more], env=stack.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    poll(
        lambda: all(each["completed_at"] for each in stack.api.get("backfills", dag_id=INGEST)["backfills"]),
        900, "the backfill did not end",
    )  # fmt: skip
    return done.stdout


def consumed(stack: Stack) -> Counter[str]:
    """How many runs of the sample generation took each session's event."""
    taken: Counter[str] = Counter()
    for run in runs(stack, SAMPLES):
        events = stack.api.get(f"dags/{SAMPLES}/dagRuns/{run['dag_run_id']}/upstreamAssetEvents")["asset_events"]
        taken.update(event["partition_key"] for event in events)
    return taken


def calendar_page(stack: Stack, first: str, last: str) -> Counter[tuple[str, str]]:
    """What Airflow's own calendar page shows of the ingest: runs by day and state."""
    stack.api.get(f"dags/{INGEST}")  # so that there is a login
    answer = requests.get(
        f"{stack.api.base_url}/ui/calendar/{INGEST}",
        params={"partition_date_gte": f"{first}T00:00:00Z", "partition_date_lte": f"{last}T23:59:59Z"},
        headers=dict(stack.api._session.headers),
        timeout=60,
    )
    assert answer.ok, answer.text
    return Counter({(each["date"][:10], each["state"]): each["count"] for each in answer.json()["dag_runs"]})


def attempts(stack: Stack, sessions: list[str]) -> Counter[str]:
    """How often each session was fetched: a cleared run keeps its id and counts its tries."""
    tries: Counter[str] = Counter()
    for run in filled(stack, sessions):
        path = f"dags/{INGEST}/dagRuns/{run['dag_run_id']}/taskInstances"
        planned = [task for task in stack.api.get(path)["task_instances"] if task["task_id"] == "plan_ingest"]
        tries[run["partition_key"]] += sum(task["try_number"] for task in planned)
    return tries


def test_sessions_are_filled_once_each_and_samples_follow_without_a_pile_of_runs(
    stack: Stack, sessions: list[str]
) -> None:
    first, last = sessions[0], sessions[-1]
    backfill(stack, first, last)
    assert sorted((run["partition_key"], run["state"]) for run in filled(stack, sessions)) == [
        (session, "success") for session in sessions
    ]
    fetched = query(
        stack, f"SELECT session::text FROM ljwx.ingest_days WHERE complete AND session >= '{first}' ORDER BY 1"
    )
    assert [session for (session,) in fetched] == sessions

    def followed() -> bool:
        newest = query(stack, "SELECT max(last_session)::text FROM ljwx.datasets")[0][0]
        idle = not any(run["state"] not in ENDED for run in runs(stack, SAMPLES))
        return bool(newest == last and idle)

    poll(followed, 300, "no dataset holds the newest session")
    # A day's technical analysis needs no future, so the newest dataset reaches the last session.
    days = query(
        stack,
        "SELECT count(DISTINCT session) FROM ljwx.samples JOIN ljwx.dataset_samples USING (sample_id) "
        "WHERE dataset_id = (SELECT dataset_id FROM ljwx.datasets ORDER BY created_at DESC LIMIT 1) "
        f"AND session >= '{first}'",
    )[0][0]
    assert days >= len(sessions) // 3
    assert Counter(run["state"] for run in runs(stack, SAMPLES))["failed"] == 0
    assert len(runs(stack, SAMPLES)) == 1 + 1, "one for the earlier months, one for the whole backfill"
    taken = consumed(stack)
    assert {session: taken[session] for session in sessions} == dict.fromkeys(sessions, 1)
    assert calendar_page(stack, first, last) == Counter({(session, "success"): 1 for session in sessions})
    assert runs(stack, BUILD) == []


def test_each_reprocess_behaviour_takes_the_runs_it_names(stack: Stack, sessions: list[str]) -> None:
    first, last = sessions[0], sessions[1]
    rows = "SELECT count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM ljwx.{} t"
    before = [query(stack, rows.format(table)) for table in ("bars", "features")]
    once = attempts(stack, sessions)
    assert set(once.values()) == {1}

    backfill(stack, first, last, "--reprocess-behavior", "none")
    assert attempts(stack, sessions) == once, "what is there is not fetched again"

    backfill(stack, first, last, "--reprocess-behavior", "failed")
    assert attempts(stack, sessions) == once, "nothing had failed"

    backfill(stack, first, last, "--reprocess-behavior", "completed")
    again = attempts(stack, sessions)
    assert {session for session in sessions if again[session] > once[session]} == set(sessions[:2])
    assert [query(stack, rows.format(table)) for table in ("bars", "features")] == before, "the same again"


def build(stack: Stack, run: str) -> None:
    """Wait until a build has ended well."""
    path = f"dags/{BUILD}/dagRuns/{run}"
    poll(lambda: stack.api.get(path)["state"] in ENDED, 600, "the build did not end")
    logs = stack.settings.home / "airflow" / "logs" / f"dag_id={BUILD}" / f"run_id={run}"
    failed = [
        log.read_text(errors="replace")[-2000:]
        for task in stack.api.get(f"{path}/taskInstances")["task_instances"]
        if task["state"] == "failed"
        for log in sorted((logs / f"task_id={task['task_id']}").rglob("*.log"))
    ]
    assert stack.api.get(path)["state"] == "success", failed


def made_until(stack: Stack, model: str) -> date:
    """The last day that a label ends on, of anything that the model was made from."""
    last = f"""SELECT max(s.label_end) FROM ljwx.models m JOIN ljwx.dataset_samples d USING (dataset_id)
               JOIN ljwx.samples s USING (sample_id) WHERE m.model = '{model}' AND d.split = 'train'"""
    return date.fromisoformat(str(query(stack, last)[0][0]))


def test_no_question_that_counts_lies_in_what_champion_or_challenger_was_made_from(stack: Stack) -> None:
    """Earlier years are filled in behind a champion: the new windows move back, over its own examples."""
    poll(lambda: query(stack, "SELECT 1 FROM ljwx.datasets") and is_idle(stack), 300, "no dataset of the months before")
    unpause(stack, BUILD)
    build(stack, trigger(stack, BUILD))
    ((champion, dataset, began),) = query(
        stack,
        "SELECT model, dataset_id, first_session FROM ljwx.aliases JOIN ljwx.models USING (model) "
        "JOIN ljwx.datasets USING (dataset_id) WHERE alias = 'champion'",
    )
    poll(lambda: is_idle(stack), 300, "a run goes on")
    before = {run["dag_run_id"] for run in runs(stack, BUILD)}
    trigger(stack, INGEST, conf=dict(zip(("start_date", "end_date"), FILLED_IN, strict=True)))
    found = poll(lambda: {run["dag_run_id"] for run in runs(stack, BUILD)} - before, 600, "no build of the new dataset")
    build(stack, found.pop())
    build(stack, trigger(stack, BUILD, conf={"model": {"strategy": "fewshot"}}))  # at once: a line is trained seldom

    ((challenger, longer, first),) = query(
        stack,
        "SELECT model, dataset_id, first_session FROM ljwx.models JOIN ljwx.datasets USING (dataset_id) "
        "ORDER BY models.created_at DESC LIMIT 1",
    )
    assert longer != dataset
    assert first < began
    window = f"""SELECT min(session) FROM ljwx.dataset_samples JOIN ljwx.samples USING (sample_id)
                 WHERE dataset_id = '{longer}' AND split = 'validation'"""
    assert query(stack, window)[0][0] <= made_until(stack, champion), "the attack is real"
    asked = query(
        stack,
        "SELECT min(session), count(*) FILTER (WHERE kind = 'validation') FROM ljwx.question_sets "
        "JOIN ljwx.questions USING (question_set_id) JOIN ljwx.samples USING (sample_id) "
        f"WHERE question_sets.dataset_id = '{longer}'",
    )
    assert asked[0][0] > max(made_until(stack, champion), made_until(stack, challenger))
    counted = query(
        stack,
        "SELECT DISTINCT card.value -> 'overall' -> 'n' FROM ljwx.evaluations JOIN ljwx.question_sets USING "
        "(question_set_id), jsonb_each(scorecard) AS card "
        f"WHERE dataset_id = '{longer}' AND kind = 'validation' AND card.value ? 'overall'",
    )
    assert counted == [(asked[0][1],)]
    evidence = query(stack, "SELECT session, challenger_model, rival_model FROM ljwx.line_evidence")
    for session, *models in evidence:
        assert all(session > made_until(stack, model) for model in models if model)
