"""What the stage `features` computes again, and that a daily run gives what a full pass gives."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from ljwx.core.features import FEATURE_VERSION, feature_names
from ljwx.exceptions import NotYetPublished
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.stages.ingest.features import compute_features
from ljwx.warehouse.runs import RunRef
from support_chain import FIRST, LAST, Database, bars_of, ingest, whole_day
from support_tasks import TaskRunner
from support_tushare import REPOSITORY, TushareServer

NAMES = list(feature_names())
RANGE = [{"first": FIRST, "last": LAST}]
SUSPENDED, RESUMED = "000006.SZ", date(2026, 2, 12)
"""On the small market this stock has no bar from 2026-01-30 to 2026-02-11."""


def features(first: date = date(2025, 1, 1), last: date = date(2026, 12, 31)) -> pl.DataFrame:
    return WarehouseHook().features(NAMES, FEATURE_VERSION, first, last)


def forget(db: Database, since: date) -> None:
    """Let the features from a session on never have been computed."""
    for table in ("features", "feature_marks"):
        db.execute(f"DELETE FROM ljwx.{table} WHERE session >= %s", since)


def assert_equal(ours: pl.DataFrame, full: pl.DataFrame, names: list[str]) -> None:
    assert ours.select("ts_code", "session").equals(full.select("ts_code", "session"))
    for name in names:
        got, expected = ours[name], full[name]
        assert got.is_null().equals(expected.is_null()), name
        far = ((got - expected).abs() > 1e-9 * (1 + expected.abs())).sum()
        assert far == 0, name


def test_every_bar_has_a_feature_row(db: Database, market: TushareServer, tasks: TaskRunner) -> None:
    chunks = ingest(tasks, "2026-02-26", "2026-03-03")
    written = tasks.run(compute_features, chunks)
    bars = db.value("SELECT count(*) FROM ljwx.bars")
    assert written == {"inserted": bars, "revised": 0, "sessions": 4}


def test_a_second_run_touches_no_row(market_db: Database, tasks: TaskRunner) -> None:
    before = market_db.state("features")
    listed = (REPOSITORY / "include" / "sessions" / "sse.txt").read_text(encoding="utf-8").split("\n")
    sessions = sum(FIRST <= line <= LAST for line in listed)
    assert tasks.run(compute_features, RANGE) == {"inserted": 0, "revised": 0, "sessions": sessions}
    assert market_db.state("features") == before


def test_a_correction_that_no_feature_reads_makes_nothing_stale(market_db: Database) -> None:
    revise(date(2026, 3, 2), up_limit=pl.col("up_limit") + 0.01)
    assert market_db.value("SELECT count(*) FROM ljwx.bars WHERE superseded_at IS NOT NULL") > 0
    assert WarehouseHook().stale_from(FEATURE_VERSION) is None


def revise(session: date, **changed: pl.Expr) -> None:
    hook = WarehouseHook()
    bars = hook.bars(session, session).with_columns(**changed)
    day = whole_day(session, expected=bars.height, received=bars.height)
    hook.save_day(hook.start_run(RunRef("tests", "correction", "save")), day, bars)


def test_a_corrected_close_revises_its_session_and_later_ones_only(market_db: Database, tasks: TaskRunner) -> None:
    session = date(2026, 3, 2)
    before = features()
    one = pl.col("ts_code") == "000001.SZ"
    revise(session, close=pl.when(one).then(pl.col("close") - 0.01).otherwise(pl.col("close")))
    assert WarehouseHook().stale_from(FEATURE_VERSION) == session
    written = tasks.run(compute_features, RANGE)
    revised = market_db.rows("SELECT ts_code, session FROM ljwx.features WHERE superseded_at IS NOT NULL")
    assert written["revised"] == len(revised) > 0
    assert {row["ts_code"] for row in revised} == {"000001.SZ"}
    assert min(row["session"] for row in revised) == session
    untouched = pl.col("session") < session
    assert features().filter(untouched).equals(before.filter(untouched))
    assert WarehouseHook().stale_from(FEATURE_VERSION) is None


@pytest.mark.parametrize("since", [RESUMED, date(2026, 2, 5), date(2026, 3, 20)])
def test_a_daily_run_gives_what_the_full_pass_gave(market_db: Database, tasks: TaskRunner, since: date) -> None:
    full = features()
    assert SUSPENDED not in full.filter(pl.col("session") == date(2026, 2, 5))["ts_code"]
    forget(market_db, since)
    tasks.run(compute_features, RANGE)
    assert_equal(features(), full, NAMES)


def test_with_a_short_look_back_windows_and_obv_are_still_those_of_the_full_pass(
    market_db: Database, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = features()
    forget(market_db, RESUMED)
    monkeypatch.setattr("ljwx.services.ingesting.features.LOOK_BACK", 30)
    tasks.run(compute_features, RANGE)
    assert features().filter(pl.col("ts_code") == SUSPENDED, pl.col("session") >= RESUMED)["obv"].null_count() == 0
    assert_equal(features(), full, ["obv", "ma_20", "boll_upper", "ret_20", "vol_20", "volume_ratio_5"])


def adjusted_return(db: Database, code: str, session: date, before: date) -> float:
    rows = db.rows(
        "SELECT close * adj_factor AS price FROM ljwx.current_bars WHERE ts_code = %s AND session IN (%s, %s) "
        "ORDER BY session", code, before, session,
    )  # fmt: skip
    return float(rows[1]["price"] / rows[0]["price"] - 1)


def test_features_do_not_reach_across_a_hole_and_filling_it_revises_them(
    db: Database, market: TushareServer, tasks: TaskRunner
) -> None:
    def value(name: str, session: date) -> Any:
        query = f"SELECT {name} FROM ljwx.current_features WHERE ts_code = '000001.SZ' AND session = %s"
        return db.value(query, session)

    hole, after = date(2026, 3, 4), date(2026, 3, 5)
    early = ingest(tasks, "2026-02-26", "2026-03-03")
    late = ingest(tasks, "2026-03-05", "2026-03-13")
    tasks.run(compute_features, [*early, *late])
    assert value("ret_1", date(2026, 3, 3)) is not None
    assert value("ret_1", after) is None
    assert value("ma_5", date(2026, 3, 10)) is None
    assert value("ma_5", date(2026, 3, 11)) is not None

    filled = ingest(tasks, f"{hole}", f"{hole}")
    written = tasks.run(compute_features, filled)
    assert written["inserted"] == db.value("SELECT count(*) FROM ljwx.bars WHERE session = %s", hole)
    assert written["revised"] > 0
    assert value("ret_1", hole) == pytest.approx(adjusted_return(db, "000001.SZ", hole, date(2026, 3, 3)), rel=1e-12)
    assert value("ret_1", after) == pytest.approx(adjusted_return(db, "000001.SZ", after, hole), rel=1e-12)
    assert value("ma_5", date(2026, 3, 10)) is not None
    assert not db.rows("SELECT FROM ljwx.features WHERE superseded_at IS NOT NULL AND session < %s", hole)


def test_a_session_that_is_whole_again_mends_what_was_computed_across_it(
    db: Database, market: TushareServer, tasks: TaskRunner
) -> None:
    """Its bars are the same as before; the session after it was computed while it did not count."""
    hole, after = (
        date(2026, 3, 4),
        "SELECT DISTINCT ret_1 IS NULL FROM ljwx.current_features WHERE session = '2026-03-05'",
    )
    early = ingest(tasks, "2026-03-02", "2026-03-04")
    tasks.run(compute_features, early)
    market.faults(daily={"kind": "partial", "share": 0.5, "count": 1})
    with pytest.raises(NotYetPublished):
        ingest(tasks, f"{hole}", f"{hole}")
    late = ingest(tasks, "2026-03-05", "2026-03-05")
    tasks.run(compute_features, late)
    assert db.column(after) == [True]
    bars = db.state("bars")
    tasks.run(compute_features, ingest(tasks, f"{hole}", f"{hole}"))
    assert db.state("bars") == bars
    assert db.column(after) == [False]


def test_a_withdrawn_bar_is_in_no_feature(market_db: Database, tasks: TaskRunner) -> None:
    """The stock's next row is what it would be had the stock rested on that day."""
    code, day, after = "000001.SZ", date(2026, 3, 18), date(2026, 3, 19)
    hook = WarehouseHook()
    rest = hook.bars(day, day).filter(pl.col("ts_code") != code)
    key = hook.start_run(RunRef("tests", "withdrawal", "save"))
    hook.save_day(key, whole_day(day, expected=rest.height, received=rest.height), rest)
    tasks.run(compute_features, RANGE)
    mine = "SELECT ret_1 FROM ljwx.current_features WHERE ts_code = %s AND session = %s"
    assert market_db.column(mine, code, day) == []
    expected = adjusted_return(market_db, code, after, date(2026, 3, 17))
    assert market_db.value(mine, code, after) == pytest.approx(expected, rel=1e-12)


