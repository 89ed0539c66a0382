"""What the stage `ingest` asks of every source of market data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
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


class MarketSource(ABC):
    """A source of market data: bars, and what else it declares in `offers`, in the frames of ``core.bars.canonical``.

    The method of a capability returns None where the source lacks it. Days come in time order and at least one.

    :param refused: capabilities that the server is known to refuse to this connection; they are not asked for again.
    """

    offers: ClassVar[frozenset[Capability]]
    """What the source gives besides bars to those who may ask for everything."""

    def __init__(self, refused: Iterable[Capability] = ()) -> None:
        self._refused = set(refused)

    @classmethod
    @abstractmethod
    def of_connection(
        cls, connection: Connection, limiter: RateLimiter | None = None, refused: Iterable[Capability] = ()
    ) -> MarketSource:
        """Return the source behind a connection.

        :param limiter: asked before each request; None: no limit is held.
        :raises ConfigurationError: the connection is wrong.
        """

    def lacks(self, capability: Capability) -> bool:
        """Say whether the source does not offer a capability, or has refused it."""
        return capability not in self.offers or capability in self._refused

    @property
    def absent(self) -> tuple[str, ...]:
        """What sessions lack, by its stored names, sorted; of refusals those that have happened so far."""
        return tuple(sorted(capability.value for capability in OF_A_SESSION if self.lacks(capability)))

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

    def factors(self, _sessions: Sequence[date]) -> SourceRows | None:
        """Return the adjustment factors of some sessions: columns of ``FACTORS``."""
        return None

    def limits(self, _sessions: Sequence[date]) -> SourceRows | None:
        """Return the limit prices of some sessions: columns of ``LIMITS``."""
        return None

    def suspensions(self, _sessions: Sequence[date]) -> SourceRows | None:
        """Return the suspensions and resumptions of some sessions: columns of ``SUSPENSIONS``."""
        return None

    def members(self, _index_code: str, _first: date, _last: date) -> SourceRows | None:
        """Return an index's lists of the days of a range: columns of ``MEMBERS``."""
        return None
