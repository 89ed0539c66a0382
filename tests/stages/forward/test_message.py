"""The answers about the watchlist leave the house once a session, where the settings ask for it, and without prices."""

from __future__ import annotations

import re
import sys
from datetime import date
from typing import Any

import polars as pl
import pytest
from airflow.sdk.exceptions import AirflowSkipException

from ljwx.core.datasets.spec import RISK_STATEMENT
from ljwx.notifications.channels import AlertsHook
from ljwx.services.doctor import Finding
from ljwx.services.doctor.alerts import alerts
from ljwx.stages.forward.message import tell_watchlist
from support_alerts import Inbox
from support_chain import bars_of, whole_day
from support_lines import DAYS, Market
from support_rows import add_alias
from support_tasks import TaskRunner

# apprise imports the module where Python still has it.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

ASKED = range(40, 46)
SESSION = DAYS[ASKED[-1]].isoformat()
WATCHLIST = ["000007.SZ", "000001.SZ"]


@pytest.fixture
def record(sessions_of_lines: Market, tasks: TaskRunner) -> Market:
    """Six sessions of a champion's line; the settings ask for the message."""
    market = sessions_of_lines
    market.record((market.model("new"), 0.4), days=ASKED)
    add_alias(market.db, "new")
    listed = {"ts_code": WATCHLIST[1], "name": "平安银行", "list_status": "L", "list_date": date(1991, 4, 3)}
    market.warehouse.save_instruments(1, pl.DataFrame([listed]))
    for at in ASKED:
        market.warehouse.save_day(1, whole_day(DAYS[at]), bars_of(DAYS[at]))
    ask_for(tasks)
    return market


def ask_for(tasks: TaskRunner, **forward: Any) -> None:
    wanted = {"message": True, "watchlist": WATCHLIST} | forward
    tasks.variables["ljwx_training_config"] = {"forward": wanted}


def test_the_answers_are_sent_once_with_their_record_and_the_risk_statement(
    record: Market, tasks: TaskRunner, inbox: Inbox
) -> None:
    assert tasks.run(tell_watchlist, SESSION) == 2
    (post,) = inbox.posts
    assert post["title"] == f"ljwx · 自选股 WATCHLIST · {SESSION} · AI 生成 AI-generated"
    lines = post["message"].splitlines()
    assert lines[0].startswith("【AI 生成】")
    assert lines[1].startswith("[AI-generated]")
    assert lines[2] == f"截至 As of: {SESSION}; 回答者 Answers of: new"
    assert re.fullmatch(r"000007\.SZ: (\S+ [a-z ]+ \d+%(; )?){3}", lines[3])
    assert lines[4].startswith("000001.SZ 平安银行: ")
    told = [line for line in lines if "n = 150, 6 个交易日 sessions; 命中 hits" in line]
    assert len(told) == 3
    assert any(line.startswith("未检验 · not asked") for line in lines)
    assert lines[-2] == RISK_STATEMENT
    tasks.run(tell_watchlist, SESSION)
    assert len(inbox.posts) == 1


def test_beside_a_newer_model_of_its_line_the_champion_is_told_and_its_own_record(
    record: Market, tasks: TaskRunner, inbox: Inbox
) -> None:
    columns = "session, ts_code, task, line_id, snapshot_sha256, classes, answered_at, late, server, latency_s, run_key"
    record.db.execute(
        f"INSERT INTO ljwx.forward_answers ({columns}, answerer, digest, reason) "
        f"SELECT {columns}, 'newer', 'newer', 'no_class' FROM ljwx.forward_answers"
    )
    assert tasks.run(tell_watchlist, SESSION) == 2
    (post,) = inbox.posts
    assert "newer" not in post["message"]
    told = [line for line in post["message"].splitlines() if "n = 150, 6 个交易日 sessions; 命中 hits" in line]
    assert len(told) == 3
    assert all("命中 hits 0%" not in line for line in told)


def test_what_no_address_took_fails_nothing_and_is_sent_when_it_is_cleared(
    record: Market, tasks: TaskRunner, inbox: Inbox
) -> None:
    inbox.status = 500
    assert tasks.run(tell_watchlist, SESSION) == 2
    inbox.status = 200
    assert tasks.run(tell_watchlist, SESSION, again=True) == 2
    assert len(inbox.posts) == 1


@pytest.mark.parametrize("has_left", [False, True])
def test_killed_around_the_sending_it_is_named_by_the_doctor_and_sent_by_the_next_attempt(
    record: Market, tasks: TaskRunner, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, has_left: bool
) -> None:
    send = AlertsHook.send

    def killed(hook: AlertsHook, *message: Any, **how: Any) -> None:
        if has_left:
            send(hook, *message, **how)
        sys.exit("killed")

    with monkeypatch.context() as patched:
        patched.setattr(AlertsHook, "send", killed)
        with pytest.raises(SystemExit):
            tasks.run(tell_watchlist, SESSION)
    record.db.execute("UPDATE ljwx.incidents SET sending_since = sending_since - interval '3 minutes'")
    found = alerts()
    assert found is not None
    assert (found.ok, f"answers of ljwx_forward session {SESSION}" in found.found) == (False, True)
    assert found.advice == "clear tell_watchlist of that session; test the connection ljwx_alerts"
    assert tasks.run(tell_watchlist, SESSION, again=True) == 2
    assert len(inbox.posts) == 1 + has_left
    assert tasks.run(tell_watchlist, SESSION, again=True) == 2
    assert len(inbox.posts) == 1 + has_left
    assert alerts() == Finding("alerts", True, "each message of the last 7 days was taken")


@pytest.mark.parametrize(
    ("forward", "change", "why"),
    [
        ({"message": False}, "", "forward.message is off"),
        ({"watchlist": []}, "", "forward.watchlist names no stock"),
        ({"watchlist": ["600999.SH"]}, "", "nobody who serves has answered in time about the watchlist"),
        ({}, "DELETE FROM ljwx.aliases", "nobody who serves"),
        ({}, "UPDATE ljwx.forward_batches SET sealed_at = deadline", "nobody who serves"),
        ({}, "UPDATE ljwx.forward_answers SET late = true", "nobody who serves"),
    ],
)
def test_without_anything_to_tell_it_is_skipped(
    record: Market, tasks: TaskRunner, inbox: Inbox, forward: dict[str, Any], change: str, why: str
) -> None:
    ask_for(tasks, **forward)
    if change:
        record.db.execute(change)
    with pytest.raises(AirflowSkipException, match=why):
        tasks.run(tell_watchlist, SESSION)
    assert inbox.posts == []
