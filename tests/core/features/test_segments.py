"""Cutting the market's history at its holes."""

from __future__ import annotations

from datetime import date

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ljwx.core.features import segments

WEEK = [date(2026, 11, day) for day in (16, 17, 18, 19, 20)]


def bars(rows: dict[str, list[date]]) -> pl.DataFrame:
    flat = [(code, day) for code, days in rows.items() for day in days]
    return pl.DataFrame(flat, schema={"ts_code": pl.String, "session": pl.Date}, orient="row")


def days_of(pieces: list[pl.DataFrame]) -> list[list[date]]:
    return [sorted(set(piece["session"])) for piece in pieces]


def test_a_history_without_a_hole_is_one_piece_with_its_rows_in_their_order() -> None:
    frame = bars({"000002.SZ": WEEK, "000001.SZ": WEEK})
    (piece,) = segments(frame, WEEK)
    assert piece.equals(frame)


def test_a_trading_day_without_any_bar_cuts() -> None:
    frame = bars({"000001.SZ": [*WEEK[:2], *WEEK[3:]], "000002.SZ": [*WEEK[:2], *WEEK[3:]]})
    assert days_of(segments(frame, WEEK)) == [WEEK[:2], WEEK[3:]]


def test_two_trading_days_in_a_row_without_bars_cut_once() -> None:
    assert days_of(segments(bars({"000001.SZ": [WEEK[0], WEEK[3]]}), WEEK)) == [[WEEK[0]], [WEEK[3]]]


def test_a_suspended_stock_is_no_hole() -> None:
    frame = bars({"000001.SZ": WEEK, "000002.SZ": [WEEK[0], WEEK[4]]})
    assert len(segments(frame, WEEK)) == 1


def test_runs_of_one_stock_are_apart_on_both_sides_of_a_hole() -> None:
    """The first stock's own run ends after Monday; nothing is known of Wednesday."""
    frame = bars({"000001.SZ": [*WEEK[:2], *WEEK[3:]], "000002.SZ": [*WEEK[:2], *WEEK[3:]]})
    pieces = segments(frame.with_columns(run=pl.Series([0, 1, 1, 1, 0, 0, 0, 0])), WEEK)
    mine = [piece.filter(ts_code="000001.SZ")["session"].to_list() for piece in pieces]
    others = [piece.filter(ts_code="000002.SZ")["session"].to_list() for piece in pieces]
    assert mine == [WEEK[:1], WEEK[1:2], WEEK[3:]]
    assert others == [WEEK[:2], WEEK[3:], []]


def test_closed_days_and_days_outside_the_bars_are_no_holes() -> None:
    trading = [date(2026, 11, 12), date(2026, 11, 13), *WEEK, date(2026, 11, 23)]
    assert days_of(segments(bars({"000001.SZ": WEEK}), trading)) == [WEEK]
    weekend = [date(2026, 11, 13), date(2026, 11, 16)]
    assert days_of(segments(bars({"000001.SZ": weekend}), weekend)) == [weekend]


def test_no_bars_make_no_piece() -> None:
    assert segments(bars({}), WEEK) == []


@settings(deadline=None)
@given(st.sets(st.integers(0, 29), min_size=1), st.sets(st.integers(0, 29)))
def test_pieces_hold_every_row_once_and_cut_exactly_at_the_holes(present: set[int], closed: set[int]) -> None:
    day = [date.fromordinal(date(2026, 1, 1).toordinal() + i) for i in range(30)]
    trading = [day[i] for i in range(30) if i not in closed or i in present]
    pieces = days_of(segments(bars({"000001.SZ": [day[i] for i in sorted(present)]}), trading))
    expected: list[list[date]] = []
    previous = None
    for each in trading:
        if each in {day[i] for i in present}:
            expected = [*expected[:-1], [*expected[-1], each]] if previous else [*expected, [each]]
        previous = each in {day[i] for i in present}
    assert pieces == expected
