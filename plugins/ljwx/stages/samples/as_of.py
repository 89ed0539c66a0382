"""What a dataset may be made of: everything that was known at a moment, up to a session."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import polars as pl

from ljwx.core.features import FEATURE_VERSION, feature_names
from ljwx.exceptions import ConfigurationError, TooFewSessions
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.schedule import SHANGHAI

log = logging.getLogger(__name__)

UNUSED = ("vol", "ah_vol", "ah_amount", "flags")
"""Columns of bars of which neither labels nor facts are made: volume is in the features."""
PART_ROWS = 40_000
"""Feature rows that are read at once: their text takes several times their memory."""


@dataclass(frozen=True)
class AsOf:
    """A moment, and the last session that is looked at.

    :param at: only revisions that were current at this moment.
    :param on: the day that a person asked for; None is now.
    :param until: sessions after it are as if they had not happened; None is no bound.
    :param stale: the first session to be looked at whose features have not seen all of its bars at `at`; another
        ingest run is between the two, and will wake a run when it has computed them.
    """

    at: datetime
    on: date | None = None
    until: date | None = None
    stale: date | None = None

    @property
    def requested(self) -> bool:
        """Whether a person asked for a past state."""
        return self.on is not None or self.until is not None

    def as_inputs(self) -> dict[str, str]:
        """For the run's record."""
        asked = {"known_on": self.on, "until": self.until}
        return {"known_at": self.at.isoformat(), **{k: v.isoformat() for k, v in asked.items() if v}}


def requested_as_of(params: Mapping[str, Any], warehouse: WarehouseHook) -> AsOf:
    """Return what the running DAG run is to know: its params `known_on` and `until`, or everything there is now.

    A day means its end in Shanghai.

    :raises ConfigurationError: a param is no date, or `known_on` is not over yet.
    """
    on, until = _date(params, "known_on"), _date(params, "until")
    with warehouse.bars_lock(exclusive=True):
        now, stale = warehouse.moment(), warehouse.stale_from(FEATURE_VERSION)
    if on is None:
        return AsOf(now, None, until, stale if stale and stale <= (until or stale) else None)
    end = datetime.combine(on + timedelta(days=1), time.min, SHANGHAI)
    if end > now:
        raise ConfigurationError(f"known_on {on} is not over yet in Shanghai; what was known on it can still change")
    return AsOf(end, on, until)


def _date(params: Mapping[str, Any], name: str) -> date | None:
    text = params.get(name)
    if not text:
        return None
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise ConfigurationError(f"{name} {text!r} is not a date; write it as YYYY-MM-DD") from None


def market_as_of(warehouse: WarehouseHook, as_of: AsOf, reach: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return bars and features of all sessions that were complete, up to the first whose features were not there.

    They are not computed now from the bars of then: the dataset of that moment could not have been made then.

    :param reach: see :meth:`WarehouseHook.bars`.
    :returns: both sorted by stock and session.
    :raises TooFewSessions: there is no session yet, and no past state was asked for.
    :raises ConfigurationError: no session was known then, or none with features.
    """

    bars = _known_bars(warehouse, as_of, reach)
    features = _known_features(warehouse, as_of, bars)
    days = bars.get_column("session").unique().sort()
    bare = days.filter(~days.is_in(features.get_column("session").unique().implode()))
    if bare.is_empty():
        return bars, features
    first = bare[0]
    if first == days[0]:
        raise ConfigurationError(
            f"session {first}, the first that was known, had no features of version {FEATURE_VERSION} yet; ask for a "
            "later day"
        )
    log.warning("sessions from %s on are left out: it had no features then", first)
    before = pl.col("session") < first
    return bars.filter(before), features.filter(before)


def _known_bars(warehouse: WarehouseHook, as_of: AsOf, reach: int) -> pl.DataFrame:
    bars = warehouse.bars(date.min, as_of.until or date.max, as_of.at, reach).drop(UNUSED)
    if len(bars):
        return bars
    if not as_of.requested:
        raise TooFewSessions("no complete session in the warehouse yet; run ljwx_daily_ingest first")
    day = f" on {as_of.on}" if as_of.on else ""
    upto = f" up to {as_of.until}" if as_of.until else ""
    raise ConfigurationError(
        f"no complete session{upto} was known{day}; a session is known from the day on which it was fetched"
    )


def _known_features(warehouse: WarehouseHook, as_of: AsOf, bars: pl.DataFrame) -> pl.DataFrame:

    names = list(feature_names())
    parts = [warehouse.features(names, FEATURE_VERSION, first, last, as_of.at) for first, last in _spans(bars)]
    columns = {name: pl.concat([part[name] for part in parts]) for name in parts[0].columns}
    del parts
    order = pl.DataFrame([columns[name] for name in ("ts_code", "session")]).select(
        pl.arg_sort_by("ts_code", "session")
    )
    for name in columns:  # one at a time: a second copy of all features is much memory
        columns[name] = columns[name].gather(order.to_series())
    return pl.DataFrame(columns)


def _spans(bars: pl.DataFrame) -> Iterator[tuple[date, date]]:
    """Ranges of sessions with about PART_ROWS bars each."""

    days = bars.group_by("session").agg(pl.len()).sort("session").rows()
    start, held = days[0][0], 0
    for at, (session, count) in enumerate(days):
        held += count
        if held >= PART_ROWS or at == len(days) - 1:
            yield start, session
            start, held = session + timedelta(days=1), 0
