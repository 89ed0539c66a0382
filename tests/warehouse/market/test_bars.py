"""Sessions written whole or not at all, corrections kept beside what they correct."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import polars as pl
import psycopg
import pytest

from ljwx.core.bars import QUARANTINE
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.warehouse.market import revisions
from ljwx.warehouse.market.bars import SESSION_LOCK, SavedDay
from ljwx.warehouse.market.revisions import Merged
from ljwx.warehouse.runs import RunRef
from support_chain import Database, RunScript, bars_of, whole_day

DAY, NEXT = date(2026, 3, 2), date(2026, 3, 3)
BARS = (
    "SELECT revision, close, adj_factor, superseded_at IS NULL AS current FROM ljwx.bars "
    "WHERE ts_code = '000001.SZ' ORDER BY revision"
)
FIRST_SEEN = "SELECT first_seen FROM ljwx.bars WHERE ts_code = '000001.SZ' AND revision = 1"


@pytest.fixture
def db(warehouse_url: str) -> Database:
    return Database(warehouse_url)


def save(session: date = DAY, run: str = "one", complete: bool = True, **changed: Any) -> SavedDay:
    hook = WarehouseHook()
    key = hook.start_run(RunRef("tests", run, "save"))
    return hook.save_day(key, whole_day(session, complete), bars_of(session, **changed))


def test_new_rows_are_the_first_revision(db: Database) -> None:
    assert save() == SavedDay(DAY, inserted=3, revised=0, quarantined=0)
    assert db.rows(BARS) == [{"revision": 1, "close": 10.2, "adj_factor": 1.5, "current": True}]


def test_a_row_comes_back_as_it_was_written(db: Database) -> None:
    save()
    read = WarehouseHook().bars(DAY, DAY)
    assert read.sort("ts_code").select(bars_of(DAY).columns).equals(bars_of(DAY), null_equal=True)


def test_unchanged_rows_are_not_touched(db: Database) -> None:
    save()
    before = db.state("bars")
    assert save(run="two") == SavedDay(DAY, inserted=0, revised=0, quarantined=0)
    assert db.state("bars") == before


def test_a_correction_is_the_next_revision_and_the_corrected_row_stays(db: Database) -> None:
    save()
    seen = db.value(FIRST_SEEN)
    others = "SELECT xmin::text, revision FROM ljwx.bars WHERE ts_code <> '000001.SZ' ORDER BY ts_code"
    before = db.rows(others)
    assert save(run="two", close={"000001.SZ": 10.3}) == SavedDay(DAY, inserted=0, revised=1, quarantined=0)
    assert db.rows(BARS) == [
        {"revision": 1, "close": 10.2, "adj_factor": 1.5, "current": False},
        {"revision": 2, "close": 10.3, "adj_factor": 1.5, "current": True},
    ]
    assert db.value(FIRST_SEEN) == seen
    assert db.rows(others) == before
    assert db.value(
        "SELECT old.superseded_at = new.first_seen FROM ljwx.bars old JOIN ljwx.bars new USING (session, ts_code) "
        "WHERE old.revision = 1 AND new.revision = 2"
    ), "there is no moment without, or with two, current revisions"
    assert db.column(
        "SELECT r.run_id FROM ljwx.bars b JOIN ljwx.runs r USING (run_key) "
        "WHERE ts_code = '000001.SZ' ORDER BY revision"
    ) == ["one", "two"]


def test_a_value_in_the_place_of_a_null_is_a_correction_and_back_again(db: Database) -> None:
    late: dict[str, float | None] = {"000001.SZ": None}
    assert save(adj_factor=late).inserted == 3
    assert save(adj_factor=late).revised == 0
    assert save().revised == 1
    assert save(adj_factor=late).revised == 1
    assert db.column("SELECT adj_factor FROM ljwx.bars WHERE ts_code = '000001.SZ' ORDER BY revision") == [
        None, 1.5, None,
    ]  # fmt: skip


def test_a_flag_is_part_of_the_row(db: Database) -> None:
    save()
    frame = bars_of(DAY).with_columns(flags=pl.Series([["vwap"], [], []], dtype=pl.List(pl.String)))
    key = WarehouseHook().start_run(RunRef("tests", "two", "save"))
    assert WarehouseHook().save_day(key, whole_day(DAY), frame).revised == 1
    assert db.column("SELECT flags FROM ljwx.current_bars WHERE ts_code = '000001.SZ'") == [["vwap"]]


KILLED = """
import os, signal
import ljwx.cli  # as a command, which does without Airflow: it loads for two seconds
from datetime import date, timedelta
from support_chain import bars_of, whole_day
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.warehouse.market import revisions
from ljwx.warehouse.runs import RunRef

