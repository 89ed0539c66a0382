"""The night after the market's last session: its tasks, an address for messages, and what the record holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from ljwx.core.forward.chain import Answer
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.stages.forward.asking import ask_session
from ljwx.stages.forward.opening import open_session
from support_alerts import Inbox, connection, listening
from support_chain import LAST, SMALL, Database
from support_forward import at, stop_clock
from support_ollama import OllamaServer
from support_tasks import TaskRunner

SESSION = date.fromisoformat(LAST)
TASKS = ("investment_advice", "risk_assessment", "price_direction")
RULES = ("class_rates", "logistic", "persistence")
FORWARD_SETTINGS = {"stocks": 3, "in_full": 1}
GONE = {"route": "chat", "kind": "status", "status": 503, "times": 999}
NOTHING_LEFT = {"questions": 9, "answers": 0}


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    """An address that the alert channels know."""
    with listening() as found:
        monkeypatch.setenv("AIRFLOW_CONN_LJWX_ALERTS", connection(found.address()))
        yield found


@pytest.fixture
def record(chain_db: Database, tasks: TaskRunner, ollama_faulty: OllamaServer) -> TaskRunner:
    """The tasks after the close of the market's last session, a Friday; its deadline is on Monday."""
    tasks.variables["ljwx_training_config"] = {**SMALL, "forward": FORWARD_SETTINGS}
    stop_clock(chain_db.url, at(SESSION, 19))
    return tasks


def settings(tasks: TaskRunner, **changed: Any) -> None:
    tasks.variables["ljwx_training_config"] = {**SMALL, "forward": FORWARD_SETTINGS | changed}


def answered(tasks: TaskRunner) -> dict[str, int]:
    """Open the session and ask about it."""
    return tasks.run(ask_session, tasks.run(open_session))


def written() -> list[Answer]:
    return WarehouseHook().forward_answers(SESSION)


def by_answerer() -> dict[str, int]:
    return dict(Counter(each.answerer for each in written()))


def skipped(tasks: TaskRunner) -> str:
    with pytest.raises(AirflowSkipException) as reason:
        tasks.run(open_session)
    return str(reason.value)
