"""The forward record: the database dates it, seals it once, and refuses every change."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import CheckViolation, InsufficientPrivilege, RestrictViolation

from ljwx.exceptions import DeadlinePassed, RecordUnfinished
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.warehouse.forward import Answered, NewAnswer, NewBatch, Written
from ljwx.warehouse.runs import RunRef
from support_chain import Database
from support_forward import at, stop_clock

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
OPENED = NewBatch(MONDAY, at(MONDAY, 9, 15, days=1), "20260302-abc", {"horizon": 5, "flat_band": 0.01}, {"low": 0.2})
SAID = NewAnswer(
    MONDAY, "000001.SZ", "price_direction", "ljwx-stock:v1", "d" * 64, "line", "s" * 64, ("up", "flat", "down"),
    {"up": 0.5, "flat": 0.3, "down": 0.2}, server="ollama_default", latency_s=0.2,
)  # fmt: skip
RULE = replace(SAID, answerer="class_rates", digest=None, line_id=None, server=None, latency_s=None)
DOCUMENTED = (Path(__file__).parents[2] / "docs" / "connections.md").read_text(encoding="utf-8")
ROLE = DOCUMENTED.split("## A record that the pipeline cannot change")[1].split("```sql\n")[1].split("```")[0]


@pytest.fixture
def warehouse(warehouse_url: str) -> WarehouseHook:
    hook = WarehouseHook()
    hook.start_run(RunRef("tests", "one", "forward"))
    stop_clock(warehouse_url, at(MONDAY, 19))
    return hook


def sealed(warehouse: WarehouseHook, *answers: NewAnswer, opened: NewBatch = OPENED) -> str:
    """The digest of a batch with these answers."""
    warehouse.open_batch(1, opened)
    for each in answers:
        warehouse.save_forward_answer(1, each)
    batch = warehouse.seal_batch(opened.session)
    assert batch is not None
    assert batch.digest is not None
    return batch.digest


def after(batch: NewBatch, days: int) -> NewBatch:
    """The batch of a session so many days later."""
    step = timedelta(days)
    return replace(batch, session=batch.session + step, deadline=batch.deadline + step)


def test_the_database_dates_an_answer_whatever_the_client_says(warehouse: WarehouseHook, warehouse_url: str) -> None:
    warehouse.open_batch(1, OPENED)
    Database(warehouse_url).execute(
        "INSERT INTO ljwx.forward_answers (session, ts_code, task, answerer, snapshot_sha256, classes, reason, run_key,"
        " answered_at, late) VALUES (%s, '000001.SZ', 'price_direction', 'base', '', '{up}', 'no_class', 1, %s, true)",
        MONDAY, at(MONDAY, 16),
    )  # fmt: skip
    (answer,) = warehouse.forward_answers(MONDAY)
    assert (answer.answered_at, answer.late) == (at(MONDAY, 19), False)


@pytest.mark.parametrize(("hour", "minute", "late"), [(9, 14, False), (9, 15, True), (11, 0, True)])
def test_an_answer_is_late_from_the_deadline_on(
    warehouse: WarehouseHook, warehouse_url: str, hour: int, minute: int, late: bool
) -> None:
    warehouse.open_batch(1, OPENED)
    stop_clock(warehouse_url, at(MONDAY, hour, minute, days=1))
    written = warehouse.save_forward_answer(1, SAID)
    assert written == Written(at(MONDAY, hour, minute, days=1), late)
    assert [each.late for each in warehouse.forward_answers(MONDAY)] == [late]


def test_what_was_said_first_stays(warehouse: WarehouseHook) -> None:
    warehouse.open_batch(1, OPENED)
    first = Written(at(MONDAY, 19), False)
    changed = replace(SAID, probabilities={"up": 1.0})
    assert [warehouse.save_forward_answer(1, each) for each in (SAID, changed)] == [first, None]
    assert [warehouse.save_forward_answer(1, each) for each in (RULE, RULE)] == [first, None]
    assert warehouse.forward_answered(MONDAY) == {
        Answered("000001.SZ", "price_direction", "ljwx-stock:v1", "d" * 64),
        Answered("000001.SZ", "price_direction", "class_rates", None),
    }


@pytest.mark.parametrize(
    ("hour", "days", "said"),
    [(9, 1, "has passed: 2026-03-02 is a gap"), (14, 0, "is not over by the clock of the database")],
)
def test_a_session_is_asked_about_between_its_close_and_its_deadline(
    warehouse: WarehouseHook, warehouse_url: str, hour: int, days: int, said: str
) -> None:
    stop_clock(warehouse_url, at(MONDAY, hour, 30, days=days))
    with pytest.raises(DeadlinePassed, match=said):
        warehouse.open_batch(1, OPENED)
    assert warehouse.forward_batches() == []


def test_a_batch_that_is_there_stays_as_it_was_opened(warehouse: WarehouseHook, warehouse_url: str) -> None:
    first = warehouse.open_batch(1, OPENED)
    stop_clock(warehouse_url, at(MONDAY, 12, days=9))
    assert warehouse.open_batch(1, replace(OPENED, dataset_id="another")) == first


def test_a_sealed_batch_has_a_digest_over_its_answers_that_a_stranger_can_compute(warehouse: WarehouseHook) -> None:
    digest = sealed(warehouse, SAID, RULE)
    labels = '{"dataset_id":"20260302-abc","fit":{"low":0.2},"spec":{"flat_band":0.01,"horizon":5}}'
    opened = "2026-03-02T11:00:00.000000Z"
    told = ["s" * 64, "up|flat|down", '{"down":0.2,"flat":0.3,"up":0.5}', "", "", opened, "false"]
    lines = [
        ["2026-03-02", "2026-03-03T01:15:00.000000Z", opened, labels, ""],
        ["000001.SZ", "price_direction", "class_rates", "", "", *told],
        ["000001.SZ", "price_direction", "ljwx-stock:v1", "d" * 64, "line", *told],
    ]
    text = "\n".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in lines)
    assert digest == hashlib.sha256(text.encode()).hexdigest()


def test_a_batch_is_chained_to_the_one_before(warehouse: WarehouseHook, warehouse_url: str) -> None:
    first = sealed(warehouse, SAID)
    stop_clock(warehouse_url, at(TUESDAY, 19))
    later = replace(OPENED, session=TUESDAY, deadline=at(TUESDAY, 9, 15, days=1))
    second = sealed(warehouse, replace(SAID, session=TUESDAY), opened=later)
    assert [(each.digest, each.previous) for each in warehouse.forward_batches()] == [(first, None), (second, first)]


def test_a_batch_is_sealed_once(warehouse: WarehouseHook, warehouse_url: str) -> None:
    sealed(warehouse, SAID)
    before = warehouse.forward_batches()
    stop_clock(warehouse_url, at(MONDAY, 20))
    warehouse.seal_batch(MONDAY)
    with pytest.raises(DeadlinePassed, match="is sealed: it takes no more answers"):
        warehouse.save_forward_answer(1, RULE)
    assert warehouse.forward_batches() == before


def test_a_batch_without_an_answer_is_a_gap(warehouse: WarehouseHook) -> None:
    warehouse.open_batch(1, OPENED)
    assert warehouse.seal_batch(MONDAY) is None
    assert warehouse.seal_batch(TUESDAY) is None


def test_a_batch_does_not_pass_over_answers_of_one_before(warehouse: WarehouseHook, warehouse_url: str) -> None:
    warehouse.open_batch(1, OPENED)
    warehouse.save_forward_answer(1, SAID)
    stop_clock(warehouse_url, at(TUESDAY, 19))
    later = replace(OPENED, session=TUESDAY, deadline=at(TUESDAY, 9, 15, days=1))
    with pytest.raises(RestrictViolation, match="follow the sealed batch before"):
        sealed(warehouse, replace(SAID, session=TUESDAY), opened=later)
    assert warehouse.batches_left_open() == [MONDAY]
    warehouse.seal_batch(MONDAY)
    assert warehouse.seal_batch(TUESDAY) is not None


def test_a_batch_that_a_later_one_has_passed_takes_no_answer_and_holds_up_no_seal(
    warehouse: WarehouseHook, warehouse_url: str
) -> None:
    """Monday's questions were opened and nobody asked; Tuesday is sealed, and Monday is asked about again."""
    warehouse.open_batch(1, OPENED)
    tuesday, wednesday = (after(OPENED, days) for days in (1, 2))
    stop_clock(warehouse_url, at(TUESDAY, 19))
    sealed(warehouse, replace(SAID, session=TUESDAY), opened=tuesday)
    with pytest.raises(DeadlinePassed, match="the batch of 2026-03-03 is sealed, and follows it"):
        warehouse.save_forward_rules(MONDAY, 1, [RULE])
    assert warehouse.forward_answers(MONDAY) == []
    stop_clock(warehouse_url, at(wednesday.session, 19))
    assert sealed(warehouse, replace(SAID, session=wednesday.session), opened=wednesday)


