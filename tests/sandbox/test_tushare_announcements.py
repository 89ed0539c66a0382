"""What the simulated companies announce: in the order of the real market, and nothing before its day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from ljwx_sandbox.tushare.interfaces import INTERFACES, cut_page
from ljwx_sandbox.tushare.limits import SANDBOX_TOKENS
from ljwx_sandbox.tushare.market import SimulatedMarket
from ljwx_sandbox.tushare.sessions import SessionList
from ljwx_sandbox.tushare.simulated import SimulatedSource
from ljwx_sandbox.tushare.universe import MarketSpec
from ljwx_sandbox.tushare.wire import Query

ORIGIN, TODAY = date(2025, 1, 1), date(2026, 6, 30)
Row = dict[str, Any]


@pytest.fixture(scope="module")
def source() -> SimulatedSource:
    return SimulatedSource(SimulatedMarket(MarketSpec(150, 11, 0.0, ORIGIN), SessionList()), last=TODAY)


def rows(source: SimulatedSource, api: str, today: date = TODAY, **given: str) -> list[Row]:
    source.last = today
    names = (*INTERFACES[api].default, *INTERFACES[api].hidden)
    codes = tuple(given["ts_code"].split(",")) if "ts_code" in given else ()
    query = Query(codes, given.get("start_date", ""), given.get("end_date", "99991231"), given)
    found, _ = cut_page(source.blocks(api, query), names, 0, None)
    return [dict(zip(names, row, strict=True)) for row in found]


def by_company(found: list[Row]) -> dict[str, Row]:
    return {str(row["ts_code"]): row for row in found}


def test_nothing_is_served_before_its_day_and_what_was_served_stays_as_it_was(source: SimulatedSource) -> None:
    whole = rows(source, "fina_indicator_vip", period="20251231")
    assert len({row["ann_date"] for row in whole}) > 20
    for day in (date(2026, 3, 1), date(2026, 4, 1), date(2026, 4, 20), date(2026, 5, 10)):
        then = rows(source, "fina_indicator_vip", day, period="20251231")
        assert all(row["ann_date"] <= f"{day:%Y%m%d}" for row in then)
        first = [row for row in whole if row["update_flag"] == "0" and row["ann_date"] <= f"{day:%Y%m%d}"]
        assert all(row in then for row in first)


def test_reports_come_within_the_time_that_the_exchanges_allow(source: SimulatedSource) -> None:
    for period, first, last in (
        ("20250630", "20250701", "20250831"),
        ("20251231", "20260101", "20260430"),
        ("20260331", "20260401", "20260430"),
    ):
        days = [row["ann_date"] for row in rows(source, "fina_indicator_vip", period=period)]
        assert first <= min(days) <= max(days) <= last


def test_a_forecast_comes_before_preliminary_figures_and_these_before_the_report(source: SimulatedSource) -> None:
    early = 0
    for period in ("20250630", "20250930", "20251231", "20260331"):
        reports = by_company(rows(source, "fina_indicator_vip", period=period))
        expresses = by_company(rows(source, "express_vip", period=period))
        forecasts = by_company(rows(source, "forecast_vip", period=period))
        assert forecasts
        for code, row in forecasts.items():
            assert row["ann_date"] < expresses.get(code, reports[code])["ann_date"]
            early += row["ann_date"] < period
        assert all(row["ann_date"] < reports[code]["ann_date"] for code, row in expresses.items())
    assert early > 10, "some expect something of a quarter that has not ended"


def test_the_kind_of_a_forecast_is_that_of_its_range(source: SimulatedSource) -> None:
    found = rows(source, "forecast_vip")
    assert {row["type"] for row in found} >= {"预增", "略增", "续盈", "略减", "预减", "首亏", "扭亏"}
    for row in found:
        if row["type"] == "预增":
            assert row["p_change_max"] > row["p_change_min"] > 40
    assert any(row["p_change_min"] is None for row in found)


def test_a_correction_comes_weeks_later_under_the_first_day(source: SimulatedSource) -> None:
    whole = rows(source, "fina_indicator_vip", period="20251231")
    corrected = [row for row in whole if row["update_flag"] == "1"]
    both = {row["ts_code"] for row in whole if row["update_flag"] == "0"} & {row["ts_code"] for row in corrected}
    assert 0 < len(both) < len(corrected), "of some the first row is gone"
    one = corrected[0]
    soon = date.fromisoformat(f"{one['ann_date'][:4]}-{one['ann_date'][4:6]}-{one['ann_date'][6:]}") + timedelta(days=9)
    (then,) = rows(source, "fina_indicator", soon, ts_code=one["ts_code"], period="20251231")
    assert (then["update_flag"], then["ann_date"]) == ("0", one["ann_date"])
    assert then["roe"] != one["roe"]


def test_forecasts_are_asked_for_by_day_and_figures_of_all_companies_by_the_larger_tiers_alone(
    source: SimulatedSource,
) -> None:
    day = rows(source, "forecast_vip", period="20251231")[0]["ann_date"]
    assert {row["ann_date"] for row in rows(source, "forecast", ann_date=day)} == {day}
    carried = {api for api in INTERFACES if SANDBOX_TOKENS["sandbox-2000"].carries(api)}
    assert set(INTERFACES) - carried == {"fina_indicator_vip", "express_vip", "forecast_vip"}
    assert SANDBOX_TOKENS["sandbox-5000"].carries("fina_indicator_vip")
    assert INTERFACES["fina_indicator"].check(Query(given={"period": "20251231"})) is not None
