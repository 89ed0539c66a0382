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

    :param absent: capabilities that the source does not give: it lacks them, has refused them, or has no room for them.
    :param deferred: those of them that it has no room for now.
    :param catch_up: earlier sessions that the run makes up for; it does not fail where one stays incomplete.
    :param late: complete earlier sessions that lack something, sorted; asked for after those of the chunk.
    """

    first: date
    last: date
    absent: tuple[Capability, ...] = ()
    deferred: tuple[Capability, ...] = ()
    catch_up: bool = False
    late: tuple[date, ...] = ()

    @classmethod
    def of_xcom(cls, given: dict[str, str]) -> Chunk:
        """Read what ``as_xcom`` wrote."""
        return _read(**given)

    def as_xcom(self) -> dict[str, str]:
        """Write ``first`` and ``last`` (YYYY-MM-DD), and what there is of the rest, lists with commas between."""
        lists = {
            "absent": _names(self.absent), "deferred": _names(self.deferred), "late": ",".join(map(str, self.late)),
        }  # fmt: skip
        marks = {**lists, "catch_up": "yes" if self.catch_up else ""}
        return {"first": f"{self.first}", "last": f"{self.last}"} | {name: text for name, text in marks.items() if text}


def _names(capabilities: Iterable[Capability]) -> str:
    return ",".join(capability.value for capability in capabilities)


def _read(first: str, last: str, absent: str = "", deferred: str = "", catch_up: str = "", late: str = "") -> Chunk:
    lacking, for_now = (_capabilities(filter(None, names.split(","))) for names in (absent, deferred))
    days = tuple(date.fromisoformat(day) for day in filter(None, late.split(",")))
    return Chunk(date.fromisoformat(first), date.fromisoformat(last), lacking, for_now, bool(catch_up), days)


def _capabilities(names: Iterable[str]) -> tuple[Capability, ...]:
    return tuple(Capability(name) for name in names)


def by_month(
    sessions: Sequence[date], absent: Iterable[str] = (), deferred: Iterable[str] = (), *, catch_up: bool = False
) -> list[Chunk]:
    """Cut sorted sessions, between which none is left out, into months.

    :param absent, deferred: stored names of capabilities.
    """
    lacking, for_now = _capabilities(absent), _capabilities(deferred)
    months = (list(month) for _, month in groupby(sessions, key=lambda session: (session.year, session.month)))
    return [Chunk(month[0], month[-1], lacking, for_now, catch_up) for month in months]
