"""Question sets, who was asked them, and the answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from ljwx.core.evaluations.questions import ClaimCounts, Question, ScoredAnswer
from ljwx.core.reports.cases import Case
from ljwx.core.tasks import TASKS
from ljwx.core.tasks.forms import CITED
from ljwx.core.tasks.spoken import spoken
from ljwx.warehouse.base import WarehouseBase, statement

if TYPE_CHECKING:
    from ljwx.core.evaluations.scorecard import Scorecard


@dataclass(frozen=True)
class QuestionSet:
    """A frozen set of questions.

    :param kind: validation, masked, test or classes.
    :param part_of: of a masked one, the set whose questions it asks again.
    """

    question_set_id: str
    dataset_id: str
    kind: str
    part_of: str | None = None


@dataclass(frozen=True)
class StoredQuestion:
    """A question with what its prompt is rendered from.

    :param snapshot: JSON text.
    """

    question: Question
    snapshot: str
    prompt_version: str

    @property
    def session(self) -> date:
        """The session that it asks about."""
        return self.question.session


@dataclass(frozen=True)
class Evaluation:
    """A model that is asked a question set.

    :param is_base: the model is an untuned base, a tag of the server.
    :param request_config: what is sent with every question; answers to requests that differ in it are not in it.
    """

    evaluation_id: int
    model: str
    digest: str
    question_set_id: str
    is_base: bool
    request_config: Mapping[str, Any]

    @property
    def options(self) -> Mapping[str, Any]:
        """The options of Ollama that are sent with every question."""
        options: Mapping[str, Any] = self.request_config["options"]
        return options


@dataclass(frozen=True)
class ModelAnswer:
    """What a model said to one question, as it came, and how it was read.

    :param parsed: the answer's fields; None where it is invalid.
    :param probabilities: by class; None where there are none.
    :param probabilities_from: ``tokens`` or ``answer``.
    :param reason: machine-readable cause of an invalid answer.
    :param latency_s: seconds from request to last token; `server_s` by the server's own clock.
    :param prompt_tokens: 0 where the server does not say.
    :param server: connection id of the server that answered; None where that is not kept.
    """

    sample_id: str
    raw: str
    valid: bool
    label: str | None
    parsed: Mapping[str, Any] | None
    probabilities: Mapping[str, float] | None
    probabilities_from: str | None
    reason: str | None
    claims: ClaimCounts | None
    latency_s: float
    server_s: float | None
    prompt_tokens: int
    answer_tokens: int
    server: str | None = None


@dataclass(frozen=True)
class TrainSample:
    """A sample that a baseline is fitted on; the snapshot is JSON text."""

    task: str
    label: str
    snapshot: str


@dataclass(frozen=True)
class Look:
    """An opening of a sealed test split.

    :param looks: how often its sessions had been looked at then, this time included: splits opened that share some, and
        decisions on questions of some.
    """

    question_set_id: str
    looks: int


class EvaluationsVerbs(WarehouseBase):
    """Verbs of the stage `evaluations`."""

    def save_question_set(self, run_key: int, question_set: QuestionSet, questions: Sequence[Question]) -> None:
        """Write a frozen question set; an equal one that is there already stays as it is."""
        head = vars(question_set) | {"run_key": run_key}
        rows = [head | {"position": at, "sample_id": question.sample_id} for at, question in enumerate(questions)]
        with self.transaction() as connection:
            if connection.execute(statement("evaluations/add_question_set"), head).rowcount:
                connection.cursor().executemany(statement("evaluations/add_question"), rows)

    def question_set(self, question_set_id: str) -> QuestionSet | None:
        """Return a question set without its questions."""
        return self.record(QuestionSet, "evaluations/question_set", question_set_id=question_set_id)

    def questions(self, question_set_id: str) -> list[StoredQuestion]:
        """Return the questions of a set in order."""
        return self.records(_stored_question, "evaluations/questions", question_set_id=question_set_id)

    def open_evaluation(
        self,
        run_key: int,
        model: str,
        digest: str,
        question_set_id: str,
        request_config: Mapping[str, Any],
        *,
        is_base: bool = False,
    ) -> int:
        """Return the evaluation of this model on this question set; what was answered before a kill is still in it.

        :param request_config: as of :class:`Evaluation`.
        """
        (evaluation_id,) = self.column(
            "evaluations/open", model=model, digest=digest, question_set_id=question_set_id, run_key=run_key,
            request_config=Jsonb(request_config), is_base=is_base,
        )  # fmt: skip
        return int(evaluation_id)

    def evaluation(self, evaluation_id: int) -> Evaluation | None:
        """Return an evaluation by its number."""
        return self.record(Evaluation, "evaluations/by_id", evaluation_id=evaluation_id)

    def evaluation_of(
        self, model: str, digest: str, question_set_id: str, request_config: Mapping[str, Any]
    ) -> Evaluation | None:
        """Return the evaluation of this very model on a question set, asked in this way."""
        return self.record(
            Evaluation, "evaluations/by_model", model=model, digest=digest, question_set_id=question_set_id,
            request_config=Jsonb(request_config),
        )  # fmt: skip

    def masked_evaluation(self, evaluation_id: int) -> Evaluation | None:
        """Return the evaluation of the same model on some of the questions masked."""
        return self.record(Evaluation, "evaluations/masked", evaluation_id=evaluation_id)

    def save_answer(self, evaluation_id: int, answer: ModelAnswer) -> None:
        """Write one answer as soon as it came."""
        documents = {
            "parsed": _json(answer.parsed), "probabilities": _json(answer.probabilities),
            "claims": _json(None if answer.claims is None else asdict(answer.claims)),
        }  # fmt: skip
        self.execute("evaluations/add_answer", **vars(answer) | documents, evaluation_id=evaluation_id)

    def answers(self, evaluation_id: int) -> list[ScoredAnswer]:
        """Return the answers of an evaluation."""
        return self.records(_scored_answer, "evaluations/answers", evaluation_id=evaluation_id)

    def save_scorecards(self, evaluation_id: int, cards: Mapping[str, Scorecard]) -> None:
        """Write the scorecards of the model, as `model`, and of its rivals on the same questions."""
        scorecard = {name: card.model_dump(mode="json") for name, card in cards.items()}
        self.execute("evaluations/set_scorecard", evaluation_id=evaluation_id, scorecard=Jsonb(scorecard))

    def market_returns(self, sessions: Collection[date]) -> dict[date, float]:
        """Return each session's mean return of all stocks over the 20 sessions up to it, as a fraction."""
        return self.mapping("evaluations/market_returns", sessions=sorted(sessions))

    def train_snapshots(self, dataset_id: str, most: int) -> list[TrainSample]:
        """Return samples of a dataset's train split, at most so many of each task.

        The draw is by sample_id, which is a hash: the same every time, and of no session or stock in particular.
        """
        return self.records(TrainSample, "evaluations/train_snapshots", dataset_id=dataset_id, most=most)

    def cases(self, evaluation_id: int) -> list[Case]:
        """Return an evaluation's questions with truth and answer, as it came, in the order in which they were asked."""
        return self.records(_case, "evaluations/cases", evaluation_id=evaluation_id)

    def look_at_test(
        self, run_key: int, dataset_id: str, model: str, question_set_id: str, window: tuple[date, date]
    ) -> Look:
        """Record that a model opens the sealed test split of a dataset, before it is asked.

        :param window: first and last session of the split.
        :return: the first opening where the model opened this dataset's before.
        """
        self.execute(
            "evaluations/add_look", dataset_id=dataset_id, model=model, question_set_id=question_set_id,
            run_key=run_key, first_session=window[0], last_session=window[1],
        )  # fmt: skip
        (look,) = self.records(Look, "evaluations/look", dataset_id=dataset_id, model=model)
        return look


def _stored_question(snapshot: str, prompt_version: str, **question: Any) -> StoredQuestion:
    return StoredQuestion(Question(**question), snapshot, prompt_version)


def _case(parsed: Mapping[str, Any] | None, snapshot: Mapping[str, Any], **case: Any) -> Case:
    if parsed is None or CITED not in parsed:
        return Case(**case)
    return Case(**case, told=spoken(TASKS[case["task"]], parsed, snapshot))


def _scored_answer(claims: Mapping[str, int] | None, **answer: Any) -> ScoredAnswer:
    return ScoredAnswer(**answer, claims=None if claims is None else ClaimCounts(**claims))


def _json(value: Any) -> Jsonb | None:
    return None if value is None else Jsonb(value)
