"""Who is sent what, how often, and what is never sent: real posts to a real server, incidents in a real database."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.utils.types import DagRunType

from ljwx import exceptions
from ljwx.exceptions import BadToken, LjwxError
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.notifications.advice import ADVICE, advice
from ljwx.notifications.alerts import FailureAlert, LateAlert, note_recovery, send_left
from ljwx.notifications.channels import AlertsHook
from support_alerts import Inbox, connection, listening
from support_chain import Database, connect
from support_network import make_ca, tls_in_front_of

# apprise imports the module where Python still has it.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

SECRET = "s3cr3t-token-of-a-chat"
CONNECTION = "AIRFLOW_CONN_LJWX_ALERTS"


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    """The one address of the connection."""
    with listening() as inbox:
        monkeypatch.setenv(CONNECTION, connection("# ops", "", inbox.address(SECRET)))
        yield inbox


def failed(
    task: str = "ingest_bars", error: Any = None, *, index: int = -1, attempt: int = 4, run: str = "r1",
    kind: DagRunType = DagRunType.SCHEDULED,
) -> dict[str, Any]:  # fmt: skip
    """The context of a failure callback."""
    ti = SimpleNamespace(
        dag_id="ljwx_daily_ingest", run_id=run, task_id=task, map_index=index, try_number=attempt,
        log_url=f"http://airflow.test/dags/ljwx_daily_ingest/runs/{run}/tasks/{task}",
    )  # fmt: skip
    dag_run = SimpleNamespace(run_type=kind, partition_key="2026-11-20")
    return {"ti": ti, "dag_run": dag_run, "exception": error or BadToken("TuShare does not know the token")}


def late(state: str = "running", kind: str = "asset_triggered", run: str = "r1") -> dict[str, Any]:
    """The context of a deadline's callback."""
    dag_run = {
        "dag_id": "ljwx_model_build", "dag_run_id": run, "run_type": kind, "state": state,
        "partition_key": "latest", "queued_at": "2026-11-20T12:00:00Z",
    }  # fmt: skip
    return {"dag_run": dag_run, "deadline": {"id": "1", "deadline_time": "2026-11-20T20:00:00Z"}}


def test_a_failure_is_told_in_two_languages_with_what_to_do(db: Database, inbox: Inbox) -> None:
    FailureAlert()(failed("plan_ingest"))
    (post,) = inbox.posts
    assert post["title"] == "ljwx · 失败 FAILED · ljwx_daily_ingest"
    assert post["type"] == "failure"
    lines = post["message"].splitlines()
    for line in (
        "任务失败 · A task failed",
        "DAG: ljwx_daily_ingest",
        "运行 Run: r1",
        "交易日/分区 Session/partition: 2026-11-20",
        "异常 Error: BadToken: TuShare does not know the token",
        "日志 Log: http://airflow.test/dags/ljwx_daily_ingest/runs/r1/tasks/plan_ingest",
    ):
        assert line in lines
    assert "Put a valid token in the password of the connection tushare_default." in post["message"]


def test_five_failing_tasks_of_one_run_make_one_message(db: Database, inbox: Inbox) -> None:
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda index: FailureAlert()(failed(index=index)), range(5)))
    assert len(inbox.posts) == 1
    (row,) = db.rows("SELECT * FROM ljwx.incidents")
    assert (row["count"], sorted(row["failing"])) == (5, [f"ingest_bars[{index}]" for index in range(5)])
    assert row["first_seen"] <= row["last_seen"]


def test_the_same_task_that_fails_again_is_not_told_again(db: Database, inbox: Inbox) -> None:
    FailureAlert()(failed(attempt=4))
    FailureAlert()(failed(attempt=8))
    assert len(inbox.posts) == 1


def test_a_task_that_recovered_in_between_is_told_again(db: Database, inbox: Inbox) -> None:
    FailureAlert()(failed(attempt=4))
    note_recovery(failed(attempt=5))
    FailureAlert()(failed(attempt=9))
    assert len(inbox.posts) == 2


