"""What companies announce, as TuShare gives it: figures by quarter, for all companies at once, and forecasts by day.

The interfaces of figures that take a quarter (`_vip`) need 5,000 points; without them a company each would have to be
asked for. Forecasts are given for a day of announcement from 2,000 points on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Final

import polars as pl

from ljwx.core.bars import Capability, SourceRows
from ljwx.core.features.fundamentals import EXPRESS, FORECAST, LATEST, REPORT, TABLE
from ljwx.sources.facts import possible
from ljwx.sources.rows import Table, WireSchema, as_date, split_valid, stacked, wire_frame
from ljwx.sources.tushare import interfaces
from ljwx.sources.tushare.client import TushareClient

Reader = Callable[[pl.DataFrame], SourceRows]
Ask = Callable[[Capability, Callable[[], Table]], Table | None]

LATE: Final = 130
"""Days after a quarter within which it is reported, a year's within four months; with a few for those who are late."""
FORECAST_DAYS: Final = 10
"""Days before the first session of which forecasts are asked for: the longest holiday, and a day that was missed."""

_KEYS: Final = ("ts_code", "ann_date", "end_date")
_DATES: Final = ("ann_date", "end_date")
_FLAGS: Final = {"update_flag": ("0", "1")}
FIGURES: Final = WireSchema(
    "fina_indicator", (*_KEYS, "update_flag"), _DATES, interfaces.FINA_INDICATOR[4:], _FLAGS, once=True
)
EXPRESSES: Final = WireSchema("express", _KEYS, _DATES, interfaces.EXPRESS[3:], once=True)
FORECASTS: Final = WireSchema("forecast", _KEYS, _DATES, interfaces.FORECAST[4:], once=True)


def fetched_announcements(client: TushareClient, ask: Ask, sessions: Sequence[date]) -> SourceRows | None:
    """Return what was announced that a snapshot of some sessions may tell, and all of the same quarters besides.

    :param ask: calls an interface; None when the tier does not carry it, or has no room for it now.
    :return: None when it carries none of the three.
    """
    quarters = [f"{day:%Y%m%d}" for day in quarter_ends(sessions[0] - timedelta(days=LATEST + LATE), sessions[-1])]
    begin = sessions[0] - timedelta(days=FORECAST_DAYS)
    days = [f"{begin + timedelta(days=n):%Y%m%d}" for n in range((sessions[-1] - begin).days + 1)]
    parts = (
        _asked(ask, Capability.REPORTS, client.fina_indicator_vip, quarters, reports),
        _asked(ask, Capability.EXPRESSES, client.express_vip, quarters, expresses),
        _asked(ask, Capability.FORECASTS, client.forecast, days, forecasts),
    )
    found = [part for part in parts if part is not None]
    if not found:
        return None
    return SourceRows(pl.concat([each.usable for each in found]), pl.concat([each.rejected for each in found]))


def _asked(
    ask: Ask, capability: Capability, interface: Callable[[str], Table], wanted: Sequence[str], read: Reader
) -> SourceRows | None:
    came = [table for each in wanted if (table := ask(capability, partial(interface, each))) is not None]
    return read(wire_frame(stacked(came))) if came else None


def quarter_ends(first: date, last: date) -> Iterator[date]:
    """Yield the last days of the quarters that end in a range."""
    months = [(year, month) for year in range(first.year, last.year + 2) for month in (1, 4, 7, 10)]
    for year, month in months:
        end = date(year, month, 1) - timedelta(days=1)
        if first <= end <= last:
            yield end


def reports(wire: pl.DataFrame) -> SourceRows:
    """Read fina_indicator's rows; one without a flag is no correction."""
    wire = wire.with_columns(pl.col("update_flag").fill_null("0"))
    renamed = {"or_yoy": "revenue_growth", "netprofit_yoy": "profit_growth"}
    return _read(FIGURES, REPORT, wire, renamed, pl.col("update_flag") == "1")


def expresses(wire: pl.DataFrame) -> SourceRows:
    """Read express's rows."""
    renamed = {"diluted_roe": "roe", "yoy_sales": "revenue_growth", "yoy_dedu_np": "profit_growth"}
    return _read(EXPRESSES, EXPRESS, wire, renamed)


def forecasts(wire: pl.DataFrame) -> SourceRows:
    """Read forecast's rows."""
    renamed = {"type": "outlook", "p_change_min": "profit_low", "p_change_max": "profit_high"}
    return _read(FORECASTS, FORECAST, wire, renamed)


def _read(
    schema: WireSchema, kind: str, wire: pl.DataFrame, renamed: Mapping[str, str], corrected: pl.Expr | None = None
) -> SourceRows:
    usable, rejected = split_valid(schema, wire)
    rows = usable.rename(renamed).with_columns(
        kind=pl.lit(kind),
        period=as_date("end_date"),
        announced=as_date("ann_date"),
        corrected=pl.lit(False) if corrected is None else corrected,
    )
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in TABLE.schema.items() if name not in rows.columns]
    return possible(TABLE, rows.with_columns(absent), rejected, schema.name)
