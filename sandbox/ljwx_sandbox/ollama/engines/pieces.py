"""What an engine gives the server: an answer in pieces. llama.cpp's engine and the scripted one are two of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

OWN_SEED: Final = "own_seed"
"""In a request: the seed among the parameters that a model itself was made with, whatever is asked for. It tells models
apart that share their weights; one that was made without has none, and llama.cpp passes over it."""


@dataclass(frozen=True)
class Piece:
    """A piece of an answer.

    :param logprobs: one entry a token, as llama.cpp gives them.
    :param thought: whether it is of a thought before the answer.
    :param final: llama.cpp's last message with its counts and timings (milliseconds), on the last piece only.
    """

    text: str
    logprobs: list[dict[str, Any]] = field(default_factory=list)
    final: dict[str, Any] | None = None
    thought: bool = False


class LanguageEngine(Protocol):
    """What answers for one GGUF file; `context` is how many tokens of prompt and answer it takes."""

    context: int

    def tokenize(self, text: str) -> list[int]:
        """Return the tokens of a rendered prompt."""

    def complete(self, request: dict[str, Any]) -> Iterator[Piece]:
        """Yield an answer's pieces; the last one carries `final`."""
