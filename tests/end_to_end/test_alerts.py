"""Alerts from a real scheduler: a failed run is told once, a late one once, a backfill never."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from ljwx.resources import ALERTS_CONN_ID, OLLAMA_POOL
from ljwx_sandbox.airflow import executable
from ljwx_sandbox.stack import POOLS, Stack
from support_alerts import Inbox, listening
from support_stack import ENDED, is_idle, poll, query, trigger, unpause

pytestmark = pytest.mark.timeout(900)

INGEST, CLEANUP = "ljwx_daily_ingest", "ljwx_cleanup"
BAD_TOKEN = "a-token-that-no-server-knows"
CHAT_TOKEN = "a-chat-token-that-must-not-be-seen"


@pytest.fixture(scope="module")
def inbox() -> Iterator[Inbox]:
    with listening() as inbox:
        yield inbox


@pytest.fixture(scope="module")
def stack(shared_stack: Stack, inbox: Inbox) -> Iterator[Stack]:
    """A stack whose token TuShare does not know, and whose alerts we take."""
    api, (before,) = shared_stack.api, shared_stack.connections("tushare_default")
    # By another name of the server: of this one the warehouse may have today's calendar and stocks.
    api.put_connection(before | {"password": BAD_TOKEN, "host": "localhost"})
    api.put_connection({"connection_id": ALERTS_CONN_ID, "conn_type": "apprise", "password": inbox.address(CHAT_TOKEN)})
    poll(lambda: is_idle(shared_stack), 120, "another module's run goes on")
    unpause(shared_stack, INGEST, CLEANUP)
    yield shared_stack
    api.put_connection(before)
    api.send("DELETE", f"connections/{ALERTS_CONN_ID}", {})


def until_failed(stack: Stack, dag: str, run: str, starts: int) -> None:
    """Wait until a run has failed, with its planning task started `starts` times."""

    def failed() -> bool:
        plan = stack.api.get(f"dags/{dag}/dagRuns/{run}/taskInstances/plan_ingest")
        state = stack.api.get(f"dags/{dag}/dagRuns/{run}")["state"]
        return state == plan["state"] == "failed" and plan["try_number"] >= starts

    poll(failed, 240, f"{dag} {run} did not fail")


def incidents(stack: Stack) -> dict[tuple[str, str], tuple[str, int]]:
    """What the warehouse knows: (dag, run) → (kind, count)."""
    found = query(stack, "SELECT dag_id, run_id, kind, count FROM ljwx.incidents")
    return {(dag, run): (kind, count) for dag, run, kind, count in found}


@pytest.fixture(scope="module")
def failed_run(stack: Stack) -> str:
    """A run that failed because TuShare does not know the token."""
    run = trigger(stack, INGEST, partition_key="2026-06-30")
    until_failed(stack, INGEST, run, 1)
    return run


def test_a_failed_run_is_told_once(stack: Stack, inbox: Inbox, failed_run: str) -> None:
    poll(lambda: bool(inbox.posts), 60, "nobody was told")
    (post,) = inbox.posts
    assert post["title"] == "ljwx · 失败 FAILED · ljwx_daily_ingest"
    for told in ("plan_ingest", failed_run, "2026-06-30", "BadToken", "Put a valid token", stack.api.base_url):
        assert told in post["message"]
    assert BAD_TOKEN not in str(post)
    assert incidents(stack) == {(INGEST, failed_run): ("failed", 1)}


def test_the_same_run_that_fails_again_is_not_told_again(stack: Stack, inbox: Inbox, failed_run: str) -> None:
    stack.api.send(
        "POST", f"dags/{INGEST}/clearTaskInstances",
        {"dag_run_id": failed_run, "task_ids": ["plan_ingest"], "dry_run": False, "only_failed": True},
    )  # fmt: skip
    until_failed(stack, INGEST, failed_run, 2)
    poll(lambda: incidents(stack)[INGEST, failed_run] == ("failed", 2), 60, "the second failure was not seen")
    assert len(inbox.posts) == 1


def test_a_backfill_that_fails_is_told_to_nobody(stack: Stack, inbox: Inbox, failed_run: str) -> None:
    command = (executable("airflow"), "backfill", "create", "--dag-id", INGEST)
    window = ("--from-date", "2026-06-29", "--to-date", "2026-06-29")
    subprocess.run((*command, *window), env=stack.environment, check=True, capture_output=True)
    runs = stack.api.get(f"dags/{INGEST}/dagRuns", run_type="backfill", order_by="-id")["dag_runs"]
    run = next(run for run in runs if run["partition_key"] == "2026-06-29")
    until_failed(stack, INGEST, run["dag_run_id"], 1)
    logs = stack.settings.home / "airflow" / "logs" / f"dag_id={INGEST}" / f"run_id={run['dag_run_id']}"
    silent = "no alert for a backfill"
    poll(lambda: any(silent in path.read_text() for path in logs.rglob("*.log")), 60, "the callback did not run")
    assert len(inbox.posts) == 1


def test_a_late_run_is_told_once_while_it_goes_on(stack: Stack, inbox: Inbox, failed_run: str) -> None:
    _, description = POOLS[OLLAMA_POOL]
    stack.api.put_pool(OLLAMA_POOL, 0, description)
    run = trigger(stack, CLEANUP, conf={})
    poll(lambda: len(inbox.posts) > 1, 120, "nobody was told")
    assert stack.api.get(f"dags/{CLEANUP}/dagRuns/{run}")["state"] in {"queued", "running"}
    stack.api.put_pool(OLLAMA_POOL, 1, description)
    poll(lambda: stack.api.get(f"dags/{CLEANUP}/dagRuns/{run}")["state"] in ENDED, 240, "the cleanup did not go on")
    assert stack.api.get(f"dags/{CLEANUP}/dagRuns/{run}")["state"] == "success"
    _, post = inbox.posts
    assert post["title"] == "ljwx · 超时 LATE · ljwx_cleanup"
    assert f"{stack.api.base_url}/dags/{CLEANUP}/runs/" in post["message"]
    assert incidents(stack)[CLEANUP, run] == ("late", 1)


def test_no_log_holds_an_address_or_a_token(stack: Stack, inbox: Inbox) -> None:
    assert inbox.paths
    logs = list(stack.settings.home.rglob("*.log"))
    assert logs
    for path in logs:
        text = path.read_text(errors="replace")
        assert CHAT_TOKEN not in text, path
        assert BAD_TOKEN not in text, path
