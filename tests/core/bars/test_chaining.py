"""Factors chained from pre_close, and where the chain must not be believed; every value by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import polars as pl

from ljwx.core.bars import chained_for_features, chained_for_outcomes
from ljwx.core.features import compute, segments
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
    yield lambda frame: chained_for_features(frame, DAYS)
    yield lambda frame: chained_for_outcomes(frame, DAYS)


def factors(frame: pl.DataFrame, code: str = "000001.SZ") -> list[float | None]:
    return frame.filter(pl.col("ts_code") == code)["adj_factor"].to_list()


def runs(*frames: pl.DataFrame, code: str = "000001.SZ") -> list[int]:
    made = chained_for_features(pl.concat([*frames, MARKET]), DAYS)
    return made.filter(pl.col("ts_code") == code)["run"].to_list()


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
    assert runs(one) == [0, 0, 1, 1]
    assert runs(one, code="600000.SH") == [0] * 8
    assert None not in factors(chained_for_features(pl.concat([one, MARKET]), DAYS))


def test_features_before_such_a_gap_are_there_whatever_comes_after_it() -> None:
    """(9.0 + 9.1 + 9.2 + 9.4 + 9.55) / 5 = 9.25; the stock resumes on day 7 with an ex-right."""
    closes = [9.0, 9.1, 9.2, 9.4, 9.55]
    rows = [(day, before, close) for day, (before, close) in enumerate(zip([9.0, *closes], closes, strict=False))]
    for more in ([], [(7, 4.8, 4.9)]):
        one = bars(*rows, *more).with_columns(high="close", low="close", vol=1.0)
        pieces = segments(chained_for_features(one, DAYS), [])
        made = pl.concat(compute(piece, names=["ma_5"]) for piece in pieces)
        assert [value and round(value, 9) for value in made["ma_5"]] == [None] * 4 + [9.25] + [None] * len(more)


def test_looking_ahead_ends_within_reach_of_such_a_gap() -> None:
    one = bars((0, 10.0, 10.0), (1, 10.0, 10.2), (2, 10.2, 10.2), (5, 9.5, 9.6), (6, 9.6, 9.6))
    made = factors(chained_for_outcomes(pl.concat([one, MARKET]), DAYS, reach=3))
    assert [factor is None for factor in made] == [False, False, True, False, False]
    far = factors(chained_for_outcomes(pl.concat([one, MARKET]), DAYS))
    assert [factor is None for factor in far] == [True, True, True, False, False]


def test_a_day_without_any_bar_is_no_ex_right_to_a_label() -> None:
    """A label across it would take the lost day's return for an ex-right."""
    one = bars((0, 10.0, 10.0), (1, 10.0, 10.0), (3, 11.0, 11.5))
    assert [factor is None for factor in factors(chained_for_outcomes(one, DAYS, reach=1))] == [False, False, False]
    assert [factor is None for factor in factors(chained_for_outcomes(one, DAYS, reach=2))] == [False, True, False]


def test_published_factors_stay_and_a_late_one_is_not_made_up() -> None:
    late = bars((0, 10.0, 10.0), (1, 10.0, 10.0), unfactored=False)
    known = bars((0, 10.0, 10.0), (1, 5.0, 5.0), code="000002.SZ", factor=3.5)
    for chain in both():
        made = chain(pl.concat([late, known, MARKET]))
        assert factors(made) == [None, None]
        assert factors(made, "000002.SZ") == [3.5, 3.5]


def test_sessions_before_a_larger_token_are_chained_back_from_its_first_factor() -> None:
    """10 for 5 on day 1: the factor before is half of the published one; adjusted, day 0 and day 1 are equal."""
    for chain in both():
        before = bars((0, 10.0, 10.0), (1, 5.0, 5.0), (2, 5.0, 5.5))
        after = bars((3, 5.5, 5.5), (4, 5.5, 5.5), factor=3.0, unfactored=False)
        assert factors(chain(pl.concat([after, before, MARKET]))) == [1.5, 3.0, 3.0, 3.0, 3.0]


