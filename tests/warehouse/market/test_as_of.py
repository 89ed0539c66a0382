"""Reading what was known at a moment; writing in parts; connections that are used again."""

from __future__ import annotations

import gc
import re
import threading
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import psycopg
import pytest

from ljwx.core.features import feature_names
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.warehouse.base import statement
from ljwx.warehouse.market.revisions import Merged
from ljwx.warehouse.runs import RunRef
from support_chain import Database, bars_of, whole_day

DAY, NEXT = date(2026, 3, 2), date(2026, 3, 3)
CODE = "000001.SZ"
MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def db(warehouse_url: str) -> Database:
    return Database(warehouse_url)


def run_key(hook: WarehouseHook) -> int:
    return hook.start_run(RunRef("tests", "one", "save"))


def save(session: date = DAY, complete: bool = True, **changed: Any) -> None:
    hook = WarehouseHook()
    hook.save_day(run_key(hook), whole_day(session, complete), bars_of(session, **changed))


def feature_rows(session: date, codes: tuple[str, ...] = (CODE, "600000.SH"), **values: float) -> pl.DataFrame:
    columns = {name: values.get(name) for name in feature_names()}
    return pl.DataFrame({"ts_code": list(codes), "session": session}).with_columns(
        *(pl.lit(value, dtype=pl.Float64).alias(name) for name, value in columns.items()), feature_version=pl.lit("9")
    )


def known(column: str, known_at: datetime | None = None) -> list[float]:
    return WarehouseHook().bars(DAY, NEXT, known_at).filter(pl.col("ts_code") == CODE)[column].to_list()


def now(db: Database) -> datetime:
    moment: datetime = db.value("SELECT clock_timestamp()")
    return moment


def test_a_bar_corrected_later_is_read_as_it_was_known(db: Database) -> None:
    save()
    then = now(db)
    save(close={CODE: 10.3})
    assert known("close", then) == [10.2]
    assert known("close", now(db)) == known("close") == [10.3]


def test_a_factor_published_anew_leaves_the_earlier_vintages(db: Database) -> None:
    moments = []
    for factor in (1.5, 1.8, 1.5):
        save(adj_factor={CODE: factor})
        moments.append(now(db))
    assert [known("adj_factor", moment) for moment in moments] == [[1.5], [1.8], [1.5]]
    assert known("adj_factor") == [1.5]


def test_a_revision_counts_from_the_very_moment_it_was_seen(db: Database) -> None:
    save()
    save(close={CODE: 10.3})
    seen = db.value("SELECT first_seen FROM ljwx.bars WHERE ts_code = '000001.SZ' AND revision = 2")
    assert known("close", seen - MICROSECOND) == [10.2]
    assert known("close", seen) == [10.3]


def test_before_anything_was_seen_nothing_is_known(db: Database) -> None:
    then = now(db)
    save()
    hook = WarehouseHook()
    hook.save_features(run_key(hook), [feature_rows(DAY, ma_5=10.0)])
    assert hook.bars(DAY, DAY, then).is_empty()
    assert hook.features(["ma_5"], "9", DAY, DAY, then).is_empty()


def test_a_session_that_was_incomplete_then_is_not_known(db: Database) -> None:
    save(DAY, complete=False)
    then = now(db)
    save(DAY)
    whole = now(db)
    save(DAY, close={CODE: 10.4})
    assert WarehouseHook().bars(DAY, DAY, then).is_empty()
    assert known("close", whole) == [10.2]


def test_without_a_correction_every_later_moment_gives_the_current_frame(db: Database) -> None:
    save(DAY)
    save(NEXT)
    hook = WarehouseHook()
    current = hook.bars(DAY, NEXT)
    assert current.height == 6
    assert hook.bars(DAY, NEXT, now(db)).equals(current, null_equal=True)


def test_a_feature_computed_again_is_read_as_it_was_known(db: Database) -> None:
    save()
    hook = WarehouseHook()
    key = run_key(hook)
    assert hook.save_features(key, [feature_rows(DAY, ma_5=10.0)]) == Merged(2, 0)
    then = now(db)
    assert hook.save_features(key, [feature_rows(DAY, (CODE,), ma_5=10.5)]) == Merged(0, 1)
    read = [hook.features(["ma_5"], "9", DAY, DAY, moment)["ma_5"].to_list() for moment in (then, now(db), None)]
    assert read == [[10.0, 10.0], [10.5, 10.0], [10.5, 10.0]]


@pytest.mark.parametrize("name", ["bars/current", "bars/known", "features/current", "features/known"])
def test_only_the_partition_of_the_range_is_read(db: Database, name: str) -> None:
    db.execute("SELECT ljwx.ensure_years('2023-01-01', '2027-01-01')")
    values = {"first": DAY, "last": NEXT, "known_at": datetime(2026, 4, 1), "feature_version": "9"}  # noqa: DTZ001
    columns = {"f": feature_names()} if name.startswith("features") else {}
    with psycopg.connect(db.url, cursor_factory=psycopg.ClientCursor) as connection:
        plan = connection.execute(f"EXPLAIN {statement(name, **columns)}", values).fetchall()
    table = name.split("/")[0]
    assert set(re.findall(rf"{table}_(\d{{4}})", "\n".join(line for (line,) in plan))) == {"2026"}


