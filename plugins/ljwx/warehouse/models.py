"""Models as they were built: what they are made of, whether they passed their verification."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from ljwx.core.training.recipe import TrainingRecipe
from ljwx.exceptions import BadData
from ljwx.warehouse.base import WarehouseBase


@dataclass(frozen=True)
class BuiltModel:
    """What was built.

    :param digest: 64 hex digits that the model server gives it.
    :param spec: the build spec, as JSON.
    """

    model: str
    digest: str
    strategy: str
    base: str
    base_digest: str
    spec: Mapping[str, Any]
    spec_sha256: str
    dataset_id: str

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Ollama parameters written into the model."""
        parameters: Mapping[str, Any] = self.spec["parameters"]
        return parameters

    @property
    def recipe_id(self) -> str | None:
        """The training that made its weights; None where they are its base's."""
        training = self.spec.get("training")
        return TrainingRecipe.model_validate(training).recipe_id if training else None


@dataclass(frozen=True)
class Model(BuiltModel):
    """A model that the warehouse knows.

    :param verified: what its verification measured, as JSON; None while it has not passed one.
    :param line_id: the line that it belongs to; None where it was built before lines were kept.
    """

    verified: Mapping[str, Any] | None
    created_at: datetime
    deleted_at: datetime | None
    line_id: str | None = None


@dataclass(frozen=True)
class PastDecision:
    """On what the gate decided about a model.

    :param policy: the gate's settings then, as JSON.
    :param evaluation: the settings of the evaluation then, as JSON; None where they were not kept.
    """

    dataset_id: str
    policy: Mapping[str, Any]
    evaluation: Mapping[str, Any] | None


class ModelsVerbs(WarehouseBase):
    """Verbs of the stage `models`."""

    def save_model(self, run_key: int, model: BuiltModel) -> None:
        """Write what was built, unverified; a model that is known keeps its first row, and is no longer deleted."""
        values = vars(model) | {"spec": Jsonb(model.spec), "recipe_id": model.recipe_id}
        self.execute("models/add", **values, run_key=run_key)

    def mark_verified(self, model: str, digest: str, checks: Mapping[str, Any]) -> None:
        """Record that the model answered, and how.

        :param checks: what was measured, as JSON.
        :raises BadData: it was built anew in between, with another digest.
        """
        if not self.execute("models/set_verified", model=model, digest=digest, verified=Jsonb(checks)):
            raise BadData(f"{model} is no longer the model with digest {digest} that was verified")

    def model(self, model: str) -> Model | None:
        """Return a model by its name, also a deleted one."""
        return self.record(Model, "models/by_name", model=model)

    def examples_asked(self, model: str) -> int | None:
        """Return how many examples of each task the run that built a model was set to show; None: as many as fit."""
        found = self.column("models/examples_asked", model=model)
        return found[0] if found else None

    def decision_on(self, model: str) -> PastDecision | None:
        """Return on what the gate's newest decision about a verified model was made."""
        return self.record(PastDecision, "models/decision_on", model=model)

    def counts_from(self, models: Collection[str]) -> date | None:
        """Return the first session whose questions count for all of these models.

        Nothing that one of them was made from reaches it, labels and the purge included, whatever was filled in since.

        :return: None where none of them was made from a dataset.
        """
        (first,) = self.column("models/counts_from", models=list(models))
        return first  # type: ignore[no-any-return]

    def splits_of(self, dataset_id: str, sample_ids: Collection[str]) -> dict[str, str]:
        """Return the split of each of the samples that the dataset holds."""
        return self.mapping("models/splits", dataset_id=dataset_id, sample_ids=list(sample_ids))
