"""The strategy `fewshot`: examples of the train split in front of the base model, as many as its context holds."""

from __future__ import annotations

from typing import Final

from ljwx.core.models import BuildSpec
from ljwx.strategies.interface import BuildRequest, Description, Strategy


def recipe(request: BuildRequest) -> BuildSpec:
    """Return the spec of the base with its system prompt and the examples that fit behind it.

    :raises ConfigurationError: the dataset has no train or no validation split, or not one example of each task fits.
    """
    from ljwx.strategies.fewshot.examples import fitting_examples  # with hooks and polars; settings import this module

    chosen = fitting_examples(request)
    return request.spec(examples=chosen.sample_ids, messages=chosen.messages)


FEWSHOT: Final = Strategy(
    describes=Description(
        line="examples in front of the base model; no weights were changed",
        chinese="在基座模型前放置训练集中的示例。没有改变任何权重,模型只是看到了示例。",
        english=(
            "The base model with examples of the train split in front. No weight was changed; it is shown examples."
        ),
    ),
    changes_weights=False,
    shows_examples=True,
    recipe=recipe,
)
