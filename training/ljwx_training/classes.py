"""Where the classes of an answer part: one token decides, or a few in turn.

``{"direction":"up"`` and ``{"direction":"down"`` part at their class's first token; bullish and bearish may share it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ljwx_training.samples import Decision

FIRST_FIELD = re.compile(r'\s*\{\s*"(?P<field>\w+)"\s*:\s*"(?P<label>[^"]*)"')

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Fork:
    """A place at which classes part.

    :param before: the answer's tokens up to it.
    :param ways: the classes of each token that can come next.
    """

    before: Ids
    ways: Mapping[int, tuple[str, ...]]


def forks(answers: Mapping[str, Ids]) -> tuple[Fork, ...]:
    """Return every fork, the first first, of the token ids of one answer as each class would have it."""
    if len(answers) < 2:
        return ()
    at = 0
    while len({ids[at] for ids in answers.values()}) == 1:
        at += 1
    first = next(iter(answers.values()))
    ways: dict[int, list[str]] = {}
    for label, ids in answers.items():
        ways.setdefault(ids[at], []).append(label)
    found = [Fork(first[:at], {token: tuple(labels) for token, labels in ways.items()})]
    for labels in ways.values():
        found += forks({label: answers[label] for label in labels})
    return tuple(found)


def decisions(answers: Mapping[str, Ids], label: str, target: Mapping[str, float], start: int) -> tuple[Decision, ...]:
    """Return the forks on the way of one class, with the wanted share of each way.

    :param start: where the answer begins in the sample.
    """
    mine, made = answers[label], []
    for fork in forks(answers):
        if mine[: len(fork.before)] != fork.before or mine[len(fork.before)] not in fork.ways:
            continue
        shares = [sum(target.get(name, 0.0) for name in names) for names in fork.ways.values()]
        total = sum(shares)
        truth = list(fork.ways).index(mine[len(fork.before)])
        wanted = tuple(s / total for s in shares) if total else tuple(float(i == truth) for i in range(len(shares)))
        made.append(Decision(start + len(fork.before), tuple(fork.ways), wanted, truth))
    return tuple(made)