def test_answers_that_were_let_past_by_an_older_version_hold_up_no_seal(
    warehouse: WarehouseHook, warehouse_url: str
) -> None:
    warehouse.open_batch(1, OPENED)
    tuesday, wednesday = (after(OPENED, days) for days in (1, 2))
    stop_clock(warehouse_url, at(TUESDAY, 19))
    sealed(warehouse, replace(SAID, session=TUESDAY), opened=tuesday)
    database = Database(warehouse_url)
    database.execute("ALTER TABLE ljwx.forward_answers DISABLE TRIGGER written")
    database.execute(
        "INSERT INTO ljwx.forward_answers (session, ts_code, task, answerer, snapshot_sha256, classes, reason, run_key,"
        " answered_at, late) VALUES (%s, '000001.SZ', 'price_direction', 'base', '', '{up}', 'no_class', 1, %s, true)",
        MONDAY, at(TUESDAY, 19),
    )  # fmt: skip
    database.execute("ALTER TABLE ljwx.forward_answers ENABLE TRIGGER written")
    stop_clock(warehouse_url, at(wednesday.session, 19))
    assert warehouse.batches_left_open() == []
    assert sealed(warehouse, replace(SAID, session=wednesday.session), opened=wednesday)


def test_a_seal_waits_for_an_answer_that_is_being_written_about_a_session_before(
    warehouse: WarehouseHook, warehouse_url: str
) -> None:
    warehouse.open_batch(1, OPENED)
    stop_clock(warehouse_url, at(TUESDAY, 19))
    warehouse.open_batch(1, after(OPENED, 1))
    warehouse.save_forward_answer(1, replace(SAID, session=TUESDAY))
    with psycopg.connect(warehouse_url) as writing, ThreadPoolExecutor(1) as pool:
        writing.execute(
            "INSERT INTO ljwx.forward_answers (session, ts_code, task, answerer, snapshot_sha256, classes, reason,"
            " run_key) VALUES (%s, '000001.SZ', 'price_direction', 'base', '', '{up}', 'no_class', 1)", [MONDAY],
        )  # fmt: skip
        sealing = pool.submit(warehouse.seal_batch, TUESDAY)
        with pytest.raises(TimeoutError):
            sealing.result(timeout=0.3)
        writing.commit()
        with pytest.raises(RestrictViolation, match="follow the sealed batch before"):
            sealing.result(timeout=30)
    assert warehouse.batches_left_open() == [MONDAY]


