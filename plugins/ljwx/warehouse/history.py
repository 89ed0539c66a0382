"""What was built and decided over time, and how the database and its days stand now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.errors import UndefinedTable
from psycopg.rows import class_row

from ljwx.core.lineage import OfRun
from ljwx.warehouse.base import WarehouseBase, statement


@dataclass(frozen=True)
class Build:
    """A model, the newest decision on it, and the overall part of its scorecard.

    :param proven: whether it was shown that the model's line is any good; None where nobody asked.
    :param evidence: what that rests on, as JSON; None where nothing was weighed.
    :param against: the champion that the decision compared it with.
    :param refused_for: what a refused model lacks; None of any other decision.
    :param overall: as JSON; None where nothing was scored.
    """

    model: str
    created_at: datetime
    strategy: str
    base: str
    dataset_id: str
    deleted_at: datetime | None
    promotion_id: int | None
    verdict: str | None
    promoted: bool | None
    against: str | None
    decided_at: datetime | None
    refused_for: str | None
    overall: Mapping[str, Any] | None
    evaluation_id: int | None
    proven: bool | None = None
    evidence: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class PastVerdict:
    """A decision about a model.

    :param against: the model that it was compared with.
    :param reasons: each with code, text and favourable, as JSON.
    """

    promotion_id: int
    model: str
    against: str | None
    verdict: str
    promoted: bool
    proven: bool | None
    decided_at: datetime
    reasons: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class ScoredPart:
    """The main numbers of one answerer in a model's scorecards.

    :param answerer: ``model``, or a rival on the same questions.
    :param part: ``overall``, or a task.
    :param low: bound of the accuracy; None, like `high`, where the sessions are too few.
    """

    model: str
    created_at: datetime
    answerer: str
    part: str
    n: int
    accuracy: float
    low: float | None
    high: float | None
    brier: float | None
    ece: float | None
    rank_ic: float | None


@dataclass(frozen=True)
class UnfinishedRun(OfRun):
    """A task instance that began to write and did not finish."""

    started_at: datetime


@dataclass(frozen=True)
class CommonQuestions:
    """A question set that two models answered, and the evaluation_id of each."""

    question_set_id: str
    first: int
    second: int


@dataclass(frozen=True)
class MissingBar:
    """Why a stock may have no bar on a session: it was suspended, or its row was refused for these reasons."""

    suspended: bool
    refused: Sequence[str] | None


@dataclass(frozen=True)
class Server:
    """The database server: its version, its clock, and whether a pooler gives us sessions of its own."""

    version: str
    now: datetime
    pooled: bool


@dataclass(frozen=True)
class Rights:
    """What the role may do.

    :param temporary: make temporary tables; `creates`: make tables in the schema, or the schema where there is none.
    :param owns: every table that is there is its own.
    """

    role: str
    temporary: bool
    creates: bool
    owns: bool


@dataclass(frozen=True)
class IndexLists:
    """How an index's lists cover the complete sessions.

    :param lists: how many there are; `newest`: the day of the newest.
    :param sessions: complete ones; `without`: those that have no valid list.
    :param last: the last complete session; `last_listed`: the last that has a valid list.
    """

    lists: int
    newest: date | None
    sessions: int
    without: int
    last: date | None
    last_listed: date | None


class HistoryVerbs(WarehouseBase):
    """Verbs for people who ask how things stand; they only read."""

    def builds(self, newest: int) -> list[Build]:
        """Return the newest builds, newest first."""
        return self.records(Build, "history/builds", newest=newest)

    def past_verdicts(self, newest: int) -> list[PastVerdict]:
        """Return the newest decisions, newest first."""
        return self.records(PastVerdict, "history/decisions", newest=newest)

    def scored_parts(self, newest: int) -> list[ScoredPart]:
        """Return the main numbers in the scorecards of so many newest models, oldest model first."""
        return self.records(ScoredPart, "history/scores", newest=newest)

    def unfinished_runs(self, newest: int) -> list[UnfinishedRun]:
        """Return the task instances of the last 30 days that began to write and did not finish, newest first."""
        return self.records(UnfinishedRun, "history/unfinished_runs", newest=newest)

    def common_questions(self, first: str, second: str) -> CommonQuestions | None:
        """Return the newest question set that two models answered."""
        return self.record(CommonQuestions, "history/common_question_set", first=first, second=second)

    def scorecards(self, evaluation_ids: Sequence[int]) -> Mapping[str, Any] | None:
        """Return the newest scorecards, by name, of evaluations of one question set; None before one was decided on."""
        found = self.column("history/scorecards", evaluation_ids=list(evaluation_ids))
        return found[0] if found else None

    def missing_bar(self, ts_code: str, session: date) -> MissingBar:
        """Return why a stock may have no bar on a session."""
        (found,) = self.records(MissingBar, "history/missing_bar", ts_code=ts_code, session=session)
        return found

    def index_lists(self, index_code: str, valid_days: int) -> IndexLists:
        """Return how an index's lists cover the complete sessions, for a list that is valid so many days."""
        (found,) = self.records(IndexLists, "history/index_lists", index_code=index_code, valid_days=valid_days)
        return found

    def absent_interfaces(self) -> list[str] | None:
        """Return what the last session was fetched without, perhaps for now; None before the first session."""
        found = self.column("history/absent_interfaces")
        return list(found[0]) if found else None

    def server(self) -> Server:
        """Return the database server's version and clock, and whether a pooler is in between.

        A pooler names another session at login than the one that then answers.
        """
        with self.transaction() as connection, connection.cursor(row_factory=class_row(Server)) as cursor:
            session = {"session": connection.info.backend_pid}
            (found,) = cursor.execute(statement("history/server"), session).fetchall()
        return found

    def rights(self) -> Rights:
        """Return what the role may do."""
        (found,) = self.records(Rights, "history/rights")
        return found

    def schema_version(self) -> str | None:
        """Return the migration that the tables are at; None before the first."""
        try:
            found = self.column("history/schema_version")
        except UndefinedTable:
            return None
        return found[0] if found else None
