"""An engine without a language model: its answers fit the schema, are the same for the same prompt, and cost nothing.

For tests of what is done with answers. The server, its API, the templates, the context limit and the model files are
the real ones; only the words are drawn by a generator that the prompt's tokens seed.
"""

from __future__ import annotations

import random
import re
import threading
import time
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain, count, islice, takewhile
from typing import Any

from ljwx_sandbox.ollama.engines.pieces import Piece
from ljwx_sandbox.ollama.engines.script import Layout, Token, fitting, prose
from ljwx_sandbox.ollama.thinking import CLOSE, OPEN

_TOKEN = re.compile(r"<\|\w+\|>| ?[A-Za-z]+| ?[0-9]|\s+|.", re.DOTALL)
_VOCABULARY = 49152
_REMEMBERED = 4


class ScriptedEngine:
    """Answers by rule.

    :param slots: requests that are answered at a time; more wait.
    :param seconds: how long each answer takes, whatever it says.
    :param cached: whether the beginning that a prompt shares with one of the last ones counts as cached.
    """

    def __init__(self, context: int, *, slots: int = 1, seconds: float = 0.0, cached: bool = True) -> None:
        self.context = context
        self._slots = threading.BoundedSemaphore(slots)
        self._seconds = seconds
        self._cached = cached
        self._before: deque[list[int]] = deque(maxlen=_REMEMBERED)

    def tokenize(self, text: str) -> list[int]:
        """Return a number a word, digit or other sign: about as many as a real tokenizer gives English text."""
        return [zlib.crc32(word.encode("utf-8", "surrogatepass")) % _VOCABULARY for word in _TOKEN.findall(text)]

    def complete(self, request: dict[str, Any]) -> Iterator[Piece]:
        """Yield the answer token by token, in llama.cpp's form, once a slot is free."""
        with self._slots:
            time.sleep(self._seconds)
            yield from self._answer(request)

    def _answer(self, request: dict[str, Any]) -> Iterator[Piece]:
        started = time.perf_counter()
        prompt: list[int] = request["prompt"]
        known = max((_shared(prompt, other) for other in self._before), default=0)
        cached = max(0, min(known, len(prompt) - 1))
        if self._cached:
            self._before.append(prompt)
        dice = self._dice(request)
        whole = _before_stop(self._words(request, dice), request.get("stop", []))
        said = whole[: request["n_predict"]]
        read = time.perf_counter()
        for token in said:
            yield Piece(token.text, [token.entry(request["n_probs"])] if "n_probs" in request else [])
        timings = {"prompt_n": len(prompt) - cached, "cache_n": cached, "prompt_ms": (read - started) * 1e3}
        final = {
            "stop_type": "limit" if len(said) < len(whole) else "eos", "tokens_predicted": len(said),
            "tokens_evaluated": len(prompt),
            "timings": timings | {"predicted_ms": (time.perf_counter() - read) * 1e3},
        }  # fmt: skip
        yield Piece("", final=final)

    def _dice(self, request: dict[str, Any]) -> random.Random:
        """Return what decides on the words."""
        return random.Random(_seed(request["prompt"], request))

    def _words(self, request: dict[str, Any], dice: random.Random) -> list[Token]:
        """Return the answer's tokens up to its own end; one without an end is as long as it may be, and one longer."""
        form = request.get("json_schema")
        if form is not None:
            return list(fitting(form, form, dice, Layout(form["x-guidance"]["whitespace_flexible"])))
        if not request.get("ignore_eos"):
            return list(self._prose(request["prompt"], dice))
        return list(islice(chain.from_iterable(prose(dice) for _ in count()), request["n_predict"] + 1))

    def _prose(self, prompt: list[int], dice: random.Random) -> Iterator[Token]:
        """Yield a sentence, and another one as a thought before it where the prompt ends inside of one."""
        begun = self.tokenize(f"{OPEN}\n")
        if prompt[-len(begun) :] == begun:
            yield from (*prose(dice), Token("\n"), Token(CLOSE), Token("\n\n"))
        yield from prose(dice)


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Count the tokens with which both begin."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _seed(prompt: Sequence[int], request: dict[str, Any]) -> str | None:
    """Return what decides on the words: the prompt, and above temperature 0 the seed; None for chance."""
    if not request.get("temperature"):
        return str(prompt)
    seed = request.get("seed", -1)
    return f"{seed} {prompt}" if seed >= 0 else None


def _before_stop(tokens: list[Token], stops: Sequence[str]) -> list[Token]:
    """Leave out what follows, and the token in which a stop text ends."""
    text = ""
    for at, token in enumerate(tokens):
        text += token.text
        if any(stop in text for stop in stops):
            return tokens[:at]
    return tokens