def test_sessions_after_a_smaller_token_are_chained_on_from_its_last_factor() -> None:
    for chain in both():
        before = bars((0, 10.0, 10.0), (1, 10.0, 12.0), factor=3.0, unfactored=False)
        after = bars((2, 6.0, 6.0), (3, 6.0, 6.0))
        assert factors(chain(pl.concat([before, after, MARKET]))) == [3.0, 3.0, 6.0, 6.0]


def test_sessions_between_two_published_stretches_go_on_from_the_first() -> None:
    """A rights issue that the second factor knows differently changes nothing before it."""
    for chain in both():
        one = bars((0, 10.0, 10.0), factor=2.0, unfactored=False)
        two = bars((1, 10.0, 10.0), (2, 5.0, 5.0))
        three = bars((3, 5.0, 5.0), factor=4.5, unfactored=False)
        assert factors(chain(pl.concat([one, two, three, MARKET]))) == [2.0, 2.0, 4.0, 4.5]


def test_a_break_between_anchored_chains_takes_no_factor_away() -> None:
    for chain in both():
        one = bars((0, 10.0, 10.0), factor=2.0, unfactored=False)
        two = bars((1, 10.0, 10.0), (4, 9.5, 9.5))
        three = bars((5, 9.5, 9.5), factor=2.2, unfactored=False)
        assert factors(chain(pl.concat([one, two, three, MARKET]))) == [2.0, 2.0, 2.2, 2.2]


def test_what_a_row_looks_back_on_does_not_depend_on_a_factor_that_is_published_later() -> None:
    """The factor of day 5 tells what happened in the gap before day 4; on day 4 nobody knew."""
    one = bars((0, 10.0, 10.0), factor=2.0, unfactored=False)
    two = bars((1, 10.0, 10.0), (4, 9.5, 9.5))
    three = bars((5, 9.5, 9.5), factor=2.2, unfactored=False)
    assert runs(one, two) == [0, 0, 1]
    assert runs(one, two, three) == [0, 0, 1, 1]


def test_published_factors_on_both_sides_of_a_gap_part_nothing() -> None:
    one = bars((0, 10.0, 10.0), factor=2.0, unfactored=False)
    two = bars((3, 9.5, 9.5), factor=2.2, unfactored=False)
    assert runs(one, two, bars((4, 9.5, 9.5))) == [0, 0, 0]


def test_a_late_factor_does_not_join_two_scales() -> None:
    """The chain of days 0 and 1 has no published factor, and ends with a bar whose factor was late."""
    late = bars((1, 10.0, 10.0), unfactored=False)
    assert runs(bars((0, 10.0, 10.0)), late, bars((4, 9.5, 9.5), factor=2.2, unfactored=False)) == [0, 0, 1]


def test_published_factors_never_meet_a_chain_of_another_scale() -> None:
    """After the break nothing was published: features begin anew there, outcomes end before it."""
    one = bars((0, 10.0, 10.0), (1, 10.0, 10.0), factor=2.0, unfactored=False)
    two = bars((4, 9.5, 9.5), (5, 9.5, 9.5))
    frame = pl.concat([one, two, MARKET])
    assert runs(one, two) == [0, 0, 1, 1]
    assert [factor is None for factor in factors(chained_for_outcomes(frame, DAYS, reach=3))] == [
        False, True, False, False,
    ]  # fmt: skip


def test_a_late_factor_between_published_ones_parts_nothing() -> None:
    for chain in both():
        one = bars((0, 10.0, 10.0), factor=2.0, unfactored=False)
        late = bars((3, 9.0, 9.0), unfactored=False)
        three = bars((6, 8.0, 8.0), factor=2.0, unfactored=False)
        assert factors(chain(pl.concat([one, late, three, MARKET]))) == [2.0, None, 2.0]
