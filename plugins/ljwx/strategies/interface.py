"""What a strategy is: a recipe made from a request, and what may be said of the models it makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ljwx.core.models import BuildSpec
from ljwx.core.prompts import Prompts
from ljwx.core.training.settings import LoraSettings

if TYPE_CHECKING:
    from ljwx.hooks.ollama import OllamaHook
    from ljwx.hooks.warehouse import WarehouseHook


@dataclass(frozen=True)
class Description:
    """What a strategy does to its base model.

    :param line: for the command line, after the model's name.
    :param chinese: for reports.
    :param english: for reports.
    """

    line: str
    chinese: str
    english: str


@dataclass(frozen=True)
class BuildRequest:
    """What a recipe may be made of: the dataset, the base model, and the settings in force.

    :param strategy: name of the strategy.
    :param base_digest: 64 hex digits of the base on the server.
    :param parameters: Ollama's parameters; `num_ctx` is among them.
    :param template: chat template in place of the base's own; None keeps that.
    :param repository: name before the colon of the tags that this package makes.
    :param num_predict: most tokens of an answer.
    :param seed: of every draw from the dataset.
    :param examples_per_task: most examples of each task; None: as many as fit the context.
    :param lora: how weights are trained, where they are.
    """

    strategy: str
    dataset_id: str
    base: str
    base_digest: str
    prompts: Prompts
    parameters: Mapping[str, Any]
    template: str | None
    repository: str
    num_predict: int
    seed: int
    examples_per_task: int | None
    warehouse: WarehouseHook
    ollama: OllamaHook
    lora: LoraSettings = field(default_factory=LoraSettings)

    @property
    def num_ctx(self) -> int:
        """Tokens of prompt and answer together."""
        return int(self.parameters["num_ctx"])

    def spec(self, **taken: Any) -> BuildSpec:
        """Return the spec of the base with system prompt, parameters and template.

        :param taken: fields of a BuildSpec that the strategy takes from dataset or base.
        """
        own = {
            "base": self.base,
            "base_digest": self.base_digest,
            "strategy": self.strategy,
            "system": self.prompts.system,
            "parameters": dict(self.parameters),
            "template": self.template,
        }
        return BuildSpec(**own | taken)


@dataclass(frozen=True)
class Strategy:
    """One way of making a model.

    The recipe is all that decides what the model will be, known before it is built, as the spec that it is built from.
    Of the dataset it holds only what the strategy takes. Where a strategy changes weights, the spec says in `training`
    how; they are made before the build, and are named in `gguf_sha256` then.

    :param changes_weights: whether its models have weights of their own.
    :param shows_examples: whether its models begin each conversation with examples.
    :param recipe: makes the recipe; asking again for the same gives the same.
    """

    describes: Description
    changes_weights: bool
    shows_examples: bool
    recipe: Callable[[BuildRequest], BuildSpec]

    def problem(self, spec: BuildSpec) -> str | None:
        """Say why a spec cannot be of a model that this strategy makes; None where it can."""
        if bool(spec.messages) != self.shows_examples:
            return f"strategy {spec.strategy!r} {'needs' if self.shows_examples else 'has no'} messages"
        if {spec.gguf_sha256 is not None, spec.training is not None} != {self.changes_weights}:
            return f"strategy {spec.strategy!r} changes {'' if self.changes_weights else 'no '}weights; see gguf_sha256"
        return None