def test_an_answer_that_is_held_back_until_the_deadline_is_not_kept(
    warehouse: WarehouseHook, warehouse_url: str
) -> None:
    warehouse.open_batch(1, OPENED)
    with psycopg.connect(warehouse_url) as writing:
        writing.execute(
            "INSERT INTO ljwx.forward_answers (session, ts_code, task, answerer, snapshot_sha256, classes, reason,"
            " run_key) VALUES (%s, '000001.SZ', 'price_direction', 'base', '', '{up}', 'no_class', 1)", [MONDAY],
        )  # fmt: skip
        stop_clock(warehouse_url, at(MONDAY, 9, 15, days=1))
        with pytest.raises(RestrictViolation, match="not committed before the deadline"):
            writing.commit()
    assert warehouse.forward_answers(MONDAY) == []


def test_a_clock_that_jumps_on_within_a_batch_makes_late_only_what_it_dated_then(
    warehouse: WarehouseHook, warehouse_url: str
) -> None:
    warehouse.open_batch(1, OPENED)
    for code, moment in (("1", at(MONDAY, 20)), ("2", at(MONDAY, 20, days=3)), ("3", at(MONDAY, 21))):
        stop_clock(warehouse_url, moment)
        warehouse.save_forward_answer(1, replace(SAID, ts_code=code))
    assert [(each.answered_at, each.late) for each in warehouse.forward_answers(MONDAY)] == [
        (at(MONDAY, 20), False), (at(MONDAY, 20, days=3), True), (at(MONDAY, 21), False),
    ]  # fmt: skip


