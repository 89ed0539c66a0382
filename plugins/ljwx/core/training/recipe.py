"""The recipe of a training: everything that decides the weights, known before they are made. Pure: no I/O, no clock."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ljwx.core.training.settings import Output

TRAINER: Final = "0.1.0"
"""Version of the distribution ljwx-training that jobs are written for."""
ROWS: Final = "1"
"""Version of how samples become the trainer's rows."""
_HASH_SHOWN: Final = 12

Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class Start(BaseModel):
    """An adapter that training goes on with.

    :param recipe_id: of the training that made it.
    :param replayed: digest of the samples of that training's dataset that are seen again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe_id: str
    adapter_sha256: Sha256
    replayed: Sha256


class TrainingRecipe(BaseModel):
    """What is trained, from what, and how: the same recipe is not trained twice.

    :param base_gguf: digest of the base's weights, a GGUF file.
    :param train: digest of the train samples that are taken; `validation` of those that training is stopped by,
        of the train split's last sessions.
    :param prompts: digest of the prompts that they are rendered with.
    :param hyperparameters: as the trainer takes them.
    :param forecast: digest of the samples that a logistic regression is fitted on, which the targets are softened by;
        None: they are softened by class rates.
    :param cross_validated: the penalty of that regression is chosen by sessions that it was not fitted on.
    :param seed: of the order of the samples, the adapter's first weights, and which samples are taken.
    :param output: form of the trained tensors.
    :param template: chat template in Jinja instead of the base's own.
    :param abstention_share: of the rows that ask without facts; None: what the prompts declare.
    :param start: None: training starts from the base.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_gguf: Sha256
    train: Sha256
    validation: Sha256
    prompts: Sha256
    hyperparameters: dict[str, bool | int | float | str | None]
    class_weight: float
    truth_share: float
    forecast: Sha256 | None = Field(default=None, exclude_if=lambda value: value is None)
    cross_validated: bool = Field(default=False, exclude_if=lambda value: not value)
    seed: int
    output: Output
    template: str | None = None
    abstention_share: float | None = Field(default=None, exclude_if=lambda value: value is None)
    start: Start | None = None
    trainer: str = TRAINER
    rows: str = ROWS

    @property
    def recipe_id(self) -> str:
        """12 hex digits; equal for equal recipes."""
        content = json.dumps(_canonical(self.model_dump(mode="json")), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()[:_HASH_SHOWN]

    @property
    def folder(self) -> str:
        """Where its job lies, below the data folder."""
        return f"training/{self.recipe_id}"


def _canonical(value: Any) -> Any:
    """Whole numbers without a fraction, so that 1 and 1.0 are one recipe."""
    if isinstance(value, dict):
        return {name: _canonical(item) for name, item in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value
