"""The probability of each class, read from the log-probabilities of an answer's tokens. Pure: no airflow, no I/O.

An answer is one JSON object with a field that holds the class. Where the class begins, one token or a few decide
between the classes: ``"u`` opens only ``"up"``, while ``b`` may go on to bullish or bearish. A server tells the
probability of the token it chose and of the likeliest others; those that open a class share the mass among them.

Between the tokens of JSON there may be white space, and a token may hold a piece of it, of the quote and of the class
alike: the class of a token is what it opens, however it is laid out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import exp
from typing import Final, Protocol

from ljwx.core.tasks import TASKS

UNDECIDED: Final = 0.05
"""How much of the mass may be where the server does not say of which class it is; with more, there is no answer."""
_BLANKS: Final = " \t\r\n"


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

    That begins at the first token that has a letter of the class, or may have had one: a blank was chosen where another
    token would have held the class too. Which class a layout that was not chosen would have led to is not asked.

    Tokens that open no class are left out and the rest is scaled to 1: what a grammar forbids was never to be said.
    None where the field is not found, there are no alternatives, or more than ``UNDECIDED`` of the mass may belong to a
    class that is not known: of a token that fits two classes and was not chosen, or of a class not in the list.

    :param field: name of the field that holds the class.
    """
    text = "".join(token.token for token in tokens)
    found = _field_in(field, text)
    if found is None or not any(token.alternatives for token in tokens):
        return None
    place = _Place.at(found, field, text)
    before = ""
    for at, token in enumerate(tokens):
        if any(place.value_of(before + text) for text in _offered(token)):
            return _decided(tokens[at:], before, place, TASKS[task].classes)
        before += token.token
    return None


def class_told_at(task: str, field: str, tokens: Sequence[Token]) -> int | None:
    """Return how many tokens an answer needed to name its class; None where several can still follow.

    :func:`class_probabilities` reads the same from these tokens as from the whole answer.
    """
    text = "".join(token.token for token in tokens)
    found = _field_in(field, text)
    if found is None:
        return None
    place, before = _Place.at(found, field, text), ""
    for at, token in enumerate(tokens, start=1):
        before += token.token
        if place.value_of(before) and len(place.opened_by(before, TASKS[task].classes)) <= 1:
            return at
    return None


def _field_in(field: str, text: str) -> re.Match[str] | None:
    return re.search(rf'"{re.escape(field)}"[{_BLANKS}]*:[{_BLANKS}]*"', text)


@dataclass(frozen=True)
class _Place:
    """Where an answer writes its class.

    :param pieces: the texts before the class, with blanks between them or without.
    """

    pieces: tuple[str, ...]

    @classmethod
    def at(cls, found: re.Match[str], field: str, text: str) -> _Place:
        """Return the place of a field that was found in a text."""
        return cls((text[: found.start()].strip(_BLANKS), f'"{field}"', ":", '"'))

    def value_of(self, text: str) -> str | None:
        """Return what an answer that begins like this has of the class, as JSON behind its quote.

        Empty where the class has not begun; None where the answer goes another way.
        """
        rest = text
        for piece in self.pieces:
            rest = rest.lstrip(_BLANKS)
            if not rest.startswith(piece):
                return "" if piece.startswith(rest) else None
            rest = rest.removeprefix(piece)
        return rest

    def opened_by(self, text: str, classes: Collection[str]) -> list[str]:
        """Return the classes that an answer which begins like this may still have."""
        value = self.value_of(text)
        if value is None:
            return []
        return [name for name in classes if f'{name}"'.startswith(value) or value.startswith(f'{name}"')]


def _decided(tokens: Sequence[Token], before: str, place: _Place, classes: Collection[str]) -> dict[str, float] | None:
    """Return the distribution at the first token, following the chosen one while it leaves several classes open.

    :param before: the text before it.
    :param classes: those that are open before it.
    """
    chosen = tokens[0]
    is_layout = place.value_of(before + chosen.token) == ""
    shares, undecided = dict.fromkeys(classes, 0.0), 0.0
    for text, share in _offered(chosen).items():
        if text != chosen.token and (not text or (is_layout and place.value_of(before + text) == "")):
            continue  # an end of the answer, or a part of a character; or another layout, which says nothing of classes
        opened = place.opened_by(before + text, classes)
        if len(opened) == 1:
            shares[opened[0]] += share
        elif opened and text == chosen.token and len(tokens) > 1:
            later = _decided(tokens[1:], before + text, place, opened)
            for name, part in (later or {}).items():
                shares[name] += share * part
            undecided += 0.0 if later else share
        elif opened:
            undecided += share
    undecided += _unlisted(chosen) * sum(not share for share in shares.values())
    decided = sum(shares.values())
    if decided <= 0 or undecided > UNDECIDED * decided:
        return None
    return {name: share / decided for name, share in shares.items()}


def _offered(token: Token) -> dict[str, float]:
    """Return how likely each text is in a token's place; two tokens may have the same text."""
    offered: dict[str, float] = {}
    for text, logprob in token.alternatives:
        offered[text] = offered.get(text, 0.0) + exp(logprob)
    return offered | {token.token: max(offered.get(token.token, 0.0), exp(token.logprob))}


def _unlisted(chosen: Token) -> float:
    """Return how likely a token can be that is not in the list: no likelier than the list's last."""
    return min((exp(logprob) for _, logprob in chosen.alternatives), default=exp(chosen.logprob))
