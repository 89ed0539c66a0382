"""Facts of tables: values against those computed by hand, and point in time whatever comes later."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ljwx.core.features.group import FeatureGroup
from ljwx.core.features.money_flow import MONEY_FLOW
from ljwx.core.features.tables import FactTable, among_own, with_facts
from ljwx.core.features.valuation import VALUATION

DAY = date(2026, 3, 2)
BANKS = pl.DataFrame(
    {"ts_code": [f"00000{n}.SZ" for n in range(1, 7)], "industry": ["银行"] * 5 + ["白酒"], "start_date": [DAY] * 6}
)


def table_of(group: FeatureGroup) -> FactTable:
    assert group.table is not None
    return group.table


def rows_of(table: FactTable, *rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([dict.fromkeys(table.schema.names()) | row for row in rows], schema=table.schema)


def row_of(frame: pl.DataFrame, ts_code: str, session: date) -> dict[str, Any]:
    return frame.filter(ts_code=ts_code, session=session).row(0, named=True)


def market(day: date) -> list[dict[str, Any]]:
    ratios = [(8.0, 0.5), (10.0, 0.6), (None, 0.7), (12.0, None), (20.0, 0.9), (30.0, 8.0)]
    codes = BANKS["ts_code"].to_list()
    return [
        {"ts_code": code, "session": day, "pe_ttm": pe, "pb": pb, "float_value": 1000.0 * (n + 1), "turnover": 1.5}
        for n, (code, (pe, pb)) in enumerate(zip(codes, ratios, strict=True))
    ]


def test_a_ratio_is_ranked_among_the_stocks_of_its_industry() -> None:
    table = table_of(VALUATION)
    six = {"ts_code": "000007.SZ", "session": DAY, "pe_ttm": 14.0, "pb": 0.65}
    industries = pl.concat([BANKS, BANKS.head(1).with_columns(ts_code=pl.lit("000007.SZ"))])
    made = table.prepared(rows_of(table, *market(DAY), six), industries)
    first = row_of(made, "000001.SZ", DAY)
    assert (first["pe_industry"], first["size_rank"], first["pe_ttm"]) == (20, 17, 8.0), "1 of 5; 1 of 6"
    assert row_of(made, "000007.SZ", DAY)["pe_industry"] == 80, "4 of 5"
    assert row_of(made, "000003.SZ", DAY)["pe_industry"] is None, "a loss has no rank"
    assert row_of(made, "000003.SZ", DAY)["pb_industry"] == 80
    assert row_of(made, "000006.SZ", DAY)["pe_industry"] is None, "alone in its industry"


def test_an_industry_that_was_not_known_on_the_session_ranks_nothing() -> None:
    table, before = table_of(VALUATION), DAY - timedelta(days=1)
    for industries in (BANKS, None):
        made = table.prepared(rows_of(table, *market(before)), industries)
        assert made["pb_industry"].null_count() == made.height


def test_a_ratio_is_ranked_among_the_stocks_own_of_a_year() -> None:
    days = [DAY - timedelta(days=back) for back in (400, 364, 3, 2, 1, 0)]
    rows = pl.DataFrame({"ts_code": "a", "session": days, "pe_ttm": [1.0, 2.0, 9.0, None, 5.0, 5.0]})
    found = among_own(rows, "pe_ttm", days=365, fewest=3)
    assert found.to_list() == [None, None, None, None, 67, 63], "(1 + 0.5 + 0.5) / 3; (1 + 0.5 + 1) / 4"
    assert among_own(rows.with_columns(ts_code=pl.Series(list("aaabbb"))), "pe_ttm", 365, 3).null_count() == 6


def test_the_balance_of_large_orders_is_a_share_of_the_turnover_of_one_and_five_sessions() -> None:
    table = table_of(MONEY_FLOW)
    days = [DAY + timedelta(days=n) for n in range(6)]
    rows = [
        {"ts_code": "a", "session": day, "large_bought": 30.0 + n, "large_sold": 20.0, "traded": 100.0}
        for n, day in enumerate(days)
    ]
    made = table.prepared(rows_of(table, *rows, {**rows[5], "ts_code": "b", "traded": 0.0}), None)
    assert [row_of(made, "a", day)["large_1"] for day in days] == pytest.approx([10, 11, 12, 13, 14, 15])
    assert [row_of(made, "a", day)["large_5"] for day in days[3:]] == [None, pytest.approx(12), pytest.approx(13)]
    assert row_of(made, "b", days[5]) == {"ts_code": "b", "session": days[5], "large_1": None, "large_5": None}
    rested = rows_of(table, *rows[:4], {**rows[4], "session": DAY + timedelta(days=30)})
    assert table.prepared(rested, None)["large_5"].null_count() == 5, "no sum over a suspension"


numbers = st.none() | st.sampled_from([0.5, 1.0, 1.5, 7.0, 30.0])


@pytest.mark.parametrize("group", [VALUATION, MONEY_FLOW], ids=lambda group: group.name)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_no_value_depends_on_a_later_session(group: FeatureGroup, data: st.DataObject) -> None:
    table = table_of(group)
    days = [DAY + timedelta(days=n) for n in range(6)]
    rows = rows_of(
        table,
        *(
            {"ts_code": code, "session": day, **{name: data.draw(numbers) for name in table.columns}}
            for code in BANKS["ts_code"][:3]
            for day in days
        ),
    )
    now = data.draw(st.sampled_from(days[:-1]))
    other = rows.with_columns(
        pl.when(pl.col("session") > now).then(pl.col(name) * 3 + 1).otherwise(pl.col(name)).alias(name)
        for name in table.columns
    )
    upto = pl.col("session") <= now
    expected = table.prepared(rows.filter(upto), BANKS)
    assert table.prepared(rows, BANKS).filter(upto).equals(expected)
    assert table.prepared(other, BANKS).filter(upto).equals(expected)


def test_a_feature_row_without_a_row_of_the_table_has_nulls() -> None:
    table = table_of(MONEY_FLOW)
    features = pl.DataFrame({"ts_code": ["a", "b"], "session": [DAY, DAY], "ret_1": [0.1, 0.2]})
    one = {"ts_code": "a", "session": DAY, "large_bought": 2.0, "large_sold": 1.0, "traded": 10.0}
    found = with_facts(features, [table.prepared(rows_of(table, one), None)])
    assert found["large_1"].to_list() == [10.0, None]
