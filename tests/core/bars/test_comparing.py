"""Bars of two sources held against each other, by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from ljwx.core.bars import BARS, QUARANTINE, Checked
from ljwx.core.bars.comparing import compare, without_differing

DAYS = (date(2026, 3, 2), date(2026, 3, 3))


def bars(*changes: dict[str, Any]) -> pl.DataFrame:
    """Two stocks on two days, closing at 10.00; each change says for which row it is."""
    rows = {(code, day): {"close": 10.0, "pre_close": 10.0, "adj_factor": 2.0} for code in "AB" for day in DAYS}
    for change in changes:
        rows[change["code"], change["day"]] |= {name: change[name] for name in change if name not in ("code", "day")}
    return pl.DataFrame(
        [{"ts_code": code, "session": day, **values} for (code, day), values in rows.items()], schema=BARS
    )


def test_what_is_the_same_differs_in_nothing_whatever_constant_is_between_the_factors() -> None:
    other = bars().with_columns(adj_factor=pl.col("adj_factor") * 1.7)
    compared = compare(bars(), other)
    assert (compared.rows, compared.differing.height) == (4, 0)


def test_a_tick_is_a_difference_and_half_of_one_is_rounding() -> None:
    other = bars(
        {"code": "A", "day": DAYS[0], "close": 10.005},
        {"code": "A", "day": DAYS[1], "close": 10.01},
        {"code": "B", "day": DAYS[1], "pre_close": 9.0},
    )
    compared = compare(bars(), other)
    assert [compared.count(name) for name in ("close", "pre_close", "factor")] == [1, 1, 0]
    assert compared.differing.select("ts_code", "reasons").rows() == [
        ("A", ["differs:close"]), ("B", ["differs:pre_close"]),
    ]  # fmt: skip
    assert '"close":10.0' in compared.differing["raw"][0]
    assert '"close_there":10.01' in compared.differing["raw"][0]


def test_a_factor_that_moves_in_one_source_alone_is_a_difference() -> None:
    compared = compare(bars({"code": "B", "day": DAYS[1], "adj_factor": 2.2}), bars())
    assert [compared.count(name) for name in ("close", "pre_close", "factor")] == [0, 0, 1]


def test_a_source_without_factors_and_a_bar_of_one_source_alone_say_nothing() -> None:
    other = bars().with_columns(adj_factor=pl.lit(None, dtype=pl.Float64)).filter(pl.col("ts_code") == "A")
    compared = compare(bars({"code": "B", "day": DAYS[1], "close": 99.0}), other)
    assert (compared.rows, compared.differing.height) == (2, 0)


def test_only_what_is_refused_goes_to_quarantine() -> None:
    other = bars({"code": "A", "day": DAYS[1], "close": 10.5}, {"code": "B", "day": DAYS[1], "pre_close": 9.0})
    checked = Checked(bars(), pl.DataFrame(schema=QUARANTINE))
    compared = compare(checked.bars, other)
    assert without_differing(checked, compared, []) is checked
    after = without_differing(checked, compared, ["close"])
    assert (after.bars.height, after.quarantine["ts_code"].to_list()) == (3, ["A"])