def test_a_run_has_recovered_only_when_all_its_failures_have(db: Database, inbox: Inbox) -> None:
    for index in (0, 1):
        FailureAlert()(failed(index=index))
    note_recovery(failed(index=0, attempt=5))
    FailureAlert()(failed(index=1, attempt=5))
    assert len(inbox.posts) == 1
    note_recovery(failed(index=1, attempt=6))
    FailureAlert()(failed("compute_features"))
    assert len(inbox.posts) == 2


def test_first_attempts_do_not_ask_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_LJWX_POSTGRES", raising=False)
    asked: list[str] = []
    monkeypatch.setattr(WarehouseHook, "note_recovery", lambda *_: asked.append("asked"))
    note_recovery(failed(attempt=1))
    assert asked == []
    note_recovery(failed(attempt=2))
    assert asked == ["asked"]


def test_another_run_is_another_incident(db: Database, inbox: Inbox) -> None:
    FailureAlert()(failed(run="r1"))
    FailureAlert()(failed(run="r2"))
    assert len(inbox.posts) == 2


def test_backfills_are_silent(db: Database, inbox: Inbox) -> None:
    FailureAlert()(failed(kind=DagRunType.BACKFILL_JOB))
    LateAlert()(late(kind="backfill"))
    assert inbox.posts == []
    assert db.value("SELECT count(*) FROM ljwx.incidents") == 0


@pytest.mark.parametrize("state", ["failed", "success"])
def test_a_run_that_has_ended_is_not_late(db: Database, inbox: Inbox, state: str) -> None:
    LateAlert()(late(state))
    assert inbox.posts == []


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_late_run_is_told_once_and_its_failure_apart(db: Database, inbox: Inbox, state: str) -> None:
    for _ in range(2):
        LateAlert()(late(state))
    FailureAlert()(failed())
    assert inbox.titles() == ["ljwx · 超时 LATE · ljwx_model_build", "ljwx · 失败 FAILED · ljwx_daily_ingest"]
    assert inbox.posts[0]["type"] == "warning"
    assert "/dags/ljwx_model_build/runs/r1" in inbox.posts[0]["message"]
    assert "2026-11-20T20:00:00Z" in inbox.posts[0]["message"]


def test_the_triggerer_can_await_a_late_alert(db: Database, inbox: Inbox) -> None:
    async def missed() -> None:
        await LateAlert(context=late())  # type: ignore[arg-type]  # as Airflow's callback trigger calls it

    asyncio.run(missed())
    assert len(inbox.posts) == 1


def test_an_alert_goes_out_when_the_warehouse_is_down(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, "postgresql://nobody:" + SECRET + "@127.0.0.1:1/none")
    FailureAlert()(failed())
    assert len(inbox.posts) == 1
    assert SECRET not in str(inbox.posts)


def test_an_alert_goes_out_before_the_first_migration(
    postgres: Any, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, postgres.url("postgres"))
    FailureAlert()(failed())
    assert len(inbox.posts) == 1


