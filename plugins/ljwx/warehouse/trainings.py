"""Trainings: what was to be trained, from which dataset, and the weights that came out, by their digests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from psycopg.types.json import Jsonb

from ljwx.core.training.recipe import TrainingRecipe
from ljwx.core.training.rows import SCHEMA
from ljwx.warehouse.base import WarehouseBase


@dataclass(frozen=True)
class Training:
    """A training.

    :param recipe: as JSON.
    :param job: folder of its files.
    :param adapter_sha256: 64 hex digits of the adapter; None while it is not done.
    :param gguf_sha256: 64 hex digits of the file that is served.
    :param result: what the trainer tells of it, as JSON.
    """

    recipe_id: str
    recipe: Mapping[str, Any]
    dataset_id: str
    base_gguf: str
    job: str
    prepared_at: datetime
    adapter_sha256: str | None
    gguf_sha256: str | None
    result: Mapping[str, Any] | None
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True)
class DoneTraining:
    """A training that is done, and the models that have its weights; `result` is what the trainer tells, as JSON."""

    recipe_id: str
    dataset_id: str
    started_at: datetime | None
    finished_at: datetime
    result: Mapping[str, Any]
    models: Sequence[str]


@dataclass(frozen=True)
class TrainedWeights:
    """What came out of a training; `result` is what the trainer tells, as JSON."""

    adapter_sha256: str
    gguf_sha256: str
    result: Mapping[str, Any]
    started_at: datetime
    finished_at: datetime


class TrainingsVerbs(WarehouseBase):
    """Verbs of training within the stage `models`."""

    def training_samples(self, dataset_id: str, split: str) -> pl.DataFrame:
        """Return a split's samples with their weights, in a fixed order; of the train split only the purged one."""
        return self.frame("trainings/samples", SCHEMA, dataset_id=dataset_id, split=split)

    def purge_of(self, dataset_id: str) -> int:
        """Return how many sessions a dataset leaves empty before each later split."""
        (purge,) = self.column("trainings/purge", dataset_id=dataset_id)
        return int(purge)

    def save_training(self, run_key: int, recipe: TrainingRecipe, dataset_id: str, job: str) -> None:
        """Record what is to be trained; one that is known keeps its dataset, and what came of it."""
        self.execute(
            "trainings/add",
            recipe_id=recipe.recipe_id,
            recipe=Jsonb(recipe.model_dump(mode="json")),
            dataset_id=dataset_id,
            base_gguf=recipe.base_gguf,
            job=job,
            run_key=run_key,
        )

    def finish_training(self, recipe_id: str, weights: TrainedWeights) -> None:
        """Record what came of a training; a later one of the same recipe takes its place."""
        self.execute("trainings/finish", recipe_id=recipe_id, **vars(weights) | {"result": Jsonb(weights.result)})

    def training(self, recipe_id: str) -> Training | None:
        """Return a training by its recipe."""
        return self.record(Training, "trainings/by_id", recipe_id=recipe_id)

    def done_trainings(self, newest: int) -> list[DoneTraining]:
        """Return the newest trainings that are done, newest first."""
        return self.records(DoneTraining, "trainings/newest", newest=newest)
