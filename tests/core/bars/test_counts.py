"""Whether a day is whole, and the real bars."""

from __future__ import annotations

import gzip
import json
from datetime import date, timedelta

import polars as pl
import pytest

from ljwx.core.bars import (
    BARS,
    Checked,
    Context,
    assemble,
    chain_factors,
    check,
    completeness,
    completeness_by_precedent,
    expected,
    instruments,
)
from ljwx.core.bars.validation import QUARANTINE
from ljwx.sources.rows import fetched_bars
from ljwx.sources.tushare import rows as tushare_rows
from support_bars import REAL, real_wire

DAY = date(2024, 6, 4)
CODES = [f"{i:06d}.SZ" for i in range(1, 1001)]
LISTED = pl.DataFrame(
    {"ts_code": CODES, "list_date": [date(2000, 1, 4)] * 1000, "delist_date": [None] * 1000},
    schema_overrides={"delist_date": pl.Date},
)


def day(codes: list[str], bad: list[str] | None = None) -> Checked:
    bars = pl.DataFrame([{"ts_code": code, "session": DAY} for code in codes], schema=BARS)
    wrong = [{"ts_code": code, "session": DAY, "reasons": ["order"], "raw": "{}"} for code in bad or []]
    return Checked(bars, pl.DataFrame(wrong, schema=QUARANTINE))


def test_expected_is_listed_without_the_suspended_the_unborn_and_the_gone() -> None:
    frame = pl.DataFrame(
        {
            "ts_code": ["a", "b", "c", "d", "e", "f"],
            "list_date": [date(2000, 1, 1), DAY, DAY + timedelta(days=1), date(2000, 1, 1), None, date(2000, 1, 1)],
            "delist_date": [None, None, None, DAY, None, DAY + timedelta(days=1)],
        }
    )
    assert expected(frame, {"a", "c"}, DAY) == {"b", "f"}


def test_a_whole_day_is_complete() -> None:
    (count,) = completeness([DAY], day(CODES), LISTED)
    assert (count.listed, count.suspended, count.expected, count.received, count.missing) == (1000, 0, 1000, 1000, ())
    assert count.complete


def test_a_partial_day_is_not_complete_and_names_what_is_missing() -> None:
    (count,) = completeness([DAY], day(CODES[:270]), LISTED)
    assert not count.complete
    assert (count.received, len(count.missing), count.missing[0]) == (270, 730, CODES[270])


def test_suspended_stocks_are_not_missing() -> None:
    suspended = pl.DataFrame({"ts_code": CODES[:30], "session": [DAY] * 30})
    (count,) = completeness([DAY], day(CODES[30:]), LISTED, suspended, tolerance=0)
    assert (count.suspended, count.expected, count.missing, count.complete) == (30, 970, (), True)


@pytest.mark.parametrize(("missing", "complete"), [(2, True), (3, False)])
def test_the_tolerance_is_a_share_of_the_expected_rows(missing: int, complete: bool) -> None:
    (count,) = completeness([DAY], day(CODES[missing:]), LISTED, tolerance=0.002)
    assert count.complete is complete


def test_quarantined_rows_arrived_but_do_not_make_a_day_complete() -> None:
    (count,) = completeness([DAY], day(CODES[10:], bad=CODES[:10]), LISTED)
    assert (count.received, count.quarantined, count.missing, count.complete) == (990, 10, (), False)


@pytest.mark.parametrize(("bare", "missing", "complete"), [(2, 0, True), (1, 1, True), (3, 0, False), (1, 2, False)])
def test_where_factors_are_published_a_bar_without_one_is_not_whole(bare: int, missing: int, complete: bool) -> None:
    came = day(CODES[missing:])
    factor = pl.when(pl.col("ts_code").is_in(CODES[-bare:])).then(None).otherwise(1.0)
    came = Checked(came.bars.with_columns(adj_factor=factor), came.quarantine)
    (count,) = completeness([DAY], came, LISTED, tolerance=0.002, factored={DAY})
    assert (count.received, count.unfactored, count.complete) == (1000 - missing, bare, complete)
    (without,) = completeness([DAY], day(CODES), LISTED, tolerance=0)
    assert (without.unfactored, without.complete) == (0, True)


@pytest.mark.parametrize(("missing", "told", "complete"), [(20, False, True), (21, False, False), (20, True, False)])
def test_where_suspensions_are_not_told_the_suspended_may_be_missing(missing: int, told: bool, complete: bool) -> None:
    days = {DAY} if told else set()
    (count,) = completeness([DAY], day(CODES[missing:]), LISTED, tolerance=0.002, halts_known=days)
    assert (count.expected, len(count.missing), count.complete) == (1000, missing, complete)


