"""The part of a run's sessions that one task fetches, and how Airflow carries it from one task to the next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from ljwx.core.bars import Capability


@dataclass(frozen=True)
class Chunk:
    """The sessions of one month, from the first to the last.

    :param refused: capabilities that the source has refused already.
    """

    first: date
    last: date
    refused: tuple[Capability, ...] = ()

    @classmethod
    def of_xcom(cls, given: dict[str, str]) -> Chunk:
        """Read what ``as_xcom`` wrote."""
        return _read(**given)

    def as_xcom(self) -> dict[str, str]:
        """Write ``first``, ``last`` (YYYY-MM-DD) and, where anything was refused, ``absent``: its names with commas."""
        absent = ",".join(capability.value for capability in self.refused)
        return {"first": f"{self.first}", "last": f"{self.last}"} | ({"absent": absent} if absent else {})


def _read(first: str, last: str, absent: str = "") -> Chunk:
    refused = tuple(Capability(name) for name in absent.split(",") if name)
    return Chunk(date.fromisoformat(first), date.fromisoformat(last), refused)


def by_month(sessions: Sequence[date], refused: Iterable[str] = ()) -> list[Chunk]:
    """Cut sorted sessions into months.

    :param refused: stored names of capabilities.
    """
    known = tuple(Capability(name) for name in refused)
    months = (list(month) for _, month in groupby(sessions, key=lambda session: (session.year, session.month)))
    return [Chunk(month[0], month[-1], known) for month in months]
