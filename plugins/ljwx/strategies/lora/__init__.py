"""The strategy `lora`: weights trained on the train split, from the very file that the base is served by."""

from __future__ import annotations

from typing import Final

from ljwx.core.models import BuildSpec
from ljwx.strategies.interface import BuildRequest, Description, Strategy


def recipe(request: BuildRequest) -> BuildSpec:
    """Return the spec of a model that is still to be trained.

    :raises ConfigurationError: nothing can be learned from the dataset, or the base cannot be trained.
    """
    from ljwx.strategies.lora.recipe import trained_spec  # with hooks and polars; settings import this module

    return trained_spec(request)


LORA: Final = Strategy(
    describes=Description(
        line="the base model with weights trained on the dataset (LoRA)",
        chinese="在训练集上以 LoRA 微调了基座模型的权重,并验证了所服务的正是训练所得的权重。",
        english=(
            "The base model's weights were trained on the train split (LoRA), and what is served was shown to be what "
            "was trained."
        ),
    ),
    changes_weights=True,
    shows_examples=False,
    recipe=recipe,
)
