"""What of the market is there, session by session, and what fills the gaps."""

from __future__ import annotations

import json
import shlex
from datetime import date

import pytest

from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.pages.coverage import Coverage, coverage, coverage_keeper
from ljwx.settings import load_settings
from ljwx.warehouse.runs import RunRef
from support_chain import Database, bars_of, whole_day
from support_forward import at, stop_clock
from support_rows import insert
from support_settled import STOCKS, Record, said

MON, TUE, WED, THU, FRI = (date(2026, 3, day) for day in range(2, 7))
NEXT_FRI = date(2026, 3, 13)


@pytest.fixture
def written(db: Database) -> WarehouseHook:
    """A week: whole, incomplete, never fetched, without limit prices for now, and whole only after the weekend."""
    hook = WarehouseHook()
    key = hook.start_run(RunRef("tests", "one", "ingest"))
    limited = {"absent": ("stk_limit",), "deferred": ("stk_limit",)}
    lacking = {"complete": False, "received": 2, "missing": ("600000.SH",), "quarantined": 1}
    for day, changed in ((MON, {}), (TUE, lacking), (THU, limited), (FRI, {})):
        hook.save_day(key, whole_day(day, **changed), bars_of(day))
    for day, moment in ((MON, "2026-03-02 19:00+08"), (THU, "2026-03-05 20:00+08"), (FRI, "2026-03-09 09:15+08")):
        db.execute("UPDATE ljwx.complete_days SET complete_from = %s WHERE session = %s", moment, day)
    for n, reasons in enumerate((["high_low"], ["high_low", "amount"])):
        row = {"session": TUE, "reasons": reasons, "raw": {"n": n}, "raw_sha256": str(n), "run_key": key}
        insert(db, "quarantine", "quarantine_id", **row)
    hook.finish_run(key)
    return hook


def gaps(found: Coverage, kind: str) -> list[tuple[date, date, int, tuple[str, ...]]]:
    return [(each.first, each.last, each.sessions, each.lacks) for each in found.gaps if each.kind == kind]


def test_each_trading_day_is_complete_late_incomplete_or_missing(written: WarehouseHook) -> None:
    found = coverage(written, NEXT_FRI)
    assert [(day.session, day.state) for day in found.days] == [
        (MON, "complete"), (TUE, "incomplete"), (WED, "missing"), (THU, "complete"), (FRI, "late"),
    ]  # fmt: skip
    tuesday = found.days[1]
    assert (tuesday.expected, tuesday.received, tuesday.missing, tuesday.quarantined) == (3, 2, 1, 1)
    assert found.days[2].expected is None
    assert found.years == (2026,)


def test_history_that_was_filled_in_is_not_late(written: WarehouseHook, db: Database) -> None:
    db.execute("UPDATE ljwx.complete_days SET complete_from = '2026-06-01 12:00+08'")
    assert {day.state for day in coverage(written, NEXT_FRI).days} == {"complete", "incomplete", "missing"}


def test_every_gap_has_the_command_that_fills_it(written: WarehouseHook) -> None:
    found = coverage(written, NEXT_FRI)
    assert gaps(found, "missing") == [(WED, WED, 1, ())]
    assert gaps(found, "incomplete") == [(TUE, TUE, 1, ())]
    assert gaps(found, "deferred") == [(THU, THU, 1, ("stk_limit",))]
    assert gaps(found, "behind") == [(date(2026, 3, 9), date(2026, 3, 12), 4, ())]
    assert gaps(found, "features") == [(MON, FRI, 3, ())]
    assert gaps(found, "record") == gaps(found, "facts") == []
    behind = next(each for each in found.gaps if each.kind == "behind")
    *words, conf = shlex.split(behind.command or "")
    assert words == ["airflow", "dags", "trigger", "ljwx_daily_ingest", "--conf"]
    assert json.loads(conf) == {"start_date": "2026-03-09", "end_date": "2026-03-12"}


def test_refused_rows_are_counted_under_each_of_their_reasons(written: WarehouseHook) -> None:
    found = {each.reason: (each.rows, each.sessions, each.first) for each in coverage(written, NEXT_FRI).refused}
    assert found == {"high_low": (2, 1, TUE), "amount": (1, 1, TUE)}


def test_interfaces_and_feature_groups_say_how_far_they_reach(
    written: WarehouseHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = load_settings({"samples": {"feature_groups": ["technical", "valuation"]}})
    monkeypatch.setattr("ljwx.services.pages.coverage.current_settings", lambda: used)
    found = coverage(written, NEXT_FRI)
    interfaces = {each.name: (each.sessions, each.of, each.deferred, each.newest_without) for each in found.interfaces}
    assert interfaces["stk_limit"] == (3, 4, 1, THU)
    assert interfaces["adj_factor"] == (4, 4, 0, None)
    groups = {each.name: (each.in_use, each.sessions, each.of) for each in found.groups}
    assert groups["technical"] == (True, 0, 3)
    assert groups["valuation"] == (True, 0, 3)
    assert groups["money_flow"] == (False, 0, 3)
    assert gaps(found, "facts") == [(MON, FRI, 3, ("valuations",))]


def test_a_session_that_nobody_asked_about_has_no_command(warehouse_url: str) -> None:
    record = Record(warehouse_url)
    for day in (MON, TUE, WED):
        record.bars(day)
        if day != TUE:
            stop_clock(warehouse_url, at(day, 19))
            record.answer(said(STOCKS[0], session=day))
            record.hook.seal_batch(day)
    (gap,) = [each for each in coverage(record.hook, THU).gaps if each.kind == "record"]
    assert (gap.first, gap.last, gap.sessions, gap.command) == (TUE, TUE, 1, None)


def test_an_empty_warehouse_has_no_days_and_no_gaps(db: Database) -> None:
    found = coverage(WarehouseHook(), NEXT_FRI)
    assert (found.days, found.gaps, found.years, found.refused) == ((), (), (), ())


def test_the_page_is_kept_until_something_was_written(written: WarehouseHook) -> None:
    keeper = coverage_keeper(written)
    first = keeper.page()
    assert keeper.page() is first
    written.finish_run(written.start_run(RunRef("tests", "two", "ingest")))
    assert keeper.page() is not first
