"""One name a day, whatever the source leaves open, and the days on which it said ST."""

from __future__ import annotations

from datetime import date

import polars as pl

from ljwx.core.bars import Codes, in_force, name_periods, special_treatment, withdrawn
from ljwx.core.bars.canonical import NAMES
from ljwx.core.snapshots.profiles import with_profile

MAY, JUNE, JULY = date(2024, 5, 6), date(2024, 6, 3), date(2024, 7, 1)


def periods(*rows: tuple[str, date, date | None, date | None], code: str = "000004.SZ") -> pl.DataFrame:
    """Names of a stock: name, start, end, announced."""
    wire = [
        {"ts_code": code, "name": name, "start_date": start, "end_date": end, "ann_date": told}
        for name, start, end, told in rows
    ]
    return name_periods(pl.DataFrame(wire, schema=NAMES))


def held(frame: pl.DataFrame) -> list[tuple[str, date, date | None]]:
    return in_force(frame).select("name", "start_date", "end_date").rows()


def test_of_repeated_names_the_one_with_an_end_counts_and_st_is_read_from_the_name() -> None:
    begun, ended, announced = date(2022, 5, 6), date(2023, 5, 31), date(2022, 4, 29)
    names = pl.DataFrame(
        {
            "ts_code": ["000004.SZ"] * 3,
            "name": ["*ST国华", "*ST国华", "国华网安"],
            "change_reason": ["*ST", "*ST", "撤销*ST"],
            "start_date": [begun, begun, date(2023, 6, 1)],
            "end_date": [None, ended, None],
            "ann_date": [announced, announced, date(2023, 5, 30)],
        },
        schema=NAMES,
    )
    periods = name_periods(names)
    assert periods["name"].to_list() == ["*ST国华", "国华网安"]
    assert special_treatment(periods).rows() == [("000004.SZ", date(2022, 5, 6), date(2023, 5, 31))]


def test_a_later_name_ends_an_earlier_one_that_the_source_left_open() -> None:
    names = periods(("ST国华", MAY, None, None), ("国华网安", JULY, None, None))
    assert held(names) == [("ST国华", MAY, date(2024, 6, 30)), ("国华网安", JULY, None)]
    assert special_treatment(names).rows() == [("000004.SZ", MAY, date(2024, 6, 30))]


def test_a_later_name_ends_an_earlier_one_that_the_source_ends_too_late_and_not_one_that_ended_before() -> None:
    late = periods(("ST国华", MAY, date(2024, 7, 5), None), ("国华网安", JULY, None, None))
    assert held(late)[0] == ("ST国华", MAY, date(2024, 6, 30))
    before = periods(("ST国华", MAY, date(2024, 6, 20), None), ("国华网安", JULY, None, None))
    assert held(before)[0] == ("ST国华", MAY, date(2024, 6, 20))


def test_a_name_under_a_new_code_ends_one_that_the_old_code_left_open() -> None:
    old, new = periods(("ST国华", MAY, None, None)), periods(("国华网安", JULY, None, None), code="001004.SZ")
    both = pl.concat([old, new])
    assert special_treatment(both).rows() == [("000004.SZ", MAY, None)]
    renamed = Codes({"000004.SZ": "001004.SZ"})
    assert special_treatment(both, renamed).rows() == [("001004.SZ", MAY, date(2024, 6, 30))]


def test_of_two_names_of_one_day_the_one_announced_later_holds_and_of_equal_ones_the_last_in_order() -> None:
    told = periods(("国华网安", JUNE, None, MAY), ("ST国华", JUNE, None, date(2024, 5, 31)))
    assert held(told) == [("ST国华", JUNE, None)]
    assert held(told.reverse()) == held(told)
    equal = periods(("国华网安", JUNE, None, MAY), ("ST国华", JUNE, None, MAY))
    assert held(equal) == [("国华网安", JUNE, None)]
    assert special_treatment(equal).is_empty()
    unsaid = periods(("国华网安", JUNE, None, None), ("ST国华", JUNE, None, MAY))
    assert held(unsaid) == [("ST国华", JUNE, None)]


def test_a_snapshot_calls_a_stock_by_the_same_of_two_names_as_its_price_limit_does() -> None:
    rows = pl.DataFrame({"ts_code": ["000004.SZ"] * 3, "session": [MAY, JUNE, JULY]})
    names = periods(("国华网安", JUNE, None, date(2024, 5, 31)), ("国华", MAY, None, None), ("ST国华", JUNE, None, MAY))
    assert with_profile(rows, names, None)["name"].to_list() == ["国华", "国华网安", "国华网安"]
    assert special_treatment(names).is_empty()


def test_a_period_that_the_source_has_no_more_is_withdrawn_and_those_of_a_code_that_did_not_come_stay() -> None:
    stored = pl.concat(
        [periods(("甲", MAY, None, None), ("乙", JUNE, None, None)), periods(("丙", MAY, None, None), code="000005.SZ")]
    )
    came = periods(("甲", MAY, JUNE, None))
    gone, doubted = withdrawn(stored, came, [])
    assert gone.rows() == [("000004.SZ", JUNE, "乙")]
    assert doubted == 0
    assert withdrawn(stored, came, ["000004.SZ"])[0].is_empty()


def test_an_answer_that_lacks_many_periods_withdraws_none() -> None:
    stored = pl.concat(
        [periods(("甲", MAY, None, None), ("乙", JUNE, None, None), code=f"{at:06d}.SZ") for at in range(6)]
    )
    came = stored.filter(pl.col("name") == "甲")
    gone, doubted = withdrawn(stored, came, [])
    assert (gone.height, doubted) == (0, 6)
