"""The forward record: batches of answers that the database dates, seals and never changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.errors import CheckViolation, RestrictViolation
from psycopg.rows import kwargs_row, scalar_row
from psycopg.types.json import Jsonb

from ljwx.core.forward.chain import Answer, Batch, digest_of, header_of
from ljwx.exceptions import DeadlinePassed, LjwxError, RecordUnfinished
from ljwx.warehouse.base import WarehouseBase, statement

REFUSED = ("forward_batches_open", "forward_batches_over", "forward_batches_next")
CLOCK_BACK = "forward_clock_back"
SEAL_LOCK = "SELECT pg_advisory_xact_lock(hashtext('ljwx.forward_batches'))"


@dataclass(frozen=True)
class NewBatch:
    """A session that is about to be asked about.

    :param deadline: 09:15 in Shanghai of the next session.
    :param dataset_id: whose `spec` (JSON) and `fit` (numbers of the train split) say what each class means.
    """

    session: date
    deadline: datetime
    dataset_id: str
    spec: Mapping[str, Any]
    fit: Mapping[str, Any]


@dataclass(frozen=True)
class Answered:
    """Who has answered which question of a session.

    :param digest: of the model; None of a rule.
    """

    ts_code: str
    task: str
    answerer: str
    digest: str | None


@dataclass(frozen=True)
class NewAnswer:
    """An answer as it is written; the database dates it. Parameters as of :class:`ljwx.core.forward.chain.Answer`.

    :param server: connection id of the server that answered, and `latency_s` the seconds it took; None of a rule.
    :param claims: numbers and signals that an answer in full claims, and `claims_right` those that its snapshot holds.
    """

    session: date
    ts_code: str
    task: str
    answerer: str
    digest: str | None
    line_id: str | None
    snapshot_sha256: str
    classes: Sequence[str]
    probabilities: Mapping[str, float] | None
    answer: str | None = None
    reason: str | None = None
    server: str | None = None
    latency_s: float | None = None
    claims: int | None = None
    claims_right: int | None = None

    @property
    def key(self) -> Answered:
        """What it answers, and who."""
        return Answered(self.ts_code, self.task, self.answerer, self.digest)


@dataclass(frozen=True)
class Written:
    """When an answer was written by the database's clock, and whether that was late."""

    answered_at: datetime
    late: bool


@dataclass(frozen=True)
class ForwardModel:
    """A model that answers for the record.

    :param line_id: the line that it belongs to; None of the untuned base.
    """

    model: str
    digest: str
    line_id: str | None


@dataclass(frozen=True)
class RecordedAnswer:
    """What a model said to one question about a stock: as of :class:`NewAnswer`, with when it was written."""

    task: str
    snapshot_sha256: str
    probabilities: Mapping[str, float] | None
    answer: str | None
    reason: str | None
    answered_at: datetime
    late: bool


@dataclass(frozen=True)
class ForwardCall:
    """How likely a model took each class of a question about a stock."""

    task: str
    ts_code: str
    probabilities: Mapping[str, float]


@dataclass(frozen=True)
class ForwardPace:
    """How long answers of models took in the newest batch that has any.

    :param class_s: seconds of an answer of the class alone, and `full_s` in full; None where there was none.
    :param classes: answers of the class alone, and `in_full` the others, about so many `stocks`.
    :param ours: models that belong to a line; `bases`: the others.
    """

    class_s: float | None
    full_s: float | None
    classes: int
    in_full: int
    stocks: int
    ours: int
    bases: int


