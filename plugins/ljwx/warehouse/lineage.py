"""Where a model, a dataset or a sample came from, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ljwx.core.lineage import FetchedSessions, OfRun
from ljwx.warehouse.base import WarehouseBase


@dataclass(frozen=True)
class TracedModel(OfRun):
    """A model with the run that recorded it; `aliases` name it now.

    :param recipe_id: of the training that made its weights; None where they are its base's.
    """

    model: str
    digest: str
    strategy: str
    base: str
    base_digest: str
    spec_sha256: str
    dataset_id: str
    created_at: datetime
    deleted_at: datetime | None
    verified: bool
    aliases: Sequence[str]
    recipe_id: str | None


@dataclass(frozen=True)
class TracedEvaluation:
    """What a model was asked, how many answers it gave, and how many of them are valid."""

    evaluation_id: int
    question_set_id: str
    answers: int
    valid: int


@dataclass(frozen=True)
class TracedDecision:
    """A decision on a model, or against it.

    :param refused_for: what a refused model lacks; None of any other decision.
    """

    promotion_id: int
    challenger: str
    champion: str | None
    verdict: str
    decided_at: datetime
    refused_for: str | None


@dataclass(frozen=True)
class TracedDataset(OfRun):
    """A dataset with the run that made it; `samples` counts them."""

    dataset_id: str
    sha256: str
    parent_id: str | None
    first_session: date
    last_session: date
    folder: str
    code_version: str
    created_at: datetime
    deleted_at: datetime | None
    samples: int


@dataclass(frozen=True)
class ModelOfDataset:
    """A model that was made from a dataset."""

    model: str
    strategy: str
    deleted_at: datetime | None


@dataclass(frozen=True)
class SetOfDataset:
    """A question set that was chosen from a dataset, and its size."""

    question_set_id: str
    questions: int


@dataclass(frozen=True)
class FetchedLists(OfRun):
    """Lists of an index's members that a task instance fetched."""

    index_code: str
    lists: int
    members: int
    first: date
    last: date


@dataclass(frozen=True)
class TracedSample(OfRun):
    """A sample with the run that made it.

    :param bars_from: first session whose bars its snapshot was made from.
    """

    sample_id: str
    ts_code: str
    session: date
    task: str
    label: str
    label_end: date
    bars_from: date
    snapshot_sha256: str
    feature_version: str


@dataclass(frozen=True)
class BarsOfSample(OfRun):
    """Bars of a sample that a task instance wrote: how many, from when to when, and their newest revision."""

    bars: int
    first: date
    last: date
    newest_revision: int


@dataclass(frozen=True)
class DatasetOfSample:
    """A dataset that holds a sample, and the split it is in."""

    dataset_id: str
    split: str


@dataclass(frozen=True)
class AnswerToSample:
    """What a model answered to a sample."""

    model: str
    label: str | None
    valid: bool
    reason: str | None


@dataclass(frozen=True)
class TracedAnswer(OfRun):
    """An answer of the forward record with the run that asked for it, and what came true.

    :param digest: of the model; None of a rule. ``seal``: the digest of its session; None before it is sealed.
    :param dataset_id: of the dataset whose settings say what its classes mean.
    :param look_back: bars before the session that its snapshot may depend on.
    :param label: the class that came true, with `excess`; None while it is open, or for the reason `no_outcome`.
    :param revision: of the outcome; None while there is none.
    """

    session: date
    ts_code: str
    task: str
    answerer: str
    digest: str | None
    line_id: str | None
    snapshot_sha256: str
    probabilities: Mapping[str, float] | None
    reason: str | None
    answered_at: datetime
    late: bool
    dataset_id: str
    deadline: datetime
    sealed_at: datetime | None
    seal: str | None
    look_back: int
    label: str | None
    excess: float | None
    no_outcome: str | None
    revision: int | None


@dataclass(frozen=True)
class TracedBar(OfRun):
    """A revision of a bar with the run that wrote it; `superseded_at` is None of the one in force."""

    ts_code: str
    session: date
    revision: int
    first_seen: datetime
    superseded_at: datetime | None


@dataclass(frozen=True)
class AnswersOnBar:
    """How many answers of one name to a task rest on a revision of a bar, and of which sessions."""

    answerer: str
    task: str
    answers: int
    first: date
    last: date


