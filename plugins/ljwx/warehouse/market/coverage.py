"""How whole the market's data are: session by session, by reason of refusal, and by what is computed from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ljwx.warehouse.market.facts import FactsVerbs


@dataclass(frozen=True)
class CoveredDay:
    """A session that was fetched, and how whole it is; stocks and rows are counted.

    :param absent: stored names of the capabilities that its source lacked; ``deferred``: those of them that it has, but
        had no room for.
    :param complete_from: when it was complete for the first time; None where it never was.
    """

    session: date
    complete: bool
    expected: int
    received: int
    quarantined: int
    missing: int
    unfactored: int
    absent: Sequence[str]
    deferred: Sequence[str]
    complete_from: datetime | None


@dataclass(frozen=True)
class RefusedRows:
    """Rows in quarantine for one reason; their first and last session, None where the rows name none."""

    reason: str
    rows: int
    sessions: int
    first: date | None
    last: date | None


@dataclass(frozen=True)
class WrittenState:
    """How much was written: while it stays the same, so does everything that is read."""

    runs: int
    finished_at: datetime | None


class CoverageVerbs(FactsVerbs):
    """Verbs for people who ask what is there; they only read."""

    def covered_days(self) -> list[CoveredDay]:
        """Return each session that was fetched, sorted."""
        return self.records(CoveredDay, "coverage/days")

    def refused_rows(self) -> list[RefusedRows]:
        """Return how many rows are in quarantine for each reason, the most frequent first."""
        return self.records(RefusedRows, "coverage/quarantine")

    def computed_sessions(self, feature_version: str) -> list[date]:
        """Return the complete sessions whose features are there, sorted."""
        return self.column("coverage/computed", feature_version=feature_version)

    def written_state(self) -> WrittenState:
        """Return what a page rests on that shows what was written."""
        (found,) = self.records(WrittenState, "coverage/state")
        return found