class ForwardVerbs(WarehouseBase):
    """Verbs of the forward record."""

    def forward_clock(self) -> datetime:
        """Return the time that the record goes by: the database's."""
        (moment,) = self.column("forward/clock")
        return moment  # type: ignore[no-any-return]

    def forward_batches(self) -> list[Batch]:
        """Return all batches in the order of their sessions."""
        return self.records(Batch, "forward/batches")

    def forward_batch(self, session: date) -> Batch | None:
        """Return the batch of a session; None where it was not asked about."""
        return self.record(Batch, "forward/batch", session=session)

    def open_batch(self, run_key: int, batch: NewBatch) -> Batch:
        """Begin to ask about a session; a batch that is there stays as it was opened.

        :raises DeadlinePassed: there is none, and by the database's clock it is too late, or the session is not over;
            or the deadline is later than the next session.
        """
        values = vars(batch) | {"spec": Jsonb(batch.spec), "fit": Jsonb(batch.fit), "run_key": run_key}
        if self.forward_batch(batch.session) is None:
            try:
                self.execute("forward/open", **values)
            except CheckViolation as error:
                if error.diag.constraint_name not in REFUSED:
                    raise
                raise DeadlinePassed(str(error.diag.message_primary)) from None
        found = self.forward_batch(batch.session)
        if found is None:
            raise RuntimeError(f"the batch of {batch.session} was opened and is not there")
        return found

    def forward_answered(self, session: date) -> set[Answered]:
        """Return which questions of a session have an answer, and whose."""
        return set(self.records(Answered, "forward/answered", session=session))

    def save_forward_answer(self, run_key: int, answer: NewAnswer) -> Written | None:
        """Write an answer as soon as it came, and return when that was. None: there was one, and that stays.

        :raises DeadlinePassed: the batch, or a later one, is sealed by now; or the deadline came before the commit.
        :raises RecordUnfinished: the clock of the database went back to before the batch was opened.
        """
        try:
            return self.record(Written, "forward/add_answer", **_values(answer), run_key=run_key)
        except RestrictViolation as error:
            raise _refused(error) from None

    def save_forward_rules(self, session: date, run_key: int, answers: Sequence[NewAnswer]) -> bool:
        """Write what all rules say about a session, as a whole: from then on its stocks are chosen.

        :return: False where another run has chosen them meanwhile, and nothing was written.
        :raises LjwxError: as of :meth:`save_forward_answer`.
        """
        try:
            with self.transaction() as connection:
                connection.execute(statement("forward/lock"), {"session": session})
                if connection.execute(statement("forward/stocks"), {"session": session}).rowcount:
                    return False
                rows = [_values(answer) | {"run_key": run_key} for answer in answers]
                connection.cursor().executemany(statement("forward/add_answer"), rows)
        except RestrictViolation as error:
            raise _refused(error) from None
        return True

    def forward_stocks(self, session: date) -> list[str]:
        """Return the stocks that a session is asked about, sorted; none before the rules have answered."""
        return self.column("forward/stocks", session=session)

    def forward_models(self, session: date) -> list[ForwardModel]:
        """Return the models that have answered about a session."""
        return self.records(ForwardModel, "forward/models", session=session)

    def forward_answers(self, session: date) -> list[Answer]:
        """Return the answers about a session in the order of the record."""
        return self.records(Answer, "forward/answers", session=session)

    def recorded_answers(self, session: date, codes: Sequence[str], model: str, digest: str) -> list[RecordedAnswer]:
        """Return what a model said about one stock, under any of its codes, as of a session."""
        values = {"session": session, "codes": list(codes), "model": model, "digest": digest}
        return self.records(RecordedAnswer, "forward/of_stock", **values)

    def forward_calls(self, session: date, model: str, digest: str) -> list[ForwardCall]:
        """Return what a model said of all stocks of a session, by task and stock."""
        return self.records(ForwardCall, "forward/calls", session=session, model=model, digest=digest)

    def seal_batch(self, session: date) -> Batch | None:
        """Seal the batch of a session with the answers that it has, and chain it to the one before.

        One that is sealed stays as it is; None: there is no batch, or nobody has answered.

        :raises RecordUnfinished: the clock of the database went back to before the batch was opened.
        """
        try:
            self._seal(session)
        except RestrictViolation as error:
            if error.diag.constraint_name != CLOCK_BACK:
                raise
            raise _refused(error) from None
        found = self.forward_batch(session)
        return found if found is not None and found.digest is not None else None

    def _seal(self, session: date) -> None:
        with self.transaction() as connection:
            connection.execute(SEAL_LOCK)
            waits = connection.execute(statement("forward/lock"), {"session": session}).rowcount
            batch = self.forward_batch(session)
            if batch is not None and waits:
                with connection.cursor(row_factory=kwargs_row(Answer)) as cursor:
                    answers = cursor.execute(statement("forward/answers"), {"session": session}).fetchall()
                with connection.cursor(row_factory=scalar_row) as cursor:
                    previous = cursor.execute(statement("forward/head")).fetchone()
                digest = digest_of(header_of(batch, previous), (answer.texts for answer in answers))
                values = {"session": session, "answers": len(answers), "digest": digest, "previous": previous}
                if answers:
                    connection.execute(statement("forward/seal"), values)

    def batches_left_open(self) -> list[date]:
        """Return sessions with answers that can still be sealed, and whose deadline has passed."""
        return self.column("forward/left_open")

    def note_published(self, session: date) -> None:
        """Record that an alert channel has taken the digest of a session's batch."""
        self.execute("forward/publish", session=session)

    def forward_pace(self) -> ForwardPace:
        """Return how long answers of models took last."""
        (found,) = self.records(ForwardPace, "forward/pace")
        return found


def _refused(error: RestrictViolation) -> LjwxError:
    """What a refused write means: it is too late, or the clock is waited for, which went back."""
    text = str(error.diag.message_primary)
    return RecordUnfinished(text) if error.diag.constraint_name == CLOCK_BACK else DeadlinePassed(text)


def _values(answer: NewAnswer) -> dict[str, Any]:
    said = None if answer.probabilities is None else Jsonb(dict(answer.probabilities))
    return vars(answer) | {"probabilities": said, "classes": list(answer.classes)}