def test_a_clock_that_jumps_back_within_a_batch_dates_nothing_before_it_was_opened(
    warehouse: WarehouseHook, warehouse_url: str
) -> None:
    warehouse.open_batch(1, OPENED)
    warehouse.save_forward_answer(1, SAID)
    stop_clock(warehouse_url, at(MONDAY, 18))
    back = r"the clock of the database went back, it says 2026-03-02 .* and the batch was opened at 2026-03-02"
    for write in (
        lambda: warehouse.save_forward_answer(1, replace(SAID, ts_code="2")),
        lambda: warehouse.save_forward_rules(MONDAY, 1, [RULE]),
        lambda: warehouse.seal_batch(MONDAY),
    ):
        with pytest.raises(RecordUnfinished, match=back):
            write()
    assert warehouse.batches_left_open() == []
    assert [each.ts_code for each in warehouse.forward_answers(MONDAY)] == [SAID.ts_code]
    stop_clock(warehouse_url, at(MONDAY, 22))
    assert warehouse.save_forward_answer(1, replace(SAID, ts_code="2"))
    found = warehouse.seal_batch(MONDAY)
    assert found is not None
    assert (found.answers, found.sealed_at) == (2, at(MONDAY, 22))


def test_of_two_runs_the_first_chooses_the_stocks(warehouse: WarehouseHook) -> None:
    warehouse.open_batch(1, OPENED)
    assert warehouse.save_forward_rules(MONDAY, 1, [RULE])
    assert not warehouse.save_forward_rules(MONDAY, 1, [replace(RULE, ts_code="600000.SH")])
    assert warehouse.forward_stocks(MONDAY) == [RULE.ts_code]


def test_a_deadline_after_the_next_session_opens_no_batch(warehouse: WarehouseHook, warehouse_url: str) -> None:
    stop_clock(warehouse_url, at(MONDAY, 12, days=1))
    with pytest.raises(DeadlinePassed, match="2026-03-15: that is later than the session after it"):
        warehouse.open_batch(1, replace(OPENED, deadline=at(MONDAY, 9, 15, days=13)))
    Database(warehouse_url).execute("INSERT INTO ljwx.sessions (session, run_key) VALUES (%s, 1)", TUESDAY)
    with pytest.raises(DeadlinePassed, match="2026-03-04: that is later than the session after it"):
        warehouse.open_batch(1, replace(OPENED, deadline=at(MONDAY, 9, 15, days=2)))
    assert warehouse.forward_batches() == []


