"""What is trained and how: everything that decides the weights, and nothing about where files lie.

Standard library only, so that a machine without pydantic can train by it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

from ljwx_training import VERSION

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""The linear layers of a block. Embeddings and lm_head are left out: tied ones are merged wrongly by many tools."""

STRICT = {"extra": "forbid"}


@dataclass(frozen=True)
class Hyperparameters:
    """How the adapter is trained.

    :param layers: how many of the upper blocks get an adapter; None means all.
    :param batch: samples of one optimiser step, over all accumulated micro-batches and processes.
    :param micro_batch: samples computed at once in one process; halved when memory runs out.
    :param steps: optimiser steps; None means ``epochs`` passes over the train split.
    :param evaluate_every: steps between looks at the validation rows, and between checkpoints.
    :param patience: looks without a better class log score (answer loss, without classes) until it stops; 0: never.
    :param precision: bf16 where the machine has instructions for it, else 32 bits, as with fp32.
    :param compile: fuse each block's element-wise work with torch.compile.
    :param quantize: keep the frozen base in 4 bits while training (QLoRA).
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    targets: tuple[str, ...] = PROJECTIONS
    layers: int | None = None
    learning_rate: float = 5e-4
    schedule: Literal["constant", "linear", "cosine"] = "cosine"
    warmup: float = 0.03
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    batch: int = 8
    micro_batch: int = 8
    epochs: float = 1.0
    steps: int | None = None
    evaluate_every: int = 50
    patience: int = 0
    precision: Literal["bf16", "fp32"] = "bf16"
    gradient_checkpointing: bool = False
    compile: bool = False
    quantize: Literal["nf4"] | None = None

    def __post_init__(self) -> None:
        """Refuse values that cannot train anything."""
        positive = (
            "rank",
            "alpha",
            "learning_rate",
            "max_grad_norm",
            "batch",
            "micro_batch",
            "epochs",
            "evaluate_every",
        )
        for name in positive:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be greater than 0")
        if self.batch % self.micro_batch:
            raise ValueError("batch must be a multiple of micro_batch")
        if self.steps is not None and self.steps < 1:
            raise ValueError("steps must be at least 1")
        if self.layers is not None and self.layers < 1:
            raise ValueError("layers must be at least 1")
        if not 0 <= self.warmup < 1 or not 0 <= self.dropout < 1:
            raise ValueError("warmup and dropout are shares: from 0 to below 1")
        if self.patience < 0 or self.weight_decay < 0:
            raise ValueError("patience and weight_decay must not be negative")
        unknown = set(self.targets) - set(PROJECTIONS)
        if unknown or not self.targets:
            raise ValueError(f"targets must be among {', '.join(PROJECTIONS)}")


@dataclass(frozen=True)
class Objective:
    """What the loss asks for.

    :param classes: of each answer field that holds a class (the first field of an answer), the classes.
    :param answer_weight: weight of each ordinary token of an answer.
    :param class_weight: weight of the token that decides the class; 1 treats it as any other.
    :param truth_share: the class target is this share of truth, and for the rest the train split's class rates;
        a row's own ``target`` goes before.
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    classes: dict[str, tuple[str, ...]] | None = None
    answer_weight: float = 1.0
    class_weight: float = 1.0
    truth_share: float = 1.0

    def __post_init__(self) -> None:
        """Refuse weights that leave nothing to learn."""
        if self.answer_weight < 0 or self.class_weight < 0 or self.answer_weight + self.class_weight <= 0:
            raise ValueError("answer_weight and class_weight must not be negative, and one must be greater than 0")
        if not 0 <= self.truth_share <= 1:
            raise ValueError("truth_share is from 0 to 1")
        if self.answer_weight == 0 and not self.classes:
            raise ValueError("without classes answer_weight must be greater than 0")
        for field, names in (self.classes or {}).items():
            if len(set(names)) < 2 or len(set(names)) != len(names):
                raise ValueError(f"classes of {field} must be at least two different names")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights: same recipe, same model."""

    base_sha256: str
    train_sha256: tuple[str, ...]
    validation_sha256: tuple[str, ...]
    hyperparameters: Hyperparameters
    objective: Objective
    seed: int
    output: str
    template_sha256: str | None = None
    start_sha256: str | None = None
    version: str = VERSION

    @property
    def sha256(self) -> str:
        """The recipe's name."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
