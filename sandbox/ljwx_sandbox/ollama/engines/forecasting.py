"""A scripted engine that knows something: what the simulated market has planted, as far as its model is skilled.

The market turns: stocks that rose over the last five sessions tend to fall. The prompt tells each stock's rank by those
returns, and from it the first class of an answer gets its probability. How much of it is read is the skill of a model,
which is told apart by the `seed` that it was made with and can be changed while the server runs; the rest is noise of
its own. A model that was made without a seed, such as an untuned base, knows nothing, whatever seed it is asked with.
"""

from __future__ import annotations

import random
import re
from collections import OrderedDict
from math import exp
from typing import Any

from ljwx_sandbox.ollama.engines.pieces import OWN_SEED
from ljwx_sandbox.ollama.engines.scripted import ScriptedEngine

Skills = dict[int, float]
"""The seed that a model was made with -> its skill from 0 to 1; one that is not there knows nothing."""

_RANK = re.compile(r"排名 5日(\d+(?:\.\d+)?)")
_STRENGTH = 0.6
_REMEMBERED = 64


class _Leaning(random.Random):
    """Chance, but for the weights of the first choice."""

    def __init__(self, seed: str, weights: list[float]) -> None:
        super().__init__(seed)
        self._weights = weights

    def uniform(self, a: float, b: float) -> float:
        """Return the next weight of the first choice, and chance after it."""
        return self._weights.pop(0) if self._weights else super().uniform(a, b)


class ForecastingEngine(ScriptedEngine):
    """Answers by rule, and leans to the class that the planted effect makes likelier.

    :param skills: as they are now; shared by all engines of a server.
    """

    def __init__(self, context: int, skills: Skills, *, slots: int = 1, seconds: float = 0.0) -> None:
        super().__init__(context, slots=slots, seconds=seconds)
        self._skills = skills
        self._texts: OrderedDict[tuple[int, ...], str] = OrderedDict()

    def tokenize(self, text: str) -> list[int]:
        """Return the tokens, and keep the text of them for a while."""
        tokens = super().tokenize(text)
        self._texts[tuple(tokens)] = text
        while len(self._texts) > _REMEMBERED:
            self._texts.popitem(last=False)
        return tokens

    def _dice(self, request: dict[str, Any]) -> random.Random:
        seed = int(request.get(OWN_SEED, -1))
        skill = self._skills.get(seed, 0.0)
        ranks = _RANK.findall(self._texts.get(tuple(request["prompt"]), ""))
        if not ranks:
            return super()._dice(request)
        own = random.Random(f"{seed} {request['prompt']}")
        known = (50 - float(ranks[-1])) / 50
        leaning = _STRENGTH * (skill * known + (1 - skill) * own.uniform(-1, 1))
        return _Leaning(str(request["prompt"]), [exp(leaning), 1.0, exp(-leaning)])
