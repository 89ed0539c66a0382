"""Thinking before an answer, as Ollama does it: a thought without the format that was asked for, then what is said.

A server knows by a model's template that it can think: it has a place for a message's thought. Where the template has
none and yet lets the answer begin inside a thought, the thought and the tag that ends it are part of the answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ljwx_sandbox.ollama.engines.pieces import LanguageEngine, Piece
from ljwx_sandbox.ollama.errors import ApiError

OPEN, CLOSE = "<think>", "</think>"
THINKING = (
    "{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ if .Thinking }}<think>{{ .Thinking }}</think>\n{{ end }}"
    "{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n"
    "{{ if and $.IsThinkSet (not $.Think) }}<think>\n\n</think>\n\n{{ end }}"
)
"""ChatML of a model that can think, in the way of qwen3's."""
OLDER_THINKING = (
    "{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n<think>\n"
)
"""ChatML of a model that thinks and does not say so: its server cannot tell the thought from the answer."""
_LEVELS = ("high", "medium", "low", "max")
_MUST_BE = ", ".join(f'"{level}"' for level in _LEVELS) + ", true, or false"
_OF_THE_FORMAT = ("json_schema", "ignore_eos")


def capabilities(template: str) -> list[str]:
    """Name what a model with this template can do, in the server's words."""
    return ["completion", "thinking"] if ".Thinking" in template else ["completion"]


def wanted(name: str, template: str, think: Any) -> bool | None:
    """Return whether to think first: as asked, else a model that can does; None where there is nothing to think.

    :raises ApiError: the model cannot, or what was asked is no answer to that.
    """
    if isinstance(think, str) and think not in _LEVELS:
        raise ApiError(400, f'invalid think value: "{think}" (must be {_MUST_BE})')
    if think is not None and not isinstance(think, bool | str):
        raise ApiError(400, f"think must be a boolean or string ({_MUST_BE})")
    if "thinking" in capabilities(template):
        return think is None or bool(think)
    if think:
        raise ApiError(400, f'"{name}" does not support thinking')
    return None


def pieces(engine: LanguageEngine, prompt: list[int], request: dict[str, Any]) -> Iterator[Piece]:
    """Yield the pieces of a thought and of the answer behind it; the thought alone where it uses up all tokens."""
    thought, first = "", dict[str, Any]()
    free = {name: value for name, value in request.items() if name not in _OF_THE_FORMAT}
    for piece in engine.complete({**free, "prompt": prompt, "stop": [*request["stop"], CLOSE]}):
        thought += piece.text
        if piece.final is not None:
            first = piece.final
        yield replace(piece, thought=True, final=None)
    left = request["n_predict"] - first["tokens_predicted"]
    if first["stop_type"] == "limit" or left <= 0:
        yield Piece("", final={**first, "stop_type": "limit"})
        return
    begun = [*prompt, *engine.tokenize(f"{OPEN}{thought}{CLOSE}\n\n")]
    for piece in engine.complete({**request, "prompt": begun, "n_predict": left}):
        yield piece if piece.final is None else replace(piece, final=_both(first, piece.final))


def _both(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Count thought and answer together; the prompt is that of the first."""
    sums = {
        name: first["timings"][name] + second["timings"][name] for name in ("prompt_n", "prompt_ms", "predicted_ms")
    }
    return {
        **second,
        "tokens_evaluated": first["tokens_evaluated"],
        "tokens_predicted": first["tokens_predicted"] + second["tokens_predicted"],
        "timings": {**second["timings"], **sums},
    }
