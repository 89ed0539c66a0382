"""What came true of the forward record, and the record that is scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
from psycopg.rows import class_row

from ljwx.core.forward.settled import SETTLED
from ljwx.warehouse.base import stage, statement
from ljwx.warehouse.forward import ForwardVerbs

QUESTIONS = pl.Schema({"session": pl.Date(), "ts_code": pl.String(), "task": pl.String()})
OF_SESSION = pl.Schema(
    {
        "ts_code": pl.String(),
        "task": pl.String(),
        "label": pl.String(),
        "excess": pl.Float64(),
        "reason": pl.String(),
        "label_end": pl.Date(),
        "revision": pl.Int64(),
    }
)
CLAIMS = pl.Schema({"session": pl.Date(), "digest": pl.String(), "claims": pl.Int64(), "claims_right": pl.Int64()})


@dataclass(frozen=True)
class SavedOutcomes:
    """Questions that were settled, and those that corrections settled anew."""

    new: int
    revised: int


@dataclass(frozen=True)
class StockAnswer:
    """What a model said about a stock, and the class that came true; ``reason``: why no outcome will ever be."""

    session: date
    task: str
    answerer: str
    probabilities: Mapping[str, float] | None
    late: bool
    came: str | None
    reason: str | None


@dataclass(frozen=True)
class KnownMonth:
    """A month of the record, ``2026-11``.

    :param known_at: when the newest outcome of its sessions was written; None while there is none.
    :param revised: questions whose outcome a correction of bars changed.
    """

    month: str
    known_at: datetime | None
    revised: int


@dataclass(frozen=True)
class RecordState:
    """What the record as it is known rests on: while it stays the same, so does the record.

    :param batches: sessions that were asked about; ``digest``: of the newest sealed one.
    :param last: the newest complete session; ``settled``: the newest moment whose bars a session was settled with.
    :param levels: when the newest level of an index was first seen.
    """

    batches: int
    digest: str | None
    last: date | None
    settled: datetime | None
    levels: datetime | None


class ForwardOutcomesVerbs(ForwardVerbs):
    """Verbs of what came true, beside those of the record itself."""

    def sessions_to_settle(self) -> list[date]:
        """Return sessions of the record with open questions whose horizon may be over, or whose bars have changed."""
        return self.column("forward_outcomes/due")

    def forward_questions(self, sessions: Sequence[date]) -> pl.DataFrame:
        """Return session, ts_code and task of all questions that anyone has answered."""
        return self.frame("forward_outcomes/questions", QUESTIONS, sessions=list(sessions))

    def session_outcomes(self, session: date) -> pl.DataFrame:
        """Return what came true of the questions about a session, as it is known now: an OF_SESSION frame."""
        return self.frame("forward_outcomes/of_session", OF_SESSION, session=session)

    def forward_months(self) -> list[KnownMonth]:
        """Return the months that have a batch, in order."""
        return self.records(KnownMonth, "forward_outcomes/months")

    def save_outcomes(
        self, run_key: int, known_at: datetime, sessions: Sequence[date], outcomes: pl.DataFrame
    ) -> SavedOutcomes:
        """Write outcomes that are new, and a revision of each that differs from the one before.

        :param known_at: of the bars that they were made of.
        :param sessions: those that were settled, with or without outcomes.
        :param outcomes: OUTCOMES frame.
        """
        values = {"run_key": run_key, "known_at": known_at, "sessions": list(sessions)}
        with self.transaction() as connection:
            stage(connection, "forward_outcomes", outcomes, ("session", "ts_code", "task"))
            with connection.cursor(row_factory=class_row(SavedOutcomes)) as cursor:
                (found,) = cursor.execute(statement("forward_outcomes/add"), values).fetchall()
            connection.execute(statement("forward_outcomes/settled"), values)
        return found

    def forward_claims(self, line_id: str) -> pl.DataFrame:
        """Return claims and claims_right of a line's answers in full, those that count, by session and digest."""
        return self.frame("forward_outcomes/claims", CLAIMS, line_id=line_id)

    def stock_answers(self, codes: Sequence[str], first: date) -> list[StockAnswer]:
        """Return what models said about one stock, under any of its codes, from a session on."""
        return self.records(StockAnswer, "forward_outcomes/of_stock", codes=list(codes), first=first)

    def record_state(self) -> RecordState:
        """Return what the record as it is known now rests on."""
        (found,) = self.records(RecordState, "forward_outcomes/state")
        return found

    def settled_sessions(self) -> dict[date, datetime]:
        """Return the sealed sessions that were settled, and the moment of whose bars: what is known of them since."""
        return self.mapping("forward_outcomes/sessions")

    def settled_record(
        self,
        first: date = date.min,
        *,
        by_line: bool = False,
        names: Sequence[str] | None = None,
        sessions: Sequence[date] | None = None,
    ) -> pl.DataFrame:
        """Return the answers from a session on beside what came true, as it is known now: a SETTLED frame.

        :param names: of the answerers; None for all.
        :param sessions: these alone; None for all.
        :param by_line: the answerer of a model is its line, so that a newer model goes on where an older one ended; of
            a question that several of its models answered, what came first stands first.
        """
        of_batch = [(each.session, each.horizon, each.meaning) for each in self.forward_batches()]
        batches = pl.DataFrame(
            of_batch, {name: SETTLED[name] for name in ("session", "horizon", "meaning")}, orient="row"
        )
        stored = {name: kind for name, kind in SETTLED.items() if name == "session" or name not in batches.columns}
        schema = {name: pl.String() if name in ("late", "probabilities") else kind for name, kind in stored.items()}
        frame = self.frame(
            "forward_outcomes/record",
            schema,
            first=first,
            by_line=by_line,
            names=None if names is None else [*names],
            sessions=None if sessions is None else [*sessions],
        )
        said = pl.col("probabilities").str.split("|").cast(SETTLED["probabilities"])
        read = frame.with_columns(late=pl.col("late") == "t", probabilities=said)
        return read.join(batches, on="session", how="left", maintain_order="left")