class LineageVerbs(WarehouseBase):
    """Verbs that follow a thing to its neighbours, over all stages; they only read."""

    def trace_model(self, name: str) -> TracedModel | None:
        """Return a model by its name."""
        return self.record(TracedModel, "lineage/model", name=name)

    def sample_spec_of(self, model: str) -> Mapping[str, Any] | None:
        """Return the spec, as JSON, of the samples that a model was made from."""
        found = self.column("lineage/sample_spec_of_model", name=model)
        return found[0] if found else None

    def evaluations_of(self, model: str) -> list[TracedEvaluation]:
        """Return what a model was asked, oldest first."""
        return self.records(TracedEvaluation, "lineage/evaluations_of_model", name=model)

    def decisions_of(self, model: str) -> list[TracedDecision]:
        """Return the decisions in which a model was challenger or champion, oldest first."""
        return self.records(TracedDecision, "lineage/decisions_of_model", name=model)

    def trace_dataset(self, dataset_id: str) -> TracedDataset | None:
        """Return a dataset by its id."""
        return self.record(TracedDataset, "lineage/dataset", name=dataset_id)

    def children_of(self, dataset_id: str) -> list[str]:
        """Return the dataset_ids of the datasets whose parent a dataset is."""
        return self.column("lineage/children_of_dataset", name=dataset_id)

    def models_of(self, dataset_id: str) -> list[ModelOfDataset]:
        """Return the models that were made from a dataset, oldest first."""
        return self.records(ModelOfDataset, "lineage/models_of_dataset", name=dataset_id)

    def question_sets_of(self, dataset_id: str) -> list[SetOfDataset]:
        """Return the question sets that were chosen from a dataset, oldest first."""
        return self.records(SetOfDataset, "lineage/question_sets_of_dataset", name=dataset_id)

    def fetched_by(self, first: date, last: date) -> list[FetchedSessions]:
        """Return the task instances that fetched the sessions of a range."""
        return self.records(FetchedSessions, "lineage/fetched_by", first=first, last=last)

    def lists_of(self, dataset_id: str, valid_days: int) -> list[FetchedLists]:
        """Return the task instances that fetched the lists a dataset's stocks were chosen by; none without an index."""
        return self.records(FetchedLists, "lineage/lists_of_dataset", name=dataset_id, valid_days=valid_days)

    def trace_samples(self, digits: str) -> list[TracedSample]:
        """Return the samples whose id begins with these digits, two at most."""
        return self.records(TracedSample, "lineage/samples", name=digits)

    def bars_of(self, sample_id: str) -> list[BarsOfSample]:
        """Return the task instances that wrote the bars of a sample."""
        return self.records(BarsOfSample, "lineage/bars_of_sample", name=sample_id)

    def datasets_of(self, sample_id: str) -> list[DatasetOfSample]:
        """Return the datasets that hold a sample."""
        return self.records(DatasetOfSample, "lineage/datasets_of_sample", name=sample_id)

    def answers_to(self, sample_id: str) -> list[AnswerToSample]:
        """Return the answers to a sample, oldest first."""
        return self.records(AnswerToSample, "lineage/answers_of_sample", name=sample_id)

    def trace_answers(self, session: date, ts_code: str, task: str, answerer: str) -> list[TracedAnswer]:
        """Return the answers of one name to a question of the forward record; of two models of it the first counts."""
        wanted = {"session": session, "ts_code": ts_code, "task": task, "answerer": answerer}
        return self.records(TracedAnswer, "lineage/answers", **wanted)

    def bars_of_answer(self, answer: TracedAnswer) -> list[BarsOfSample]:
        """Return the task instances that wrote the bars of an answer, in the revisions that were there when it came."""
        wanted = {"ts_code": answer.ts_code, "session": answer.session, "look_back": answer.look_back}
        return self.records(BarsOfSample, "lineage/bars_of_answer", **wanted, known_at=answer.answered_at)

    def revisions_of_bar(self, session: date, ts_code: str) -> list[TracedBar]:
        """Return all revisions of a bar, oldest first."""
        return self.records(TracedBar, "lineage/revisions_of_bar", session=session, ts_code=ts_code)

    def answers_on(self, bar: TracedBar) -> list[AnswersOnBar]:
        """Return the answers of the forward record that rest on a revision of a bar."""
        wanted = {"session": bar.session, "ts_code": bar.ts_code, "first_seen": bar.first_seen}
        return self.records(AnswersOnBar, "lineage/answers_on_bar", **wanted, superseded_at=bar.superseded_at)