def test_a_day_without_rows_and_a_day_without_stocks_are_not_complete() -> None:
    before_all = date(1980, 1, 2)
    empty, unborn = completeness([DAY, before_all], day([]), LISTED)
    assert (empty.received, empty.complete) == (0, False)
    assert (unborn.expected, unborn.complete) == (0, False)


@pytest.mark.parametrize(
    ("known", "missing", "complete"),
    [
        (1, 0, True),
        (1, 1, False),
        (2, 1, True),
        (2, 2, False),
        (5, 2, True),
        (5, 3, False),
        (20, 3, True),
        (20, 4, False),
    ],
)
def test_without_a_universe_a_few_stocks_may_be_missing_and_half_of_them_at_most(
    known: int, missing: int, complete: bool
) -> None:
    (count,) = completeness_by_precedent([DAY], day(CODES[missing:known]), dict.fromkeys(CODES[:known]))
    assert (count.expected, count.received, count.complete) == (known, known - missing, complete)


@pytest.mark.parametrize(
    ("higher", "exchange", "complete"), [(0.0, "SZ", True), (100.0, "SZ", False), (0.0, "SH", False)]
)
def test_without_a_universe_a_code_that_goes_on_from_the_close_of_a_missing_one_takes_its_place(
    higher: float, exchange: str, complete: bool
) -> None:
    """900 of 1,000 codes change on one day; one with another reference, or of another exchange, stands for none."""
    closes = {code: 5.0 + at / 100 for at, code in enumerate(CODES)}
    new = {f"9{code[1:6]}.{exchange}": close + higher for code, close in list(closes.items())[100:]}
    came = {code: closes[code] for code in CODES[:100]} | new
    rows = [{"ts_code": code, "session": DAY, "pre_close": price} for code, price in came.items()]
    checked = Checked(pl.DataFrame(rows, schema=BARS), pl.DataFrame(schema=QUARANTINE))
    (count,) = completeness_by_precedent([DAY], checked, closes)
    assert (count.expected, count.received, count.complete) == (1000, 1000 if complete else 100, complete)
    assert len(count.missing) == (0 if complete else 900)


@pytest.fixture(scope="module")
def real() -> tuple[Checked, pl.DataFrame, list[date]]:
    daily, factors = real_wire()
    answer = json.loads(gzip.decompress((REAL / "stock_basic_response_202506.json.gz").read_bytes()))["data"]
    wire = pl.DataFrame(answer["items"], schema=answer["fields"], orient="row", infer_schema_length=None)
    listed = instruments(tushare_rows.instruments(wire).usable)
    calendar = pl.read_csv(REAL / "trade_cal_SSE_2024_2026.csv").filter(pl.col("is_open") == 1)
    sessions = [day for day in calendar["cal_date"].str.to_date() if day.year == 2024]
    context = Context(through=date(2024, 12, 31), sessions=sessions, instruments=listed)
    mine = listed.filter(pl.col("ts_code").is_in(daily["ts_code"].unique().implode()))
    joined = assemble(fetched_bars(daily), tushare_rows.factors(factors, None).usable, None)
    return check(joined, context), mine, sessions


def test_no_real_bar_is_quarantined_and_only_the_factor_glitch_is_flagged(real) -> None:
    checked, _, _ = real
    assert (checked.bars.height, checked.quarantine.height) == (28_728, 0)
    odd = checked.bars.filter(pl.col("flags").list.len() > 0)
    assert set(odd["flags"].explode()) == {"factor_move"}
    assert set(odd["session"]) == {date(2024, 6, 25), date(2024, 6, 26)}
    assert odd.filter(pl.col("session") == date(2024, 6, 25)).height == 107


def test_real_suspensions_are_not_missing_when_they_are_known_and_are_named_when_not(real) -> None:
    checked, listed, sessions = real
    unknown = completeness(sessions, checked, listed)
    gaps = [(code, count.session) for count in unknown for code in count.missing]
    assert {"000525.SZ", "002309.SZ"} <= {code for code, _ in gaps}
    suspended = pl.DataFrame(gaps, schema=["ts_code", "session"], orient="row")
    known = completeness(sessions, checked, listed, suspended, tolerance=0)
    assert all(count.complete and not count.missing for count in known)
    assert sum(count.suspended for count in known) == len(gaps)


def test_factors_chained_from_real_bars_equal_the_published_ones_but_for_a_constant(real) -> None:
    bars = real[0].bars
    both = bars.with_columns(chained=chain_factors(bars)["adj_factor"]).filter(pl.col("flags").list.len() == 0)
    scale = pl.col("adj_factor") / pl.col("chained")
    drift = both.select((scale / scale.first().over("ts_code") - 1).abs().max()).item()
    assert drift < 5e-4
