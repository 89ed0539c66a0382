"""The probability of each class, read from the log-probabilities of an answer's tokens. Pure: no airflow, no I/O.

An answer is one JSON object whose first field is the class. Where the class is written, one token or a few decide
between the classes: ``"u`` opens only ``"up"``, while ``b`` may go on to bullish or bearish. A server tells the
probability of the token it chose and of the likeliest others; those that open a class share the mass among them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import exp
from typing import Final, Protocol

from ljwx.core.tasks import TASKS

UNDECIDED: Final = 0.05
"""How much of the mass may be where the server does not say of which class it is; with more, there is no answer."""


class Token(Protocol):
    """One token of an answer, its log-probability, and the likeliest tokens in its place."""

    @property
    def token(self) -> str:
        """The text."""

    @property
    def logprob(self) -> float:
        """Natural logarithm of its probability."""

    @property
    def alternatives(self) -> tuple[tuple[str, float], ...]:
        """Likeliest tokens with their log-probabilities, the chosen one usually among them."""


def class_probabilities(task: str, field: str, tokens: Sequence[Token]) -> dict[str, float] | None:
    """Return the distribution over the task's classes where the answer decided on one.

    Tokens that open no class are left out and the rest is scaled to 1: what a grammar forbids was never to be said.
    None where the field is not found, there are no alternatives, or more than ``UNDECIDED`` of the mass may belong to a
    class that is not known: of a token that fits two classes and was not chosen, or of a class not in the list.

    :param field: name of the field that holds the class.
    """
    text = "".join(token.token for token in tokens)
    found = re.search(rf'"{re.escape(field)}"\s*:\s*"', text)
    if found is None or not any(token.alternatives for token in tokens):
        return None
    endings = {name: text[: found.end()] + f'{name}"' for name in TASKS[task].classes}
    start = 0
    for at, token in enumerate(tokens):
        if start + len(token.token) > found.end():
            return _decided(tokens[at:], text[:start], endings)
        start += len(token.token)
    return None


def _decided(tokens: Sequence[Token], before: str, endings: dict[str, str]) -> dict[str, float] | None:
    """Return the distribution at the first token, following the chosen one while it leaves several classes open.

    :param before: the text before it.
    :param endings: the whole text up to and with each class.
    """
    chosen = tokens[0]
    offered = dict(chosen.alternatives) | {chosen.token: chosen.logprob}
    shares, undecided = dict.fromkeys(endings, 0.0), 0.0
    for text, logprob in offered.items():
        open_to = [name for name, whole in endings.items() if _opens(before + text, whole)]
        if len(open_to) == 1:
            shares[open_to[0]] += exp(logprob)
        elif open_to and text == chosen.token and len(tokens) > 1:
            later = _decided(tokens[1:], before + text, {name: endings[name] for name in open_to})
            for name, share in (later or {}).items():
                shares[name] += exp(logprob) * share
            undecided += 0.0 if later else exp(logprob)
        elif open_to:
            undecided += exp(logprob)
    if not all(shares.values()):
        undecided += min(map(exp, offered.values()))  # a class not in the list is at most as likely as its last
    decided = sum(shares.values())
    if decided <= 0 or undecided > UNDECIDED * decided:
        return None
    return {name: share / decided for name, share in shares.items()}


def _opens(text: str, whole: str) -> bool:
    """Tell whether a text is the beginning of an answer's beginning, or goes on from it."""
    return whole.startswith(text) or text.startswith(whole)
