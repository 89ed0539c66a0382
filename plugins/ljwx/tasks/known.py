"""What a dataset may be made of: everything that was known at a moment, up to a session."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from ljwx.exceptions import ConfigurationError, TooFewSessions

if TYPE_CHECKING:
    import polars as pl

    from ljwx.hooks.warehouse import WarehouseHook

log = logging.getLogger(__name__)

PART_ROWS = 40_000
"""Feature rows that are read at once: their text takes several times their memory."""


@dataclass(frozen=True)
class Known:
    """A moment, and the last session that is looked at.

    :param at: only revisions that were current at this moment.
    :param on: the day that a person asked for; None is now.
    :param until: sessions after it are as if they had not happened; None is no bound.
    """

    at: datetime
    on: date | None = None
    until: date | None = None

    @property
    def asked(self) -> bool:
        """Whether a person asked for a past state."""
        return self.on is not None or self.until is not None

    def as_inputs(self) -> dict[str, str]:
        """For the run's record."""
        asked = {"known_on": self.on, "until": self.until}
        return {"known_at": self.at.isoformat(), **{k: v.isoformat() for k, v in asked.items() if v}}


def known_for(context: Mapping[str, Any], warehouse: WarehouseHook) -> Known:
    """Return what the running DAG run is to know: its params `known_on` and `until`, or everything there is now.

    A day means its end in Shanghai.

    :raises ConfigurationError: a param is no date, or `known_on` is not over yet.
    """
    from ljwx.schedule import SHANGHAI

    params, now = context["params"], warehouse.moment()
    on, until = _date(params, "known_on"), _date(params, "until")
    if on is None:
        return Known(now, None, until)
    end = datetime.combine(on + timedelta(days=1), time.min, SHANGHAI)
    if end > now:
        raise ConfigurationError(f"known_on {on} is not over yet in Shanghai; what was known on it can still change")
    return Known(end, on, until)


def _date(params: Mapping[str, Any], name: str) -> date | None:
    text = params.get(name)
    if not text:
        return None
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise ConfigurationError(f"{name} {text!r} is not a date; write it as YYYY-MM-DD") from None


def known_bars(warehouse: WarehouseHook, known: Known, reach: int) -> pl.DataFrame:
    """Return the bars of all sessions that were complete.

    :param reach: see :meth:`WarehouseHook.bars`.
    :raises ConfigurationError: there is none.
    """
    bars = warehouse.bars(date.min, known.until or date.max, known.at, reach)
    if len(bars):
        return bars
    if not known.asked:
        raise TooFewSessions("no complete session in the warehouse yet; run ljwx_daily_ingest first")
    day = f" on {known.on}" if known.on else ""
    upto = f" up to {known.until}" if known.until else ""
    raise ConfigurationError(
        f"no complete session{upto} was known{day}; a session is known from the day on which it was fetched"
    )


def known_features(warehouse: WarehouseHook, known: Known, bars: pl.DataFrame) -> pl.DataFrame:
    """Return the feature rows of the bars' sessions, sorted by stock and session.

    :raises ConfigurationError: a day was asked for on which a session had bars but no features yet. They are not
        computed now from the bars of then: the dataset of that day could not have been made.
    """
    import polars as pl

    from ljwx.core.features import FEATURE_VERSION, FEATURES

    names = [feature.name for feature in FEATURES]
    parts = [warehouse.features(names, FEATURE_VERSION, first, last, known.at) for first, last in _spans(bars)]
    features = pl.concat(parts).sort("ts_code", "session")
    bare = bars.select(pl.col("session").unique()).filter(
        ~pl.col("session").is_in(features["session"].unique().implode())
    )
    if len(bare):
        first = bare["session"].sort().to_list()[0]
        without = f"{len(bare)} sessions, the first {first}, had no features of version {FEATURE_VERSION}"
        if known.on:
            raise ConfigurationError(f"known_on {known.on}: {without} yet; ask for a later day")
        log.warning("%s", without)
    return features


def _spans(bars: pl.DataFrame) -> Iterator[tuple[date, date]]:
    """Ranges of sessions with about PART_ROWS bars each."""
    import polars as pl

    days = bars.group_by("session").agg(pl.len()).sort("session").rows()
    start, held = days[0][0], 0
    for at, (session, count) in enumerate(days):
        held += count
        if held >= PART_ROWS or at == len(days) - 1:
            yield start, session
            start, held = session + timedelta(days=1), 0
