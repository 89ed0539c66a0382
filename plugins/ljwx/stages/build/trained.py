"""What a trainer has left in a job's folder, as the build reads it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from airflow.sdk import ObjectStoragePath

from ljwx.core.training.recipe import TrainingRecipe
from ljwx.core.training.result import METRICS, PROOF, RESULT, Prompt, Proof, Result, read_proof, read_result
from ljwx.exceptions import ConfigurationError
from ljwx.files import data_root
from ljwx.warehouse.trainings import TrainedWeights

CURVE = 200
"""Most steps of a loss curve that are kept."""


@dataclass(frozen=True)
class Trained:
    """A training that is done.

    :param looks: at the samples that training is stopped by, a line of the trainer's metrics each.
    :param losses: some of the steps with their loss, evenly chosen.
    """

    recipe_id: str
    result: Result
    proof: Proof
    looks: Sequence[dict[str, Any]]
    losses: Sequence[tuple[int, float]]

    @property
    def weights(self) -> TrainedWeights:
        """What the warehouse keeps of it."""
        document = {**self.result.document, "looks": list(self.looks), "losses": [list(each) for each in self.losses]}
        return TrainedWeights(
            adapter_sha256=self.result.adapter.sha256,
            gguf_sha256=self.result.merged.sha256,
            result=document,
            started_at=self.result.started_at,
            finished_at=self.result.finished_at,
        )

    def prompts(self, most: int) -> Sequence[Prompt]:
        """Return the prompts of the proof that classes part in, at most so many.

        :raises ConfigurationError: there is none.
        """
        found = [prompt for prompt in self.proof.prompts if prompt.forks][:most]
        if not found:
            raise ConfigurationError(f"the proof of training {self.recipe_id} holds no prompt whose answer has a class")
        return found


def read_trained(recipe: TrainingRecipe) -> Trained:
    """Read the result of a training.

    :raises ConfigurationError: it is not there, or not what a trainer of this version writes.
    """
    folder = data_root() / recipe.folder
    result = read_result(_text(folder / RESULT), str(folder / RESULT))
    proof = read_proof(_text(folder / PROOF), str(folder / PROOF))
    lines = [json.loads(line) for line in _text(folder / METRICS).splitlines() if line.endswith("}")]
    steps = [(int(line["step"]), float(line["loss"])) for line in lines if line["kind"] == "step"]
    every = -(-len(steps) // CURVE) or 1
    looks = [line for line in lines if line["kind"] == "validation"]
    return Trained(recipe.recipe_id, result, proof, looks, steps[::every])


def _text(path: ObjectStoragePath) -> str:
    try:
        return str(path.read_text())
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error}; clear train_model to train anew") from error