run = revisions._run
def run_until(connection, query):
    if query.startswith("INSERT"):
        staged = connection.execute("SELECT count(*) AS rows FROM staged_bars").fetchone()
        print("killed with", staged["rows"], "rows staged", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    return run(connection, query)
revisions._run = run_until
day = date(2026, 3, 2)
hook = WarehouseHook()
changed = bars_of(day, close={"000001.SZ": 10.3})
hook.save_day(hook.start_run(RunRef("tests", "one", "save")), whole_day(day, complete=False), changed)
"""


def test_a_process_killed_inside_the_transaction_leaves_the_day_as_before(db: Database, run_script: RunScript) -> None:
    save()
    before = db.state("bars", "ingest_days")
    ended = run_script(KILLED)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert "killed with 3 rows staged" in ended.stdout
    assert db.state("bars", "ingest_days") == before
    assert save(close={"000001.SZ": 10.3}).revised == 1, "the next run is not kept waiting by the dead one"


def cut(db: Database, before: str, run: Callable[..., int]) -> Callable[..., int]:
    def cut_or_run(connection: Any, query: str) -> int:
        if query.startswith(before):
            pid = connection.info.backend_pid
            assert db.value("SELECT pg_terminate_backend(%s, 5000)", pid)
        return run(connection, query)

    return cut_or_run


@pytest.mark.parametrize("moment", ["CREATE", "UPDATE", "INSERT", "DROP"])
def test_a_connection_cut_at_any_step_leaves_the_day_as_before(
    db: Database, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    save()
    before = db.state("bars", "ingest_days", "quarantine", "suspensions")
    monkeypatch.setattr(revisions, "_run", cut(db, moment, revisions._run))
    with pytest.raises(psycopg.OperationalError):
        save(close={"000001.SZ": 10.3})
    assert db.state("bars", "ingest_days", "quarantine", "suspensions") == before


def test_two_runs_of_a_session_at_once_make_one_revision(db: Database) -> None:
    save(run="zero")
    with ThreadPoolExecutor(2) as pool:
        with psycopg.connect(db.url) as holder:
            holder.execute(SESSION_LOCK, (DAY.toordinal(),))
            both = [pool.submit(save, run=run, close={"000001.SZ": 10.3}) for run in ("one", "two")]
            deadline = time.monotonic() + 30
            while len(db.turns(taken=False)) != 2:
                assert time.monotonic() < deadline, "the two runs do not wait for each other"
        saved = [future.result(30) for future in both]
    assert sorted(day.revised for day in saved) == [0, 1]
    assert [row["revision"] for row in db.rows(BARS)] == [1, 2]


def test_runs_of_different_sessions_do_not_wait_for_each_other(db: Database) -> None:
    save()
    with psycopg.connect(db.url) as holder:
        holder.execute(SESSION_LOCK, (DAY.toordinal(),))
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(save, NEXT).result(30).inserted == 3


def save_stocks(run: str = "one", relinked: tuple[str, ...] = ()) -> Merged:
    hook = WarehouseHook()
    key = hook.start_run(RunRef("tests", run, "save"))
    stocks = {"list_status": "L", "list_date": DAY, "delist_date": None} | dict.fromkeys(
        ("name", "industry", "market", "exchange"), "x"
    )
    rows = pl.DataFrame([{"ts_code": code, **stocks} for code in bars_of(DAY)["ts_code"]])
    return hook.save_instruments(key, rows, relinked)


def test_two_first_runs_at_once_make_one_revision_of_each_stock(db: Database) -> None:
    """Both may look before either writes: the table's lock lets them read."""
    waiting = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = %s"
    with ThreadPoolExecutor(2) as pool:
        with psycopg.connect(db.url) as holder:
            holder.execute("LOCK TABLE ljwx.instruments IN SHARE MODE")
            both = [pool.submit(save_stocks, run) for run in ("one", "two")]
            deadline = time.monotonic() + 30
            # Asked anew by a connection of its own: within a transaction pg_stat_activity stays as it was first read.
            while db.value(waiting, holder.info.dbname) != 2:
                assert time.monotonic() < deadline, "the two runs do not wait"
        saved = [future.result(30) for future in both]
    assert sorted(merged.inserted for merged in saved) == [0, 3]
    assert db.column("SELECT revision FROM ljwx.instruments") == [1, 1, 1]


def test_stocks_with_other_codes_and_what_must_be_computed_anew_are_written_as_a_whole(db: Database) -> None:
    marked = "SELECT session FROM ljwx.feature_marks ORDER BY 1"
    earlier = DAY - timedelta(days=1)
    save()
    for session in (earlier, DAY, NEXT):
        db.execute(
            "INSERT INTO ljwx.feature_marks (session, feature_version, computed_at) VALUES (%s, 'v', now())", session
        )
    db.execute("ALTER TABLE ljwx.feature_marks RENAME TO elsewhere")
    with pytest.raises(psycopg.errors.UndefinedTable):
        save_stocks(relinked=("000001.SZ",))
    db.execute("ALTER TABLE ljwx.elsewhere RENAME TO feature_marks")
    assert db.column("SELECT ts_code FROM ljwx.instruments") == []
    save_stocks(relinked=("999999.SZ",))
    assert db.column(marked) == [earlier, DAY, NEXT]
    save_stocks(relinked=("000001.SZ",))
    assert db.column(marked) == [earlier]


def test_incomplete_sessions_are_not_read(db: Database) -> None:
    save(DAY, complete=False)
    save(NEXT)
    hook = WarehouseHook()
    save_stocks()
    assert hook.bars(DAY, NEXT)["session"].unique().to_list() == [NEXT]
    assert hook.bars_with_look_back(NEXT, 5)["session"].unique().to_list() == [NEXT]
    assert hook.complete_sessions() == [NEXT]


def confirm(*days: date) -> None:
    hook = WarehouseHook()
    hook.save_sessions(hook.start_run(RunRef("tests", "one", "confirm")), days)


def test_past_the_shipped_calendar_trading_days_are_the_confirmed_ones(db: Database) -> None:
    """2027-01-01 is a Friday that nobody confirmed, and 2026-12-28 one of the calendar that nobody needs to."""
    confirm(date(2027, 1, 4), date(2027, 1, 5))
    days = WarehouseHook().trading_days(date(2026, 12, 26), date(2027, 1, 8))
    assert [f"{day:%m-%d}" for day in days] == ["12-28", "12-29", "12-30", "12-31", "01-04", "01-05"]
    assert WarehouseHook().trading_days(date(2027, 1, 5), date(2027, 1, 8)) == [date(2027, 1, 5)]


def test_a_weekday_that_turns_out_closed_is_no_session_any_more(db: Database) -> None:
    """Without trade_cal 2027-01-01 was tried as a session; 2027-01-05, which has bars, stays what it is."""
    days = [date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 4), date(2027, 1, 5), date(2027, 1, 6)]
    confirm(*days)
    hook = WarehouseHook()
    key = hook.start_run(RunRef("tests", "one", "save"))
    for day in days[1:4]:
        bars = bars_of(day) if day == days[3] else bars_of(day).clear()
        hook.save_day(key, whole_day(day, complete=False), bars)
    confirm(days[0], days[2], days[4])
    assert hook.sessions(days[0], days[-1]) == [days[0], *days[2:]]
    assert db.column("SELECT session FROM ljwx.ingest_days ORDER BY 1") == [days[2], days[3]]


