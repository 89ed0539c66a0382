"""Factors chained from pre_close, and where the chain must not be believed; every value by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import polars as pl

from ljwx.core.bars import chained_for_features, chained_for_outcomes
from support_bars import weekdays

DAYS = weekdays(8, date(2026, 3, 2))
Row = tuple[int, float, float]


def bars(*rows: Row, code: str = "000001.SZ", factor: float | None = None, unfactored: bool = True) -> pl.DataFrame:
    """Rows of one stock: number of the day, pre_close, close."""
    return pl.DataFrame(
        {
            "ts_code": [code] * len(rows),
            "session": [DAYS[day] for day, _, _ in rows],
            "pre_close": [before for _, before, _ in rows],
            "close": [close for _, _, close in rows],
            "adj_factor": pl.Series([factor] * len(rows), dtype=pl.Float64),
            "unfactored": [unfactored] * len(rows),
        }
    )


# Another stock that trades every day, so that a gap of the first one is its own.
MARKET = bars(*((day, 5.0, 5.0) for day in range(8)), code="600000.SH")


def both() -> Iterator[Callable[[pl.DataFrame], pl.DataFrame]]:
    yield lambda frame: chained_for_features(frame, DAYS, DAYS)
    yield lambda frame: chained_for_outcomes(frame, DAYS)


def factors(frame: pl.DataFrame, code: str = "000001.SZ") -> list[float | None]:
    return frame.filter(pl.col("ts_code") == code)["adj_factor"].to_list()


def test_an_ex_right_moves_the_factor_and_nothing_else_does() -> None:
    one = bars((0, 9.0, 10.0), (1, 10.0, 12.0), (2, 6.0, 6.3), (3, 6.3, 6.0))
    for chain in both():
        made = chain(pl.concat([MARKET, one]).reverse())
        assert [round(factor or 0, 12) for factor in factors(made)] == [1.0, 1.0, 2.0, 2.0]
        assert made["session"].to_list() == sorted(DAYS[:4]) + DAYS


def test_a_suspension_whose_reference_is_the_last_close_breaks_nothing() -> None:
    one = bars((0, 10.0, 10.0), (3, 10.0, 9.5), (4, 9.5, 9.6))
    for chain in both():
        assert factors(chain(pl.concat([one, MARKET]))) == [1.0, 1.0, 1.0]


def test_looking_back_ends_at_a_gap_whose_reference_is_another_price() -> None:
    one = bars((0, 10.0, 10.0), (1, 10.0, 10.2), (4, 9.5, 9.6), (5, 9.6, 9.6))
    made = factors(chained_for_features(pl.concat([one, MARKET]), DAYS, DAYS))
    assert made[:2] == [None, None]
    assert made[2] == made[3]
    assert made[2] is not None


def test_looking_ahead_ends_within_reach_of_such_a_gap() -> None:
    one = bars((0, 10.0, 10.0), (1, 10.0, 10.2), (2, 10.2, 10.2), (5, 9.5, 9.6), (6, 9.6, 9.6))
    made = factors(chained_for_outcomes(pl.concat([one, MARKET]), DAYS, reach=3))
    assert [factor is None for factor in made] == [False, False, True, False, False]
    far = factors(chained_for_outcomes(pl.concat([one, MARKET]), DAYS))
    assert [factor is None for factor in far] == [True, True, True, False, False]


def test_a_day_without_any_bar_is_no_ex_right_to_a_label_and_no_break_to_features() -> None:
    """Features are cut there already; a label across it would take the lost day's return for an ex-right."""
    one = bars((0, 10.0, 10.0), (1, 10.0, 10.0), (3, 11.0, 11.5))
    complete = [day for day in DAYS if day != DAYS[2]]
    assert None not in factors(chained_for_features(one, DAYS, complete))
    assert factors(chained_for_features(one, DAYS, DAYS))[:2] == [None, None]
    assert [factor is None for factor in factors(chained_for_outcomes(one, DAYS, reach=1))] == [False, False, False]
    assert [factor is None for factor in factors(chained_for_outcomes(one, DAYS, reach=2))] == [False, True, False]


def test_a_stock_with_a_published_factor_is_left_alone() -> None:
    late = bars((0, 10.0, 10.0), (1, 10.0, 10.0), unfactored=False)
    known = bars((0, 10.0, 10.0), (1, 5.0, 5.0), code="000002.SZ", factor=3.5)
    mixed = pl.concat(
        [bars((0, 10.0, 10.0), code="000003.SZ"), bars((1, 5.0, 5.0), code="000003.SZ", factor=3.5, unfactored=False)]
    )
    for chain in both():
        made = chain(pl.concat([late, known, mixed, MARKET]))
        assert factors(made) == [None, None]
        assert factors(made, "000002.SZ") == [3.5, 3.5]
        assert factors(made, "000003.SZ") == [None, 3.5]
