"""Lines of models: what each session says about a pair of them, how often one looked, what error rate was spent."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final, Literal

from psycopg.types.json import Jsonb

from ljwx.core.evidence import Budget, Counted, Stake
from ljwx.core.evidence.gathering import Made, Said
from ljwx.core.evidence.sessions import VALIDATION, Source
from ljwx.core.lines import Line
from ljwx.warehouse.base import WarehouseBase, statement

Statistic = Literal["rank_ic", "brier", "log"]
Use = Literal["promoted"]

NOTHING: Final = "none"
"""The rival of a line that is judged by itself: a RankIC of 0."""
CLASS_RATES: Final = "class_rates"
"""The rival that says the class rates of the train period."""
STAKES_LOCK = "SELECT pg_advisory_xact_lock(hashtext('ljwx.line_stakes'))"


@dataclass(frozen=True)
class KnownLine:
    """A line that the warehouse knows.

    :param closed_at: when it ceased to challenge; None while it does.
    """

    line_id: str
    strategy: str
    recipe: Line
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True)
class NewestModel:
    """The newest model of an open line.

    :param last_session: of the dataset that it was made from.
    :param verdict: of the newest decision about it; None before one.
    """

    line_id: str
    model: str
    digest: str
    dataset_id: str
    last_session: date
    verdict: str | None


@dataclass(frozen=True)
class SessionEvidence:
    """What one session says about a line and its rival.

    :param rival: a line_id, `none` or `class_rates`.
    :param value: challenger less rival, positive where the challenger is better.
    :param bound: the largest value that was possible, known before the outcome.
    :param label_end: the session at whose close the outcome was known.
    :param source: who asked about the session.
    :param days: of a RankIC, the differences on each of the h days after the session; None where they are not known.
    """

    challenger: str
    rival: str
    session: date
    task: str
    statistic: Statistic
    value: float
    bound: float
    stocks: int
    label_end: date
    challenger_model: str
    rival_model: str | None
    source: Source = VALIDATION
    days: Sequence[float] | None = None


@dataclass(frozen=True)
class Given:
    """The error rate that a line has to challenge a rival with, from a session on.

    :param used_by: the decision that promoted the line by it; None while it holds.
    :param by_day: RankICs are added up by the days after sessions; else session by session in turn.
    """

    challenger: str
    rival: str
    session: date
    alpha: float
    used_by: int | None = None
    by_day: bool = False

    def holds(self, challenger: str, rival: str) -> bool:
        """Tell whether a pair challenges with it."""
        return (self.challenger, self.rival, self.used_by) == (challenger, rival, None)


class LinesVerbs(WarehouseBase):
    """Verbs of lines and of the evidence that belongs to them."""

    def open_line(self, run_key: int, line: Line, model: str) -> str:
        """Write a line, or open it again, and let a model belong to it; return its line_id."""
        recipe = Jsonb(line.model_dump(mode="json"))
        values = {"line_id": line.line_id, "strategy": line.strategy, "recipe": recipe, "run_key": run_key}
        with self.transaction() as connection:
            connection.execute(statement("lines/add"), values)
            connection.execute(statement("lines/set_model"), {"line_id": line.line_id, "model": model})
        return line.line_id

    def keep_line(self, run_key: int, line: Line, model: str | None = None) -> str:
        """Write a line that challenges nobody, and let a model of before belong to it; return its line_id.

        A line that is known stays as it is.
        """
        recipe = Jsonb(line.model_dump(mode="json"))
        values = {"line_id": line.line_id, "strategy": line.strategy, "recipe": recipe, "run_key": run_key}
        with self.transaction() as connection:
            connection.execute(statement("lines/keep"), values)
            if model is not None:
                connection.execute(statement("lines/set_model"), {"line_id": line.line_id, "model": model})
        return line.line_id

    def close_line(self, line_id: str) -> None:
        """Let a line challenge no longer; its evidence stays."""
        self.execute("lines/close", line_id=line_id)

    def lines(self) -> list[KnownLine]:
        """Return all lines, the first opened first."""
        return self.records(_known_line, "lines/all")

    def newest_models(self) -> list[NewestModel]:
        """Return of each open line the model of the newest data that passed its verification."""
        return self.records(NewestModel, "lines/newest_models")

    def last_tried(self, run_id: str) -> dict[str, date]:
        """Return by line the last session of the newest data that a model was made from, or was to be made from.

        :param run_id: of the run that asks: what it planned itself does not count.
        """
        return self.mapping("lines/last_tried", run_id=run_id)

    def opened_on(self, line_id: str) -> date | None:
        """Return the newest session that was there when a line's first model was made; None without a model."""
        (session,) = self.column("lines/opened_on", line_id=line_id)
        return session  # type: ignore[no-any-return]

    def note_proof(self, line_id: str, proven: bool) -> None:
        """Record what was last found out about a line by itself."""
        self.execute("lines/note_proof", line_id=line_id, proven=proven)

    def made_of(self, line_id: str, model: str, *, holds: bool = True) -> list[Made]:
        """Return the models of a line that count for it, the newest data first: verified, and above the floors.

        :param model: the one that is being judged, or serves, and `holds`: whether it is above the floors now.
        """
        return self.records(Made, "lines/made", line_id=line_id, model=model, holds=holds)

    def said_by(self, models: Sequence[Made], tasks: Collection[str], since: date, until: date) -> list[Said]:
        """Return what models said to questions of some tasks and sessions whose outcomes were known.

        :param until: the session at whose close one looks.
        """
        return self.records(
            Said, "lines/said", models=[each.model for each in models], digests=[each.digest for each in models],
            tasks=list(tasks), since=since, until=until,
        )  # fmt: skip

    def said_in_record(
        self, models: Sequence[Made], tasks: Collection[str], sessions: Sequence[date], until: date
    ) -> list[Said]:
        """Return what models said in the forward record, of those of some sessions that count.

        A session counts for a model that answered all its questions in time, where it was sealed before its deadline
        and every outcome is known. One whose outcomes are still to come holds up those after it, for at most twice as
        long as they can take, so that sessions are noted in their order.

        :param until: the session at whose close one looks.
        """
        return self.records(
            Said, "lines/said_in_record", models=[each.model for each in models],
            digests=[each.digest for each in models], tasks=list(tasks), sessions=list(sessions), until=until,
        )  # fmt: skip

    def uses(self, *line_ids: str) -> set[date]:
        """Return the sessions on which one of these lines was promoted."""
        return set(self.column("lines/uses", line_ids=list(line_ids)))

    def note_use(self, run_key: int, line_id: str, sessions: Collection[date], why: Use) -> None:
        """Record that a line was promoted on sessions: they never count for it again."""
        self.execute("lines/add_use", run_key=run_key, line_id=line_id, sessions=sorted(sessions), why=why)

    def save_evidence(self, run_key: int, evidence: Sequence[SessionEvidence]) -> int:
        """Write what sessions say; return of how many it was new. What was noted first of a session stays.

        Sessions are noted in their order: what comes later about one before those that are noted does not count, since
        looks that were taken would have been others with it. Each statistic has its own order: scores may be known of a
        session before its returns are.
        """
        pairs = {(each.challenger, each.rival) for each in evidence}
        last = {pair: self._last_noted(*pair) for pair in pairs}
        later = [
            each for each in evidence if each.session > last[each.challenger, each.rival].get(each.statistic, date.min)
        ]
        with self.transaction() as connection:
            return sum(
                connection.execute(statement("lines/add_evidence"), vars(each) | {"run_key": run_key}).rowcount
                for each in later
            )

    def evidence(self, challenger: str, rival: str, task: str, statistic: Statistic) -> list[Counted]:
        """Return the sessions that count for a pair, in their order.

        They are those since it was given the error rate that it has, but for those on which one of both was promoted.
        """
        return self.records(
            Counted, "lines/evidence", challenger=challenger, rival=rival, task=task, statistic=statistic
        )

    def noted(self, challenger: str, rival: str) -> tuple[date, date] | None:
        """Return the first and last session of which was noted what it says about a pair; None before one was."""
        first, last = self.column("lines/noted", challenger=challenger, rival=rival)
        return None if first is None else (first, last)

    def last_ranked(self, challenger: str, rival: str) -> date | None:
        """Return the newest session of which a RankIC was noted of a pair; None before one was."""
        return self._last_noted(challenger, rival).get("rank_ic")

    def _last_noted(self, challenger: str, rival: str) -> dict[Statistic, date]:
        return self.mapping("lines/last_noted", challenger=challenger, rival=rival)

    def last_evidence(self) -> dict[str, float]:
        """Return by line the natural logarithm of its evidence at its newest look at another line."""
        return self.mapping("lines/last_evidence")

    def stakes(self) -> list[Given]:
        """Return what error rates were given, the first first."""
        return self.records(Given, "lines/stakes")

    def give_stake(
        self, run_key: int, challenger: str, rival: str, session: date, budget: Budget, calendar: Sequence[date]
    ) -> Given | None:
        """Give a line its part of the error rate to challenge a rival with; None: nothing is left.

        It keeps the first until it is promoted by it. Should it challenge the same rival again, as after a rollback,
        it is given another part, and what counts begins with the newest session.

        Those who ask at the same time are given theirs one after the other. Those who challenge lines share one error
        rate; those who are held against nothing, or against class rates, share one each. RankICs are added up by days
        from then on where those of the newest session noted are known.

        :param session: the pair's evidence begins with it, or where nothing was left at the time, with the newest one.
        :param calendar: all sessions up to the newest, in their order.
        """
        with self.transaction() as connection:
            connection.execute(STAKES_LOCK)
            known = self.stakes()
            found = next((each for each in known if each.holds(challenger, rival)), None)
            if found is not None:
                return found
            again = any((each.challenger, each.rival) == (challenger, rival) for each in known)
            position = {day: at for at, day in enumerate(calendar)}
            alike = [each for each in known if kind_of(each.rival) == kind_of(rival)]
            before = [Stake(position[each.session], each.alpha) for each in alike if each.session in position]
            for begins in (calendar[-1],) if again else (session, calendar[-1]):
                given = Given(challenger, rival, begins, budget.stake(before, position[begins]).alpha)
                if given.alpha > 0:
                    row = connection.execute(statement("lines/add_stake"), vars(given) | {"run_key": run_key})
                    return replace(given, by_day=bool(row.fetchall()[0]["by_day"]))
        return None

    def note_look(
        self, run_key: int, challenger: str, rival: str, session: date, sessions: int, log_evidence: float
    ) -> int:
        """Record a look at a pair's evidence, one for each session at whose close one looks; return how many there are.

        :param sessions: how many counted.
        """
        values: dict[str, Any] = {"challenger": challenger, "rival": rival}
        self.execute(
            "lines/add_look", **values, session=session, sessions=sessions, log_evidence=log_evidence, run_key=run_key
        )
        (looks,) = self.column("lines/looks", **values)
        return int(looks)


def kind_of(rival: str) -> str | None:
    """Return what a line claims against a rival: None to be better than another line."""
    return rival if rival in (NOTHING, CLASS_RATES) else None


def _known_line(recipe: dict[str, Any], **line: Any) -> KnownLine:
    return KnownLine(recipe=Line.model_validate(recipe), **line)