def test_a_refused_row_is_kept_once_however_often_it_comes(db: Database) -> None:
    hook = WarehouseHook()
    key = hook.start_run(RunRef("tests", "one", "save"))
    row: dict[str, Any] = {"session": None, "ts_code": None, "reasons": ["keys", "types"], "raw": '{"close": "10.2元"}'}
    for _ in range(2):
        hook.save_day(key, whole_day(DAY), bars_of(DAY), pl.DataFrame([{**row, "session": DAY}], schema=QUARANTINE))
        hook.save_unassigned_rejects(key, pl.DataFrame([row], schema=QUARANTINE))
    kept = db.rows("SELECT session, reasons, raw FROM ljwx.quarantine ORDER BY session")
    assert kept == [
        {"session": session, "reasons": ["keys", "types"], "raw": {"close": "10.2元"}} for session in (DAY, None)
    ]


def test_an_error_after_the_bars_were_merged_undoes_them(db: Database) -> None:
    hook = WarehouseHook()
    key = hook.start_run(RunRef("tests", "one", "save"))
    unknown_kind = pl.DataFrame({"ts_code": ["000001.SZ"], "kind": ["X"], "timing": [None]})
    with pytest.raises(psycopg.errors.CheckViolation):
        hook.save_day(key, whole_day(DAY), bars_of(DAY), suspensions=unknown_kind)
    assert db.counts() == dict.fromkeys(db.counts(), 0) | {"runs": 1}


def test_a_retry_continues_its_own_record(db: Database) -> None:
    hook = WarehouseHook()
    first = hook.start_run(RunRef("tests", "one", "save", 2), first="2026-03-02")
    assert hook.start_run(RunRef("tests", "one", "save", 2), first="2026-03-02") == first
    assert hook.start_run(RunRef("tests", "one", "save", 3), first="2026-03-02") != first
    hook.finish_run(first, rows=3)
    assert db.rows("SELECT inputs, outputs, finished_at IS NOT NULL AS done FROM ljwx.runs ORDER BY run_key") == [
        {"inputs": {"first": "2026-03-02"}, "outputs": {"rows": 3}, "done": True},
        {"inputs": {"first": "2026-03-02"}, "outputs": {}, "done": False},
    ]