def test_without_a_connection_there_is_one_log_line_and_no_failure(
    db: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv(CONNECTION, raising=False)
    with caplog.at_level(logging.INFO, "ljwx"):
        FailureAlert()(failed())
    assert [record.getMessage() for record in caplog.records if record.name.startswith("ljwx.notifications")] == [
        "no alert is sent: the connection ljwx_alerts is not there, or holds no address"
    ]


@pytest.mark.parametrize(
    ("content", "sent"), [('{"alerts": {"connection": "ops_chat"}}', 1), ("{}", 0), ('{"alerts": 7}', 0), ("{", 0)]
)
def test_the_configuration_file_names_the_connection_and_a_broken_one_means_the_usual(
    db: Database, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str, sent: int
) -> None:
    with listening() as chat:
        monkeypatch.setenv("AIRFLOW_CONN_OPS_CHAT", connection(chat.address(SECRET)))
        (tmp_path / "training_config.json").write_text(content)
        monkeypatch.setenv("LJWX_INCLUDE", str(tmp_path))
        FailureAlert()(failed())
        assert (len(chat.posts), len(inbox.posts)) == (sent, 1 - sent)


def test_what_nobody_took_is_tried_again_with_the_next_failure(db: Database, inbox: Inbox) -> None:
    inbox.status = 500
    FailureAlert()(failed(index=0))
    inbox.status = 200
    FailureAlert()(failed(index=1))
    assert len(inbox.posts) == 1


def killed_before_it_sent(monkeypatch: pytest.MonkeyPatch, context: dict[str, Any]) -> None:
    """What a process leaves that ends between the note and the message."""
    with monkeypatch.context() as patched:
        patched.setattr(AlertsHook, "send", lambda *_, **__: sys.exit("killed"))
        with pytest.raises(SystemExit):
            FailureAlert()(context)


def test_an_alert_whose_sender_was_killed_is_sent_by_a_later_failure_and_listed_until_then(
    db: Database, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse, week = WarehouseHook(), timedelta(days=7)
    killed_before_it_sent(monkeypatch, failed(index=0))
    FailureAlert()(failed(index=1))
    assert (inbox.posts, warehouse.unsent(week)) == ([], []), "it may still be sending"
    db.execute("UPDATE ljwx.incidents SET sending_since = now() - interval '3 minutes'")
    assert [(each.kind, each.run_id) for each in warehouse.unsent(week)] == [("failed", "r1")]
    FailureAlert()(failed(index=2))
    FailureAlert()(failed(index=3))
    assert (len(inbox.posts), warehouse.unsent(week)) == (1, [])
    assert db.rows("SELECT count, told_at FROM ljwx.incidents") == [{"count": 4, "told_at": 3}]


def test_five_failures_whose_first_sender_was_killed_are_told_when_the_run_meets_its_deadline(
    db: Database, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_before_it_sent(monkeypatch, failed(index=0))
    for index in range(1, 5):
        FailureAlert()(failed(index=index))
    LateAlert()(late("failed", run="r1"))
    assert inbox.posts == [], "it may still be sending"
    db.execute("UPDATE ljwx.incidents SET sending_since = now() - interval '3 minutes'")
    for _ in range(2):
        LateAlert()(late("failed", run="r1"))
    assert inbox.titles() == ["ljwx · 补发 SENT LATER"]
    told = inbox.posts[0]["message"].splitlines()[1]
    assert told.startswith("失败 FAILED · ")
    assert told.endswith(" · ljwx_daily_ingest · r1 · " + ", ".join(f"ingest_bars[{index}]" for index in range(5)))
    assert WarehouseHook().unsent(timedelta(days=7)) == []
    assert db.rows("SELECT count, told_at FROM ljwx.incidents") == [{"count": 5, "told_at": 1}]


def test_what_was_left_goes_out_as_one_message_and_stays_left_until_an_address_takes_it(
    db: Database, inbox: Inbox
) -> None:
    inbox.status = 500
    for number in range(12):
        FailureAlert()(failed(run=f"r{number}"))
    LateAlert()(late())
    db.execute("UPDATE ljwx.incidents SET last_seen = last_seen - interval '8 days' WHERE run_id = 'r0'")
    seen = db.rows("SELECT last_seen, count FROM ljwx.incidents ORDER BY run_id, kind")
    send_left()
    assert len(WarehouseHook().unsent(timedelta(days=7))) == 12
    inbox.status = 200
    send_left()
    (post,) = inbox.posts
    lines = post["message"].splitlines()
    assert (len(lines), lines[-2]) == (13, "另有 2 次运行 · further runs: 2")
    assert lines[1].startswith("超时 LATE · ")
    assert "r0" not in post["message"]
    assert db.rows("SELECT last_seen, count FROM ljwx.incidents ORDER BY run_id, kind") == seen


def test_others_are_served_without_harm_to_who_sends_for_them(
    db: Database, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    inbox.status = 500
    FailureAlert()(failed())
    with monkeypatch.context() as broken:
        broken.setattr(AlertsHook, "get_conn", lambda _: 1 / 0)
        send_left()
    assert "alerts that reached nobody are not sent: ZeroDivisionError" in caplog.text
    assert len(WarehouseHook().unsent(timedelta(days=7))) == 1
    connect(monkeypatch, "postgresql://nobody:" + SECRET + "@127.0.0.1:1/none")
    send_left()
    assert SECRET not in caplog.text


def test_a_slow_message_about_an_earlier_failure_does_not_pass_for_that_of_the_next(
    db: Database, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = AlertsHook.send

    def slow(hook: AlertsHook, *message: Any, **how: Any) -> Any:
        """While it sends, the run recovers and fails anew, and that message reaches nobody."""
        monkeypatch.setattr(AlertsHook, "send", send)
        inbox.status = 500
        note_recovery(failed(attempt=5))
        FailureAlert()(failed("compute_features"))
        inbox.status = 200
        return send(hook, *message, **how)

    monkeypatch.setattr(AlertsHook, "send", slow)
    FailureAlert()(failed())
    assert len(inbox.posts) == 1
    assert [each.run_id for each in WarehouseHook().unsent(timedelta(days=7))] == ["r1"]
    FailureAlert()(failed("compute_features", attempt=8))
    assert [("compute_features" in post["message"]) for post in inbox.posts] == [False, True]


def test_what_nobody_took_is_listed_until_it_is_over(db: Database, inbox: Inbox) -> None:
    inbox.status = 500
    FailureAlert()(failed())
    assert [each.kind for each in WarehouseHook().unsent(timedelta(days=1))] == ["failed"]
    assert WarehouseHook().unsent(timedelta(0)) == []
    note_recovery(failed(attempt=5))
    assert WarehouseHook().unsent(timedelta(days=1)) == []


def test_one_broken_address_does_not_close_the_others_and_is_not_logged(
    db: Database, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = [f"nosuch://{SECRET}@host", f"json://127.0.0.1:1/{SECRET}", SECRET, f"dingtalk://{SECRET}!/"]
    monkeypatch.setenv(CONNECTION, connection(*broken, inbox.address(SECRET)))
    with caplog.at_level(logging.DEBUG):
        FailureAlert()(failed())
    assert len(inbox.posts) == 1
    assert inbox.paths == [f"/{SECRET}"]
    assert SECRET not in caplog.text
    logged = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert [line.split(") ")[0] for line in logged] == [
        "alert: address 1 of 5 (nosuch://…",
        "alert: address 2 of 5 (json://…",
        "alert: address 3 of 5 (without a scheme",
        "alert: address 4 of 5 (dingtalk://…",
    ]


def test_two_sendings_at_once_leave_the_logs_of_others_on_and_never_tell_an_address(
    inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger("urllib3.connectionpool")
    hook = AlertsHook()
    with caplog.at_level(logging.DEBUG), ThreadPoolExecutor(4) as threads:
        taken = list(threads.map(lambda number: hook.send(f"title {number}", "body"), range(12)))
        logger.warning("of another thread")
    assert taken == [(1, [])] * 12
    assert SECRET not in caplog.text
    assert "of another thread" in caplog.text
    assert (logger.disabled, logger.filters) == (False, [])


def test_the_text_of_foreign_errors_is_not_told(db: Database, inbox: Inbox) -> None:
    FailureAlert()(failed(error=RuntimeError(f"could not log in with {SECRET}")))
    assert SECRET not in str(inbox.posts)
    assert "异常 Error: RuntimeError\n" in inbox.posts[0]["message"]


def test_a_task_whose_process_was_ended_is_told_without_an_exception(db: Database, inbox: Inbox) -> None:
    context = failed()
    del context["exception"], context["dag_run"]
    FailureAlert()(context)
    assert "The task's process was ended" in inbox.posts[0]["message"]


def test_a_long_text_is_cut_and_only_its_first_line_told(db: Database, inbox: Inbox) -> None:
    FailureAlert()(failed(error=BadToken("x" * 1000 + "\nsecond line")))
    assert "x" * 300 in inbox.posts[0]["message"]
    assert "x" * 301 not in inbox.posts[0]["message"]
    assert "second line" not in inbox.posts[0]["message"]


def test_the_connection_can_be_tested_and_says_which_address_is_wrong(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert AlertsHook().test_connection() == (True, "addresses that took it: 1")
    assert inbox.titles() == ["ljwx · 测试 TEST"]
    monkeypatch.setenv(CONNECTION, connection(inbox.address(), f"nosuch://{SECRET}"))
    fine, said = AlertsHook().test_connection()
    assert not fine
    assert said == "addresses that took it: 1; address 2 of 2 (nosuch://…) is none that apprise understands"


def leaves(kind: type[LjwxError]) -> set[type[LjwxError]]:
    below = kind.__subclasses__()
    return set().union(*map(leaves, below)) if below else {kind}


def test_every_decision_of_the_exceptions_has_an_advice_and_no_advice_is_for_nothing() -> None:
    decisions = [leaf for leaf in leaves(LjwxError) if leaf.__module__ == exceptions.__name__]
    assert [leaf for leaf in decisions if not {kind.__name__ for kind in leaf.__mro__} & set(ADVICE)] == []
    assert [name for name in ADVICE if not issubclass(getattr(exceptions, name), LjwxError)] == []


def test_the_operations_guide_has_a_row_for_every_advice(repository: Path) -> None:
    guide = (repository / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = "\n".join(line.split("|")[1] for line in guide.splitlines() if line.startswith("| `"))
    assert [name for name in ADVICE if f"`{name}`" not in rows and name != "NotFound"] == []


def test_the_nearest_class_decides_the_advice() -> None:
    assert advice(BadToken("x")) == ADVICE["BadToken"]
    assert "unforeseen" in advice(ValueError("x"))[1]


def test_a_webhook_with_a_private_ca_is_reached_by_the_extra_verify(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ca = make_ca(tmp_path)

    def sent(**extra: Any) -> tuple[bool, str]:
        address = inbox.address(SECRET).replace("json://", "jsons://").replace(str(inbox.port), str(port))
        fields = {"conn_type": "apprise", "password": address, "extra": extra}
        monkeypatch.setenv(CONNECTION, json.dumps(fields))
        return AlertsHook().test_connection()

    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(variable, raising=False)
    with tls_in_front_of(inbox.port, ca) as port:
        assert not sent()[0]
        assert sent(verify=str(ca.ca))[0]
        assert sent(verify=False)[0]
        monkeypatch.setenv("SSL_CERT_FILE", str(ca.ca))
        assert sent()[0]
        fine, said = sent(verfy=str(ca.ca))
        assert not fine
        assert said == "connection ljwx_alerts: unknown extra 'verfy'; known are verify"
        assert AlertsHook().send("title", "body") == (0, ["address 1 of 1 (jsons://…) did not take it"])
    assert len(inbox.posts) == 3
    assert said in caplog.text


def test_a_wrong_extra_is_told_and_holds_up_no_alert(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fields = {"conn_type": "apprise", "password": inbox.address(SECRET), "extra": {"config": "x"}}
    monkeypatch.setenv(CONNECTION, json.dumps(fields))
    assert AlertsHook().send("title", "body") == (1, [])
    assert inbox.titles() == ["title"]
    assert "unknown extra 'config'" in caplog.text
