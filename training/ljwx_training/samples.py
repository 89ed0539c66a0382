"""Samples as the model sees them: token ids, where the answer begins, and which tokens decide the class.

Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decision:
    """A token of an answer at which classes part.

    :param position: index of the token in the sample.
    :param tokens: one token id for each way to go on.
    :param target: wanted probability of each, summing to 1.
    :param truth: index of the way that the answer takes.
    """

    position: int
    tokens: tuple[int, ...]
    target: tuple[float, ...]
    truth: int


@dataclass(frozen=True)
class Sample:
    """One conversation.

    :param ids: the prompt's tokens, then the answer's with its stop token.
    :param start: index of the answer's first token.
    :param weight: how much the sample counts; 1 is usual.
    """

    ids: tuple[int, ...]
    start: int
    weight: float = 1.0
    decisions: tuple[Decision, ...] = ()
