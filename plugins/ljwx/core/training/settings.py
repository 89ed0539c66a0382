"""The settings `model.lora`: how an adapter is trained. Pure: no airflow, HTTP or SQL."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Output = Literal["F16", "BF16", "Q8_0", "all_F16"]
TOLERANCE: Final[dict[Output, float]] = {"F16": 0.01, "BF16": 0.01, "Q8_0": 0.03, "all_F16": 0.01}
"""By how much a class's probability may differ between the trained and the served model, by the form of its tensors."""
OF_TRAINING: Final = (
    "rank", "alpha", "dropout", "layers", "learning_rate", "epochs", "batch", "micro_batch", "evaluate_every",
    "patience", "precision", "gradient_checkpointing", "compile", "quantize",
)  # fmt: skip
"""Settings that the trainer takes as its hyperparameters, by the same names."""
WHERE_AND_WHAT_FOR: Final = frozenset({"base_gguf", "ollama_models", "proof"})
"""Settings that decide nothing about the weights."""


class LoraSettings(BaseModel):
    """How the strategy `lora` trains.

    :param rank: of the adapter's matrices.
    :param alpha: what the adapter adds is scaled by alpha / rank.
    :param layers: how many of the upper blocks get an adapter; null: all.
    :param learning_rate: the largest; it rises for a while and falls along a cosine.
    :param epochs: passes over the train split.
    :param batch: samples of one step.
    :param micro_batch: samples computed at once; the trainer halves it where memory runs out.
    :param max_samples: most samples of the train split, the tasks in turn, or where prompts give the facts first, all
        that is asked about a stock and session together; null: all.
    :param max_validation: most samples to look at, chosen alike; they are of the last tenth of the train split's
        sessions, which is not trained on.
    :param evaluate_every: steps between looks at them.
    :param patience: looks without a better class log score until training stops; 0: never.
    :param precision: `bf16` where the trainer's machine has instructions for it, else 32 bits; or always `fp32`.
    :param output: form of the trained tensors in the file that is served; `all_F16`: of those too that the base has
        quantised.
    :param class_weight: weight of the token that decides the class; 1 treats it as any other.
    :param truth_share: the class to be learned is this share of truth, and for the rest what `soft_targets` names.
        Where the snapshot decides the class, it is all truth.
    :param soft_targets: `class_rates` of the train split, or what a `logistic` regression on the numbers of its
        snapshots expects of this one; with `logistic_cv` its penalty is chosen by sessions that it was not fitted on,
        so that it is no surer of itself than these bear.
    :param start: `base` trains from the base; `champion` goes on with the champion's adapter, where it has one.
    :param replay_share: with `start` = `champion`: samples of the champion's own train split that are seen again, as a
        share of the new ones.
    :param proof: prompts by which the served model is compared with the trained one.
    :param base_gguf: path or URL of the base's GGUF; null: it is looked for in Ollama's own folder on this machine.
    :param ollama_models: Ollama's folder of models, where it is not the usual one.
    :param template: the base's chat template in Jinja, where the one in its GGUF makes other prompts than the server.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int = Field(default=16, ge=1, le=1024)
    alpha: int = Field(default=32, ge=1, le=4096)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    layers: int | None = Field(default=None, ge=1)
    learning_rate: float = Field(default=5e-4, gt=0, lt=1)
    epochs: float = Field(default=1.0, gt=0, le=100)
    batch: int = Field(default=8, ge=1)
    micro_batch: int = Field(default=8, ge=1)
    max_samples: int | None = Field(default=None, ge=1)
    max_validation: int = Field(default=400, ge=1)
    evaluate_every: int = Field(default=50, ge=1)
    patience: int = Field(default=3, ge=0)
    precision: Literal["bf16", "fp32"] = "bf16"
    gradient_checkpointing: bool = False
    compile: bool = False
    quantize: Literal["nf4"] | None = None
    output: Output = "F16"
    class_weight: float = Field(default=5.0, ge=0)
    truth_share: float = Field(default=0.5, gt=0, le=1)
    soft_targets: Literal["class_rates", "logistic", "logistic_cv"] = "class_rates"
    start: Literal["base", "champion"] = "base"
    replay_share: float = Field(default=0.25, ge=0, le=1)
    proof: int = Field(default=200, ge=1)
    base_gguf: str | None = Field(default=None, min_length=1)
    ollama_models: str | None = Field(default=None, min_length=1)
    template: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _batches_fit(self) -> LoraSettings:
        if self.batch % self.micro_batch:
            raise ValueError(f"batch: {self.batch} is no multiple of micro_batch = {self.micro_batch}")
        return self

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """What the trainer takes as its hyperparameters."""
        return self.model_dump(include=set(OF_TRAINING))

    @property
    def changed(self) -> dict[str, bool | int | float | str]:
        """What decides about the weights and differs from the default."""
        values = self.model_dump(exclude_defaults=True, exclude=set(WHERE_AND_WHAT_FOR))
        return {name: value for name, value in values.items() if value is not None}
