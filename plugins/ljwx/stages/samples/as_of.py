"""What a dataset may be made of: everything that was known at a moment, up to a session."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, NoReturn

import polars as pl

from ljwx.core.bars import UNRENAMED, Codes
from ljwx.core.bars.frame import KEYS
from ljwx.core.datasets.market.sessions import Part, spans
from ljwx.core.features import FEATURE_VERSION, FeatureGroup, feature_names
from ljwx.exceptions import ConfigurationError, TooFewSessions
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.schedule import SHANGHAI
from ljwx.warehouse.market.vintages import SessionThen

log = logging.getLogger(__name__)

USED = ("open", "high", "low", "close", "pre_close", "amount", "adj_factor", "up_limit", "down_limit")
"""Columns of bars of which labels and facts are made; volume is in the features."""
PART_ROWS = 40_000
"""Feature rows that are read at once: their text takes several times their memory."""
PARTS_WITH_TABLES = 15
"""Parts for which tables of facts are read at once: each time with as many days before as a fact may look back."""


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


def sessions_as_of(warehouse: WarehouseHook, as_of: AsOf) -> list[SessionThen]:
    """Return all sessions that were complete; those from the first whose features were not there on are not looked at.

    They are not computed now from the bars of then: the dataset of that moment could not have been made then.

    :returns: sorted; `featured` is false of those that are not looked at.
    :raises TooFewSessions: there is no session yet, and no past state was asked for.
    :raises ConfigurationError: no session was known then, or none with features.
    """
    sessions = warehouse.sessions_then(as_of.at, as_of.until or date.max, FEATURE_VERSION)
    if not sessions:
        _refuse(as_of)
    bare = [each.session for each in sessions if not each.featured]
    if not bare:
        return sessions
    if bare[0] == sessions[0].session:
        raise ConfigurationError(
            f"session {bare[0]}, the first that was known, had no features of version {FEATURE_VERSION} yet; ask for a "
            "later day"
        )
    log.warning("sessions from %s on are left out: it had no features then", bare[0])
    return [replace(each, featured=each.session < bare[0]) for each in sessions]


def _refuse(as_of: AsOf) -> NoReturn:
    if not as_of.requested:
        raise TooFewSessions("no complete session in the warehouse yet; run ljwx_daily_ingest first")
    day = f" on {as_of.on}" if as_of.on else ""
    upto = f" up to {as_of.until}" if as_of.until else ""
    raise ConfigurationError(
        f"no complete session{upto} was known{day}; a session is known from the day on which it was fetched"
    )


def parts_as_of(
    warehouse: WarehouseHook,
    as_of: AsOf,
    sessions: Sequence[SessionThen],
    groups: Sequence[FeatureGroup] = (),
    industries: pl.DataFrame | None = None,
    codes: Codes = UNRENAMED,
) -> Iterator[Part]:
    """Read bars and features some sessions at a time.

    :param sessions: of :func:`sessions_as_of`.
    :param groups: those whose tables of facts are read too; ``industries`` and ``codes`` as known at the moment.
    """
    looked_at = [(each.session, each.bars) for each in sessions if each.featured]
    with_tables = any(group.table is not None for group in groups)
    for start, end in spans(looked_at, PART_ROWS * (PARTS_WITH_TABLES if with_tables else 1)):
        parts = [
            _part(warehouse, as_of, first, last)
            for first, last in spans([day for day in looked_at if start <= day[0] <= end], PART_ROWS)
        ]
        keys = pl.concat([features.select(KEYS) for _, features in parts])
        facts = warehouse.with_facts(keys, groups, industries, codes, as_of.at)
        for bars, features in parts:
            more = features.join(facts, on=KEYS, how="left", maintain_order="left") if with_tables else features
            yield Part(bars, more)
    later = [(each.session, each.bars) for each in sessions if not each.featured]
    for first, last in spans(later, PART_ROWS):
        yield Part(warehouse.bars_then(USED, first, last, as_of.at), None)


def _part(warehouse: WarehouseHook, as_of: AsOf, first: date, last: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    bars = warehouse.bars_then(USED, first, last, as_of.at)
    return bars, warehouse.features(list(feature_names()), FEATURE_VERSION, first, last, as_of.at)
