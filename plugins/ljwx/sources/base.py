"""What the stage `ingest` asks of every source of market data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, ClassVar, Protocol

import polars as pl

from ljwx.core.bars import Capability, SourceRows
from ljwx.core.bars.canonical import OF_A_SESSION

if TYPE_CHECKING:
    from airflow.sdk import Connection


class RateLimiter(Protocol):
    """Holds a per-minute limit across worker processes."""

    def acquire(self, api_name: str, limit: int | None) -> None:
        """Return when one more call to the interface is allowed.

        :param limit: calls a minute; None when neither the connection nor the server states one.
        """


class AnswerKeeper(Protocol):
    """Keeps answers that are good for a day, for all workers and runs."""

    def kept(self, query: str) -> str | None:
        """Return the answer to a query; None where none is kept, or it is too old."""

    def asking(self, query: str) -> AbstractContextManager[None]:
        """Let one worker at a time look for a query's answer, ask, and keep it.

        :raises SourceUnavailable: the turn does not come.
        """

    def keep(self, query: str, answer: str) -> None:
        """Keep an answer to a query, in the place of an earlier one: a part, until `settle` is called, of a list.

        Parts are kept longer, so that a list which needs more calls than a day has is whole some day.
        """

    def settle(self, beginning: str) -> None:
        """Let what was kept of the queries that begin so be a whole list."""

    def forget(self, beginning: str) -> None:
        """Give up the answers to all queries that begin so."""


@dataclass(frozen=True)
class Terms:
    """What a source gives and lacks whatever the tier, what it costs, and what may be done with its data.

    Said as far as is known; the source's own words decide.
    """

    gives: str
    lacks: str
    costs: str
    allows: str

    def __str__(self) -> str:
        return f"gives {self.gives}; lacks {self.lacks}; costs {self.costs}; {self.allows}"


class MarketSource(ABC):
    """A source of market data: bars, and what else it declares in `offers`, in the frames of ``core.bars.canonical``.

    The method of a capability returns None where the source lacks it. Days come in time order and at least one.

    :param refused: capabilities that the server is known to refuse to this connection; they are not asked for again.
    """

    offers: ClassVar[frozenset[Capability]]
    """What the source gives besides bars to those who may ask for everything."""
    terms: ClassVar[Terms | None] = None
    """What is known of its terms; None where nothing is."""

    def __init__(self, refused: Iterable[Capability] = ()) -> None:
        self._refused = set(refused)
        self._deferred: set[Capability] = set()
        self._given: dict[Capability, set[date]] = {}

    @classmethod
    @abstractmethod
    def of_connection(
        cls, connection: Connection, limiter: RateLimiter | None = None, refused: Iterable[Capability] = ()
    ) -> MarketSource:
        """Return the source behind a connection.

        :param limiter: asked before each request; None: no limit is held.
        :raises ConfigurationError: the connection is wrong.
        """

    def keep_answers(self, _keeper: AnswerKeeper) -> None:  # noqa: B027 - most sources have nothing to keep
        """Take a keeper for what need not be asked for twice a day; a source without such questions needs none."""

    def doubt(self, _capability: Capability) -> None:  # noqa: B027 - as above
        """Give up what is kept of a capability: it is not to be believed, and the next run asks for it again."""

    def defer(self, capabilities: Iterable[Capability]) -> None:
        """Go on without capabilities whose limit is used up for hours; they are not asked for again."""
        self._deferred |= set(capabilities)

    def lacks(self, capability: Capability) -> bool:
        """Say whether the source does not offer a capability, has refused it, or has no room for it now."""
        return capability not in self.offers or capability in self._refused | self._deferred

    def is_deferred(self, capability: Capability) -> bool:
        """Say whether the source has a capability, but no room for it now."""
        return capability in self._deferred

    def has_room(self, capability: Capability, _session: date) -> bool:
        """Say whether the source gives a session's rows of a capability now; asking may use a call up."""
        return not self.lacks(capability)

    @property
    def absent(self) -> tuple[str, ...]:
        """What sessions lack, by its stored names, sorted; of refusals those that have happened so far."""
        return _stored(each for each in OF_A_SESSION if self.lacks(each))

    @property
    def deferred(self) -> tuple[str, ...]:
        """Of ``absent``, what the source carries, but has no room for now."""
        return _stored(OF_A_SESSION & self._deferred)

    def gave(self, capability: Capability, session: date) -> bool:
        """Say whether a session has what a capability gives: all of it, or what came before its limit was used up."""
        return not self.lacks(capability) or session in self._given.get(capability, ())

    def absent_on(self, session: date) -> tuple[str, ...]:
        """What a session lacks, by its stored names, sorted."""
        return _stored(each for each in OF_A_SESSION if not self.gave(each, session))

    def deferred_on(self, session: date) -> tuple[str, ...]:
        """Of ``absent_on``, what the source carries, but had no room for."""
        return tuple(name for name in self.absent_on(session) if name in self.deferred)

    @abstractmethod
    def bars(self, sessions: Sequence[date]) -> pl.DataFrame:
        """Return all bars of some sessions, whatever is wrong with them: columns of ``FETCHED_BARS``."""

    @abstractmethod
    def test(self) -> tuple[bool, str]:
        """Ask for as little as possible, and say whether it came and what it says."""

    def calendar(self, _first: date, _last: date) -> pl.DataFrame | None:
        """Return the calendar days of a range: columns of ``CALENDAR``."""
        return None

    def instruments(self) -> SourceRows | None:
        """Return the stocks of all list states: columns of ``INSTRUMENTS``."""
        return None

    def names(self) -> SourceRows | None:
        """Return the names over time of all stocks: columns of ``NAMES``."""
        return None

    def renames(self) -> SourceRows | None:
        """Return the codes that others took the place of: columns of ``RENAMES``."""
        return None

    def factors(self, _sessions: Sequence[date]) -> SourceRows | None:
        """Return the adjustment factors of some sessions: columns of ``FACTORS``."""
        return None

    def limits(self, _sessions: Sequence[date]) -> SourceRows | None:
        """Return the limit prices of some sessions: columns of ``LIMITS``."""
        return None

    def special(self, _sessions: Sequence[date]) -> pl.DataFrame | None:
        """Return ST periods of some sessions, where the bars' answers say them: ts_code, start_date, end_date."""
        return None

    def suspensions(self, _sessions: Sequence[date]) -> SourceRows | None:
        """Return the suspensions and resumptions of some sessions: columns of ``SUSPENSIONS``."""
        return None

    def facts(self, _capability: Capability, _sessions: Sequence[date]) -> SourceRows | None:
        """Return what the table of a feature group holds of some sessions: the columns of its ``FactTable``."""
        return None

    def index_bars(self, _index_code: str, _sessions: Sequence[date]) -> SourceRows | None:
        """Return an index's levels of some sessions: the columns of ``core.features.of_index.TABLE``."""
        return None

    def members(self, _index_code: str, _first: date, _last: date) -> SourceRows | None:
        """Return an index's lists of the days of a range: columns of ``MEMBERS``."""
        return None


def _stored(capabilities: Iterable[Capability]) -> tuple[str, ...]:
    return tuple(sorted(each.value for each in capabilities))
