"""What may be deleted, and what protects the rest.

Pure: never imports airflow, an HTTP client, a database driver or a clock. The plan is made from rows alone, so that a
dry run shows exactly what a real one would do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["model", "dataset", "training"]
SweepKind = Literal["quarantine", "answers", "partition"]


class RetentionPolicy(BaseModel):
    """What to keep, besides what an alias names and models that no decision was made on.

    :param keep_last: newest models that stay.
    :param keep_days: days for which a citation protects what it names: a decision of any verdict cites both models and
        the datasets that they and its questions were made from.
    :param dataset_keep_last: newest datasets that stay; the newest is the parent of the next.
    :param dataset_keep_days: days for which a dataset's files stay in any case.
    :param training_keep_days: days for which a training's job folder stays in any case; afterwards it stays for as long
        as a model does that was made of it.
    :param quarantine_keep_days: days for which a refused row stays.
    :param answers_keep_days: days for which the answers of a deleted model stay; its scorecards stay for good.
    :param partition_keep_years: calendar years of bars and features that stay, the running one included; None: all.
        What is dropped can be fetched again, but samples made of it can no longer be traced to their bars.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    keep_last: int = Field(default=5, ge=1)
    keep_days: int = Field(default=90, ge=0, le=36_500)
    dataset_keep_last: int = Field(default=1, ge=1)
    dataset_keep_days: int = Field(default=30, ge=0, le=36_500)
    training_keep_days: int = Field(default=30, ge=0, le=36_500)
    quarantine_keep_days: int = Field(default=365, ge=0, le=36_500)
    answers_keep_days: int = Field(default=90, ge=0, le=36_500)
    partition_keep_years: int | None = Field(default=None, ge=2)


@dataclass(frozen=True)
class StoredModel:
    """A model on the model server.

    :param created: Shanghai day on which it was built.
    :param dataset: name of the dataset it was made from; None for an untuned one.
    :param decided: whether a decision was made on it; that it was refused for its verification is one.
    :param verified: whether it passed its verification, without which the gate never decides on it.
    :param recipe: of the training that made its weights; None: it has those of its base.
    """

    name: str
    created: date
    dataset: str | None
    decided: bool
    verified: bool = True
    recipe: str | None = None

    def is_open(self, today: date) -> bool:
        """Tell whether a decision is still to come; a build has until the next day to pass its verification."""
        return not self.decided and (self.verified or self.created >= today - timedelta(days=1))


@dataclass(frozen=True)
class StoredDataset:
    """A dataset whose files are on disk.

    :param created: Shanghai day on which it was made first.
    :param written: of the last run that made it, which writes its files anew where they were deleted; None: the same.
    """

    name: str
    created: date
    written: date | None = None


@dataclass(frozen=True)
class StoredTraining:
    """A training whose job folder is there: rows, checkpoints, adapter and the file of weights.

    :param name: of its recipe.
    :param created: Shanghai day on which it was last prepared, or finished.
    :param job: the folder.
    """

    name: str
    created: date
    job: str


@dataclass(frozen=True)
class Citation:
    """A promotion, report or lineage row that names a model or a dataset.

    :param by: what cites it, for people: ``promotion 12``.
    :param on: day of the citation.
    """

    kind: Kind
    name: str
    by: str
    on: date


@dataclass(frozen=True)
class Removal:
    """One thing to delete, and why nothing protects it."""

    kind: Kind
    name: str
    reason: str


@dataclass(frozen=True)
class Kept:
    """One thing that stays, and everything that protects it."""

    kind: Kind
    name: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class RetentionPlan:
    """What to delete and what to keep: each is in one of the two. Models first, then datasets, trainings; by name."""

    removals: tuple[Removal, ...]
    kept: tuple[Kept, ...]


@dataclass(frozen=True)
class Sweep:
    """Rows that are too old. ``before``: the first Shanghai day whose rows stay."""

    kind: SweepKind
    before: date
    reason: str


def sweeps(policy: RetentionPolicy, today: date) -> tuple[Sweep, ...]:
    """Return what goes by age alone, as of a day."""
    found = [
        Sweep(
            "quarantine", today - timedelta(days=policy.quarantine_keep_days),
            f"refused rows older than {policy.quarantine_keep_days} days",
        ),
        Sweep(
            "answers", today - timedelta(days=policy.answers_keep_days),
            f"answers of a model deleted more than {policy.answers_keep_days} days ago; its scorecard stays",
        ),
    ]  # fmt: skip
    if policy.partition_keep_years is not None:
        first = date(today.year - policy.partition_keep_years + 1, 1, 1)
        found.append(Sweep("partition", first, f"the policy keeps {policy.partition_keep_years} years"))
    return tuple(found)