def test_a_session_is_settled_with_bars_of_a_moment_that_has_been(warehouse: WarehouseHook, warehouse_url: str) -> None:
    sealed(warehouse, SAID)
    with pytest.raises(CheckViolation, match="which has not been"):
        Database(warehouse_url).execute(
            "INSERT INTO ljwx.forward_settled (session, known_at, run_key) VALUES (%s, 'infinity', 1)", MONDAY
        )


def test_when_a_digest_was_told_is_dated_once(warehouse: WarehouseHook, warehouse_url: str) -> None:
    sealed(warehouse, SAID)
    warehouse.note_published(MONDAY)
    stop_clock(warehouse_url, at(MONDAY, 23))
    warehouse.note_published(MONDAY)
    assert [each.published_at for each in warehouse.forward_batches()] == [at(MONDAY, 19)]
    assert warehouse.unsent(timedelta(days=7)) == []


@pytest.mark.parametrize(("hours", "named"), [(0, False), (1, True), (24 * 8, False)])
def test_a_digest_that_did_not_leave_the_house_is_named_for_a_week(
    warehouse: WarehouseHook, warehouse_url: str, hours: int, named: bool
) -> None:
    sealed(warehouse, SAID)
    stop_clock(warehouse_url, at(MONDAY, 19) + timedelta(hours=hours))
    found = warehouse.unsent(timedelta(days=7))
    assert [(each.kind, each.run_id) for each in found] == [("digest", f"session {MONDAY}")] * named


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ljwx.forward_answers SET late = false",
        "DELETE FROM ljwx.forward_answers",
        "TRUNCATE ljwx.forward_answers",
        "UPDATE ljwx.forward_batches SET deadline = deadline + interval '1 day'",
        "UPDATE ljwx.forward_batches SET digest = 'x', answers = 1",
        "UPDATE ljwx.forward_batches SET sealed_at = now()",
        "UPDATE ljwx.forward_batches SET sealed_at = NULL, digest = NULL, answers = NULL, published_at = NULL",
        "DELETE FROM ljwx.forward_batches",
        "TRUNCATE ljwx.forward_batches CASCADE",
        "TRUNCATE ljwx.runs CASCADE",
    ],
)
def test_what_is_in_the_record_is_never_changed_or_removed(
    warehouse: WarehouseHook, warehouse_url: str, change: str
) -> None:
    sealed(warehouse, SAID)
    database = Database(warehouse_url)
    before = database.state("forward_answers", "forward_batches")
    with pytest.raises(RestrictViolation, match=r"is a record|is sealed"):
        database.execute(change)
    assert database.state("forward_answers", "forward_batches") == before


def test_a_role_that_does_not_own_the_tables_keeps_the_record(
    warehouse: WarehouseHook, warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = f"keeper_{warehouse_url.rsplit('/', 1)[1]}"
    database = Database(warehouse_url)
    for statement in ROLE.replace("ljwx_worker", role).replace("…", "for-tests-only").split(";\n"):
        database.execute(statement)
    database.execute("CREATE TABLE ljwx.made_by_the_next_migration (name text)")
    parts = psycopg.conninfo.conninfo_to_dict(warehouse_url)
    address = f"{parts['host']}:{parts['port']}/{parts['dbname']}"
    monkeypatch.setenv("AIRFLOW_CONN_LJWX_POSTGRES", f"postgres://{role}:for-tests-only@{address}")
    try:
        keeper = WarehouseHook()
        digest = sealed(keeper, SAID)
        keeper.note_published(MONDAY)
        assert [each.digest for each in keeper.forward_batches() if each.published_at] == [digest]
        worker = Database(f"postgresql://{role}:for-tests-only@{address}")
        worker.execute("INSERT INTO ljwx.made_by_the_next_migration VALUES ('theirs')")
        with pytest.raises(InsufficientPrivilege, match="must be owner"):
            worker.execute("ALTER TABLE ljwx.forward_answers DISABLE TRIGGER ALL")
    finally:
        database.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