def test_stocks_that_are_partly_known_are_merged(db: Database) -> None:
    hook = WarehouseHook()
    key = run_key(hook)
    hook.save_features(key, [feature_rows(DAY, (CODE,), ma_5=10.0)])
    before = db.state("features")["features"]
    assert hook.save_features(key, [feature_rows(DAY, (CODE, "600000.SH", "300001.SZ"), ma_5=10.0)]) == Merged(2, 0)
    assert set(before) < set(db.state("features")["features"])


def test_a_revision_follows_a_superseded_one_even_when_none_is_current(db: Database) -> None:
    save()
    db.execute("UPDATE ljwx.bars SET superseded_at = now()")
    save()
    assert db.column("SELECT DISTINCT revision FROM ljwx.bars ORDER BY 1") == [1, 2]
    assert db.column("SELECT DISTINCT revision FROM ljwx.current_bars") == [2]


def test_features_that_come_in_parts_are_all_kept_or_none(db: Database) -> None:
    hook = WarehouseHook()
    key = run_key(hook)

    def broken() -> Iterator[pl.DataFrame]:
        yield feature_rows(DAY, ma_5=10.0)
        raise RuntimeError("no second part")

    with pytest.raises(RuntimeError, match="no second part"):
        hook.save_features(key, broken())
    assert db.counts()["features"] == 0
    parts = [feature_rows(DAY, ma_5=10.0), feature_rows(NEXT, ("300001.SZ",)), feature_rows(DAY, ())]
    assert hook.save_features(key, parts) == Merged(3, 0)
    assert len(db.column("SELECT DISTINCT xmin::text FROM ljwx.features")) == 1


def test_a_connection_is_used_again_and_closed_with_its_hook(db: Database) -> None:
    hook = WarehouseHook()
    backends = {_backend(hook) for _ in range(3)}
    assert len(backends) == 1
    with hook.transaction() as outer:
        assert _backend(hook) != outer.info.backend_pid
    del hook, outer
    gc.collect()
    open_now = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)"
    assert _settles(db, open_now, list(backends))


def test_a_connection_that_the_server_cut_is_replaced(db: Database) -> None:
    hook = WarehouseHook()
    cut = _backend(hook)
    assert db.value("SELECT pg_terminate_backend(%s, 10000)", cut)
    assert _backend(hook) != cut


def test_work_after_an_error_starts_on_a_clean_connection(db: Database) -> None:
    hook = WarehouseHook()
    with pytest.raises(psycopg.errors.UndefinedTable):
        _half(hook)
    with hook.transaction() as connection:
        assert connection.execute("SELECT to_regclass('ljwx.half') AS half").fetchone() == {"half": None}


def _half(hook: WarehouseHook) -> None:
    with hook.transaction() as connection:
        connection.execute("CREATE TABLE ljwx.half (x int)")
        connection.execute("SELECT FROM ljwx.no_such_table")


def _backend(hook: WarehouseHook) -> int:
    with hook.transaction() as connection:
        return connection.info.backend_pid


def _settles(db: Database, query: str, *values: Any) -> bool:
    """A closed connection's backend needs a moment to end: ask until it has, or the test's time-out."""
    while db.value(query, *values):
        pass
    return True


def test_a_session_that_lost_its_completeness_is_still_read_as_it_was_known(db: Database) -> None:
    before = now(db)
    save()
    whole = now(db)
    save(complete=False)
    demoted = now(db)
    assert known("close") == []
    save(complete=True)
    assert [known("close", moment) for moment in (before, whole, demoted, now(db))] == [[], [10.2], [], [10.2]]


def test_what_the_source_lacked_is_known_as_of_then_after_a_larger_tier_fills_in(db: Database) -> None:
    hook = WarehouseHook()

    def save_as(absent: list[str], **changed: Any) -> datetime:
        hook.save_day(run_key(hook), whole_day(DAY, absent=absent), bars_of(DAY, **changed))
        return now(db)

    bare: dict[str, float | None] = dict.fromkeys(bars_of(DAY)["ts_code"])
    free = save_as(["adj_factor", "stk_limit"], adj_factor=bare)
    again = save_as(["adj_factor", "stk_limit"], adj_factor=bare)
    paid = save_as([])
    assert [known("adj_factor", moment) for moment in (free, again, paid)] == [[1.0], [1.0], [1.5]]
    spans = "SELECT absent, complete_until IS NULL AS open FROM ljwx.complete_days ORDER BY complete_from"
    assert db.rows(spans) == [{"absent": ["adj_factor", "stk_limit"], "open": False}, {"absent": [], "open": True}]
    moments = db.column("SELECT unnest(ARRAY[complete_from, complete_until]) FROM ljwx.complete_days")
    assert len({moment for moment in moments if moment}) == 2, "one span begins where the other ends"


def save_without(code: str, complete: bool = True, **changed: Any) -> int:
    hook = WarehouseHook()
    rest = bars_of(DAY).filter(pl.col("ts_code") != code)
    return hook.save_day(run_key(hook), whole_day(DAY, complete, **changed), rest).withdrawn


