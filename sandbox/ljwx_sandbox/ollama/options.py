"""Ollama's options: their types and defaults, what llama.cpp calls them, and how long a model stays loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ljwx_sandbox.ollama.errors import ApiError

DEFAULT_CONTEXT = 4096
DEFAULT_KEEP_ALIVE = 300.0

PARSED = "sandbox_parsed"
"""An option that only the sandbox knows: a model that can think is held to no format unless it thinks, as those that a
server has a parser of its own for (qwen3.5, gemma4) are not; ollama/ollama issues 14645 and 15260."""
OLDER = "sandbox_older"
"""An option that only the sandbox knows: prompts are cut whatever is asked, and of them only the tokens that were
computed anew are counted, none being left out, as servers of some years ago did. A model has it as a parameter."""
PRETTY_PRINT = "sandbox_pretty_print"
"""An option that only the sandbox knows: structured answers have blanks and line ends between their tokens, as an
untuned model's have on a real server. A model has it as one of its parameters; where it is absent there are none."""

_TYPES: dict[str, str] = {
    **dict.fromkeys(("num_ctx", "num_predict", "num_keep", "seed", "top_k", "repeat_last_n", "num_batch"), "int"),
    **dict.fromkeys(("num_gpu", "num_thread", "main_gpu"), "int"),
    **dict.fromkeys(("temperature", "top_p", "min_p", "typical_p", "repeat_penalty"), "float32"),
    **dict.fromkeys(("presence_penalty", "frequency_penalty"), "float32"),
    **dict.fromkeys(("use_mmap", "numa", "penalize_newline", OLDER, PARSED, PRETTY_PRINT), "bool"),
    "stop": "[]string",
}
_OF_THE_RUNNER = ("num_batch", "num_gpu", "main_gpu", "use_mmap", "num_thread")
_DEFAULTS: dict[str, Any] = {
    "temperature": 0.8, "top_k": 40, "top_p": 0.9, "min_p": 0.0, "typical_p": 1.0, "repeat_last_n": 64,
    "repeat_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0,
}  # fmt: skip
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(-?\d+(?:\.\d+)?)(ms|s|m|h)")


@dataclass(frozen=True)
class Options:
    """Options of one request, the model's own under the request's."""

    values: dict[str, Any]

    @classmethod
    def merge(cls, parameters: dict[str, Any], options: Any) -> Options:
        """Check types as Ollama does; an option it does not know is ignored."""
        if options is not None and not isinstance(options, dict):
            raise ApiError(400, "json: cannot unmarshal into Go struct field .options of type map[string]interface {}")
        merged = {**parameters, **(options or {})}
        return cls(
            {name: _typed(name, value) for name, value in merged.items() if name in _TYPES and value is not None}
        )

    @property
    def context(self) -> int:
        """Tokens of prompt and answer together."""
        return int(self.values.get("num_ctx", DEFAULT_CONTEXT))

    @property
    def parsed(self) -> bool:
        """Whether the server has a parser of its own for the model's thoughts."""
        return bool(self.values.get(PARSED))

    @property
    def older(self) -> bool:
        """Whether to do as older servers did."""
        return bool(self.values.get(OLDER))

    def counted(self, prompt: int, computed: int) -> dict[str, int]:
        """Return what an answer tells of its prompt's tokens, all of them and those computed anew."""
        told = computed if self.older else prompt
        return {"prompt_eval_count": told} if told else {}

    @property
    def endless(self) -> bool:
        """Whether the model's own end of an answer does not count: with a `num_predict` of 0 a server goes on."""
        return self.values.get("num_predict") == 0

    @property
    def pretty_print(self) -> bool:
        """Whether structured answers may have white space between their tokens."""
        return bool(self.values.get(PRETTY_PRINT))

    def of_the_runner(self, context: int) -> dict[str, Any]:
        """Return the options that a model is loaded with: one that wants others has it loaded anew.

        :param context: tokens that it is loaded for, whatever was asked.
        """
        return {"num_ctx": context, **{name: self.values.get(name) for name in _OF_THE_RUNNER}}

    def sampling(self, room: int) -> dict[str, Any]:
        """Return the request for llama.cpp, with at most `room` tokens of answer."""
        names = [*_DEFAULTS, "stop"]
        request = {name: self.values.get(name, _DEFAULTS.get(name, [])) for name in names}
        wanted = int(self.values.get("num_predict", -1))
        seed = int(self.values.get("seed", -1))
        return {**request, "n_predict": min(wanted, room) if wanted > 0 else room, "seed": seed}


def _typed(name: str, value: Any) -> Any:
    kind = _TYPES[name]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        "int": number,
        "float32": number,
        "bool": isinstance(value, bool),
        "[]string": isinstance(value, list) and all(isinstance(item, str) for item in value),
    }[kind]
    if not fits:
        raise ApiError(500, f'option "{name}" must be of type {"array" if kind == "[]string" else kind}')
    return int(value) if kind == "int" else value


def keep_alive_seconds(value: Any) -> float | None:
    """Return how long a model stays loaded: seconds, None for ever. Numbers are seconds, texts are like ``5m``."""
    if value is None:
        return DEFAULT_KEEP_ALIVE
    if isinstance(value, str) and value not in ("0", "-1"):
        parts = _DURATION.findall(value)
        if not parts or "".join(f"{number}{unit}" for number, unit in parts) != value:
            raise ApiError(400, f'time: invalid duration "{value}"')
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    elif isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ApiError(400, f"Unsupported type: '{type(value).__name__}'")
    else:
        seconds = float(value)
    return None if seconds < 0 else seconds