def test_an_incomplete_session_is_a_hole(db: Database, market: TushareServer, tasks: TaskRunner) -> None:
    chunks = ingest(tasks, "2026-03-02", "2026-03-06")
    db.execute("UPDATE ljwx.ingest_days SET complete = false WHERE session = '2026-03-04'")
    assert tasks.run(compute_features, chunks)["sessions"] == 4
    assert not db.rows("SELECT FROM ljwx.features WHERE session = '2026-03-04'")
    assert db.column("SELECT DISTINCT ret_1 FROM ljwx.features WHERE session = '2026-03-05'") == [None]


def test_a_holiday_past_the_shipped_calendar_is_no_hole(db: Database, tasks: TaskRunner) -> None:
    """2027-01-01 is a weekday past the calendar that nobody confirmed; 2027-01-05 was confirmed and never fetched."""
    days = [date(2026, 12, 31), date(2027, 1, 4), date(2027, 1, 5), date(2027, 1, 6)]
    hook = WarehouseHook()
    key = hook.start_run(RunRef("tests", "one", "save"))
    hook.save_sessions(key, days)
    hook.save_seen(key, pl.DataFrame({"ts_code": ["000001.SZ"], "market": [None], "exchange": [None]}))
    for day in (days[0], days[1], days[3]):
        hook.save_day(key, whole_day(day), bars_of(day))
    tasks.run(compute_features, [{"first": "2026-12-31", "last": "2027-01-06"}])
    returns = db.rows("SELECT session, ret_1 FROM ljwx.current_features ORDER BY session")
    assert [(row["session"], row["ret_1"]) for row in returns] == [(days[0], None), (days[1], 0.0), (days[3], None)]


def test_a_run_without_a_session_of_its_own_computes_what_its_plan_completed(
    market_db: Database, tasks: TaskRunner
) -> None:
    forget(market_db, date.fromisoformat(LAST))
    done = tasks.run(compute_features, [])
    assert done["inserted"] == market_db.value("SELECT count(*) FROM ljwx.features WHERE session = '2026-03-20'") > 0
    assert done["sessions"] == 0