def plan(
    models: Sequence[StoredModel],
    datasets: Sequence[StoredDataset],
    aliases: Mapping[str, str],
    citations: Sequence[Citation],
    policy: RetentionPolicy,
    today: date,
    trainings: Sequence[StoredTraining] = (),
    running: Collection[str] = (),
) -> RetentionPlan:
    """Plan a clean-up as of a day.

    Deleting what the plan says and planning again finds nothing more to delete. A model or dataset from after
    ``today``, as seen by a run for a past day, is never touched.

    :param aliases: alias (``champion``, ``previous``, ``challenger``) to model name.
    :param running: recipes that are trained now.
    :raises ValueError: a model, a dataset or a training that is listed twice.
    """
    for kind, items in (("model", models), ("dataset", datasets), ("training", trainings)):
        names = [item.name for item in items]
        if len(set(names)) != len(names):
            raise ValueError(f"retention: a {kind} is listed twice: {max(names, key=names.count)}")
    cited = _citations(citations, policy, today)
    recent_models = _recent(models, policy.keep_last, today)
    recent_datasets = _recent(datasets, policy.dataset_keep_last, today)
    model_reasons = {
        model.name: _alias_reasons(model.name, aliases)
        + (["open challenger: no decision yet"] if model.is_open(today) else [])
        + recent_models[model.name]
        + cited["model", model.name]
        for model in models
    }
    kept = [model for model in models if model_reasons[model.name]]
    used_by = _users(kept)
    dataset_reasons = {
        dataset.name: used_by[dataset.name]
        + recent_datasets[dataset.name]
        + _young(dataset, policy, today)
        + cited["dataset", dataset.name]
        for dataset in datasets
    }
    training_reasons = {
        training.name: (["it is trained now"] if training.name in running else [])
        + [f"the model {model.name} was made of it" for model in kept if model.recipe == training.name]
        + _of_age(training, policy, today)
        for training in trainings
    }
    return _split({"model": model_reasons, "dataset": dataset_reasons, "training": training_reasons}, policy)


def _citations(
    citations: Sequence[Citation], policy: RetentionPolicy, today: date
) -> defaultdict[tuple[Kind, str], list[str]]:
    oldest = today - timedelta(days=policy.keep_days)
    cited: defaultdict[tuple[Kind, str], list[str]] = defaultdict(list)
    for citation in sorted(citations, key=lambda citation: (citation.on, citation.by)):
        if citation.on >= oldest:
            cited[citation.kind, citation.name].append(f"cited by {citation.by} on {citation.on}")
    return cited


def _alias_reasons(name: str, aliases: Mapping[str, str]) -> list[str]:
    return [f"alias {alias}" for alias, target in sorted(aliases.items()) if name in (target, alias)]


def _recent(items: Sequence[StoredModel | StoredDataset], last: int, today: date) -> defaultdict[str, list[str]]:
    """Return by name the reasons that recency gives: the last few up to the run's day, and all from after it."""
    recent: defaultdict[str, list[str]] = defaultdict(list)
    newest = sorted(items, key=lambda item: (item.created, item.name), reverse=True)
    for item in newest:
        if item.created > today:
            recent[item.name].append(f"newer than the run's day {today}")
    for item in [item for item in newest if item.created <= today][:last]:
        recent[item.name].append(f"one of the last {last}")
    return recent


def _young(dataset: StoredDataset, policy: RetentionPolicy, today: date) -> list[str]:
    young = (dataset.written or dataset.created) >= today - timedelta(days=policy.dataset_keep_days)
    return [f"not older than {policy.dataset_keep_days} days"] if young else []


def _of_age(training: StoredTraining, policy: RetentionPolicy, today: date) -> list[str]:
    if training.created > today:
        return [f"newer than the run's day {today}"]
    young = training.created >= today - timedelta(days=policy.training_keep_days)
    return [f"not older than {policy.training_keep_days} days"] if young else []


def _users(models: Sequence[StoredModel]) -> defaultdict[str, list[str]]:
    """Return by dataset the reasons that the kept models made from it give."""
    users: defaultdict[str, list[str]] = defaultdict(list)
    for model in sorted(models, key=lambda model: model.name):
        if model.dataset is not None:
            users[model.dataset].append(f"the model {model.name} was made from it")
    return users


def _split(reasons: Mapping[Kind, Mapping[str, list[str]]], policy: RetentionPolicy) -> RetentionPlan:
    why: dict[Kind, str] = {
        "model": f"no alias, no decision to come, not among the last {policy.keep_last}, "
        f"not cited for {policy.keep_days} days",
        "dataset": f"no kept model was made from it, not among the last {policy.dataset_keep_last}, "
        f"older than {policy.dataset_keep_days} days, "
        f"not cited for {policy.keep_days} days",
        "training": f"no kept model was made of it, it is not trained now, older than {policy.training_keep_days} days",
    }
    named = [(kind, name, found[name]) for kind, found in reasons.items() for name in sorted(found)]
    return RetentionPlan(
        removals=tuple(Removal(kind, name, why[kind]) for kind, name, found in named if not found),
        kept=tuple(Kept(kind, name, tuple(found)) for kind, name, found in named if found),
    )
