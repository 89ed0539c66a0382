"""For how many tokens a model server has loaded a model: what was asked for is often not what is in force."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ljwx.core.ollama import RunningModel
from ljwx.exceptions import ModelMissing
from ljwx.hooks.ollama import OllamaHook

_LOOKS: Final = 20
"""At what is loaded, half a second apart, until a model that was unloaded is gone."""
_LOOKS_AT_UNKNOWN: Final = 4
"""The same for one whose weights nothing tells: where they are others, it does not go."""


def context_in_force(ollama: OllamaHook, model: str, options: Mapping[str, Any] | None = None) -> int | None:
    """Return the tokens of prompt and answer that the server takes of a model; None where it does not say.

    A server serves all models of one file of weights, as long as they want the same options, with what it has loaded
    for the first of them, and lists that under the first one's name. So it is found by its weights. Where that does not
    tell, all that shares the weights is unloaded, and the model loaded alone: it is then the first.

    :param options: those that it is asked with, beside its own.
    """
    ollama.load(model, options)
    sharing, unknown = _loaded(ollama, model)
    if len(sharing) != 1:
        ollama.unload(model)
        _wait_until_gone(ollama, sharing, _LOOKS)
        _wait_until_gone(ollama, unknown, _LOOKS_AT_UNKNOWN)
        ollama.load(model, options)
        sharing, _ = _loaded(ollama, model)
    return sharing[0].context_length if len(sharing) == 1 else None


def _loaded(ollama: OllamaHook, model: str) -> tuple[list[RunningModel], list[RunningModel]]:
    """Return what is loaded of a model's weights, and that of which no tag tells the weights any more."""
    own, weights = ollama.digest(model), ollama.show(model).weights
    tags = {each.digest: each.name for each in ollama.list()}
    sharing, unknown = [], []
    for each in ollama.ps():
        found = weights if each.digest == own else _weights(ollama, tags.get(each.digest))
        if found is None:
            unknown.append(each)
        elif found == weights:
            sharing.append(each)
    return sharing, unknown


def _weights(ollama: OllamaHook, tag: str | None) -> str | None:
    try:
        return None if tag is None else ollama.show(tag).weights or None
    except ModelMissing:  # removed since it was listed
        return None


def _wait_until_gone(ollama: OllamaHook, models: Sequence[RunningModel], looks: int) -> None:
    digests = {each.digest for each in models}
    for _ in range(looks if digests else 0):
        if not any(each.digest in digests for each in ollama.ps()):
            return
        time.sleep(0.5)
