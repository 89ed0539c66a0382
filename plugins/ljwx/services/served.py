"""What the model server has, by tag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ljwx.core.model_names import normalised_name
from ljwx.hooks.ollama import OllamaHook


@dataclass(frozen=True)
class ServedModels:
    """The tags of a model server at one moment, with their digests.

    :param digests: by normalised name.
    """

    digests: Mapping[str, str]

    @classmethod
    def on(cls, ollama: OllamaHook) -> ServedModels:
        """Return what a server has now."""
        return cls({normalised_name(model.name): model.digest for model in ollama.list()})

    def digest(self, tag: str) -> str | None:
        """Return the digest that a tag points at; None where there is no such tag."""
        return self.digests.get(normalised_name(tag))

    def __contains__(self, tag: str) -> bool:
        return normalised_name(tag) in self.digests
