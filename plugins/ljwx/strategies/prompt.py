"""The strategy `prompt`: a system prompt and parameters on the base model. It takes nothing from the dataset."""

from __future__ import annotations

from typing import Final

from ljwx.core.models import BuildSpec
from ljwx.strategies.interface import BuildRequest, Description, Strategy


def recipe(request: BuildRequest) -> BuildSpec:
    """Return the spec of the base with its system prompt."""
    return request.spec()


PROMPT: Final = Strategy(
    describes=Description(
        line="a system prompt on the base model; no weights were changed",
        chinese="在基座模型上设置系统提示与参数。没有改变任何权重,模型没有学到新东西。",
        english=(
            "The base model with a system prompt and parameters. No weight was changed: the model has learnt nothing."
        ),
    ),
    changes_weights=False,
    shows_examples=False,
    recipe=recipe,
)