def test_a_bar_that_a_complete_answer_no_more_has_is_withdrawn_and_still_known_as_of_then(db: Database) -> None:
    save()
    then = now(db)
    assert save_without(CODE) == 1
    assert known("close") == []
    assert known("close", then) == [10.2]
    gone = now(db)
    save()
    assert [known("close", moment) for moment in (then, gone, now(db))] == [[10.2], [], [10.2]]
    assert db.column("SELECT revision FROM ljwx.current_bars ORDER BY ts_code") == [2, 1, 1]


def test_a_bar_that_may_be_late_is_not_withdrawn(db: Database) -> None:
    """The day is incomplete; or this is one of the few that are missing; or nobody says which stocks are to come."""
    save()
    assert save_without(CODE, complete=False) == 0
    assert save_without(CODE, missing=[CODE]) == 0
    assert save_without(CODE, absent=["stock_basic"]) == 0
    assert known("close") == [10.2]
    assert save_without(CODE, missing=["600000.SH"]) == 1


def test_features_are_stale_where_a_bar_was_withdrawn_and_its_own_row_goes_with_it(db: Database) -> None:
    save()
    hook = WarehouseHook()
    everything = feature_rows(DAY, tuple(bars_of(DAY)["ts_code"]), ma_5=10.0)

    def compute(rows: pl.DataFrame) -> None:
        with hook.bars_lock(exclusive=True):
            hook.save_features(run_key(hook), [rows], "9", DAY)

    compute(everything)
    save_without(CODE)
    assert hook.stale_from("9") == DAY
    then = now(db)
    compute(everything.filter(pl.col("ts_code") != CODE))
    assert hook.stale_from("9") is None
    assert hook.features(["ma_5"], "9", DAY, DAY)["ts_code"].to_list() == ["300001.SZ", "600000.SH"]
    assert hook.features(["ma_5"], "9", DAY, DAY, then).height == 3


def test_features_are_stale_from_a_session_that_was_incomplete_for_a_while(db: Database) -> None:
    """What came after it may have been computed across the hole, though not one of its bars has changed."""
    save()
    save(NEXT)
    hook = WarehouseHook()
    with hook.bars_lock(exclusive=True):
        hook.save_features(run_key(hook), [feature_rows(DAY), feature_rows(NEXT)], "9", DAY)
    assert hook.stale_from("9") is None
    save(complete=False)
    with hook.bars_lock(exclusive=True):
        hook.save_features(run_key(hook), [feature_rows(NEXT)], "9", NEXT)
    save()
    assert hook.stale_from("9") == DAY


def test_a_bar_whose_transaction_began_before_the_features_and_ended_after_is_not_missed(db: Database) -> None:
    """The writer begins first, so its rows would be older than the mark; the lock lets the features wait for it."""
    save()
    hook = WarehouseHook()
    order: list[str] = []

    def compute() -> None:
        features = WarehouseHook()
        with features.bars_lock(exclusive=True):
            order.append("features")
            features.save_features(run_key(features), [feature_rows(DAY)], "9", DAY)

    with hook.bars_lock(), hook.transaction() as connection:
        connection.execute("SELECT 1")
        computing = threading.Thread(target=compute)
        computing.start()
        deadline = time.monotonic() + 30
        while not db.turns(taken=False) and time.monotonic() < deadline:
            computing.join(0.02)
        order.append("bars")
    computing.join(30)
    assert order == ["bars", "features"]
    assert hook.stale_from("9") is None
    save(close={CODE: 10.3})
    assert hook.stale_from("9") == DAY


def test_reference_data_that_is_being_written_is_waited_for_by_the_moment_that_is_to_know_it(db: Database) -> None:
    stocks = pl.DataFrame({"ts_code": [CODE], "list_status": ["L"], "list_date": [DAY]})
    name = {"ts_code": CODE, "start_date": DAY, "name": "x", "end_date": None, "ann_date": None, "change_reason": None}
    hook = WarehouseHook()
    writes = {
        "instruments": lambda: hook.save_instruments(run_key(hook), stocks),
        "names": lambda: hook.save_names(run_key(hook), pl.DataFrame([name])),
    }
    for table, write in writes.items():
        with WarehouseHook().bars_lock(exclusive=True):
            writing = threading.Thread(target=write)
            writing.start()
            deadline = time.monotonic() + 30
            while not db.turns(taken=False) and time.monotonic() < deadline:
                writing.join(0.02)
            assert db.value(f"SELECT count(*) FROM ljwx.{table}") == 0
        writing.join(30)
        assert db.value(f"SELECT count(*) FROM ljwx.{table}") == 1


def test_what_changed_without_a_trace_in_the_features_is_computed_once_and_not_for_ever(db: Database) -> None:
    save()
    hook = WarehouseHook()
    for high in (10.5, 10.6):
        save(high={CODE: high})
        with hook.bars_lock(exclusive=True):
            hook.save_features(run_key(hook), [feature_rows(DAY)], "9", DAY)
        assert hook.stale_from("9") is None
