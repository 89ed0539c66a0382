"""Bars held against those of a second source. Pure: nothing here may import airflow, HTTP or SQL."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import polars as pl

from ljwx.core.bars.canonical import QUARANTINE, RAW
from ljwx.core.bars.frame import KEYS
from ljwx.core.bars.rules import FACTOR_TOLERANCE, HALF_TICK, ROUNDING
from ljwx.core.bars.validation import Checked

if TYPE_CHECKING:
    from collections.abc import Mapping

PRICES = ("close", "pre_close")


def _apart(name: str) -> pl.Expr:
    return (pl.col(name) - pl.col(f"{name}_there")).abs() > HALF_TICK + ROUNDING


def _moved(name: str) -> pl.Expr:
    """Return by how much a stock's factor changed since its bar before; factors of two sources differ by a constant."""
    return pl.col(name) / pl.col(name).shift(1).over("ts_code")


COMPARISONS: Final[Mapping[str, pl.Expr]] = MappingProxyType(
    {
        "close": _apart("close"),
        "pre_close": _apart("pre_close"),
        "factor": (_moved("adj_factor") / _moved("adj_factor_there") - 1).abs() > FACTOR_TOLERANCE,
    }
)
"""What is compared → true where two bars of a stock and session differ in it; null where one of them does not say."""


@dataclass(frozen=True, eq=False)
class Compared:
    """What a comparison found.

    :param rows: how many bars both sources have.
    :param differing: ts_code, session, ``reasons`` (``differs:close`` …), raw (both sources' values as JSON); sorted.
    """

    rows: int
    differing: pl.DataFrame

    def count(self, name: str) -> int:
        """Return how many bars differ in something."""
        found = self.differing.select(pl.col("reasons").list.contains(reason(name)).sum()).item()
        return int(found or 0)


def reason(name: str) -> str:
    """Return what quarantine says of a bar that differs in something."""
    return f"differs:{name}"


def compare(bars: pl.DataFrame, there: pl.DataFrame) -> Compared:
    """Hold bars against those of a second source.

    :param bars: columns of ``BARS``, which keep the rules.
    :param there: the second source's, as ``assemble`` makes them; a key that comes twice is passed over.
    """
    values = [*PRICES, "adj_factor"]
    other = there.drop_nulls([*KEYS, "close"]).unique(KEYS, keep="none").select(
        *KEYS, *(pl.col(name).alias(f"{name}_there") for name in values)
    )  # fmt: skip
    both = bars.select(*KEYS, *values).join(other, on=KEYS, how="inner").sort(KEYS)
    named = [pl.when(differs).then(pl.lit(reason(name))) for name, differs in COMPARISONS.items()]
    found = both.with_columns(pl.concat_list(named).list.drop_nulls().alias("reasons"))
    found = found.filter(pl.col("reasons").list.len() > 0)
    raw = pl.struct(both.columns).struct.json_encode().alias(RAW)
    return Compared(both.height, found.select(*KEYS, "reasons", raw).cast(QUARANTINE))


def without_differing(checked: Checked, compared: Compared, refused: Collection[str]) -> Checked:
    """Move bars that differ in something that is refused to quarantine."""
    wanted = [reason(name) for name in refused]
    bad = compared.differing.filter(pl.col("reasons").list.set_intersection(wanted).list.len() > 0)
    if bad.is_empty():
        return checked
    kept = checked.bars.join(bad, on=KEYS, how="anti", maintain_order="left")
    return replace(checked, bars=kept, quarantine=pl.concat([checked.quarantine, bad]))
