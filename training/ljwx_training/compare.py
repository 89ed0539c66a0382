"""Is the served model the trained one? Token ids and class probabilities of the same prompts, side by side.

Standard library only: the server's side is asked elsewhere, in an environment without torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NOTHING = 1e-6
MUCH_NEARER = 4
"""A base as it is served differs a little from what the trainer makes of it; half an adapter differs from both."""


@dataclass(frozen=True)
class Said:
    """What a model makes of one prompt: the prompt's token ids, and the probability of each class of its answer.

    :param mass: probability, where classes first part, that the next token is one of theirs; they have shares of it.
    """

    prompt: tuple[int, ...]
    classes: Mapping[str, float]
    mass: float = 1.0


@dataclass(frozen=True)
class Comparison:
    """How far the served model is from the trained one, and the trained and the served one from their base.

    :param other_prompts: prompts that became other tokens.
    :param largest_difference: of a class's probability, served against trained.
    :param other_classes: share of prompts whose likeliest class is another one, by more than the tolerance.
    :param reason: why the served model is not the trained one; None where it is.
    """

    prompts: int
    other_prompts: int
    largest_difference: float
    other_classes: float
    trained_from_base: float
    served_from_base: float
    reason: str | None


def compare(
    trained: Sequence[Said], served: Sequence[Said], base: Sequence[Said], tolerance: float, other_classes: float = 0.01
) -> Comparison:
    """Compare prompt by prompt; the first of these that holds is the reason.

    ``other_prompts``: tokenizer or template differ. ``nothing_trained``: trained and base are the same.
    ``base_served``: the served model is much nearer to the base than to the trained one. ``weights_differ``: a class's
    probability differs by more than the tolerance, or more classes than allowed are others.
    """
    others = sum(a.prompt != b.prompt for a, b in zip(trained, served, strict=True))
    apart = _apart(trained, served)
    from_base, served_from_base = _apart(trained, base), _apart(served, base)
    changed = sum(_is_other(a, b, tolerance) for a, b in zip(trained, served, strict=True)) / len(trained)
    reason = None
    if others:
        reason = "other_prompts"
    elif from_base <= NOTHING:
        reason = "nothing_trained"
    elif served_from_base < apart / MUCH_NEARER:
        reason = "base_served"
    elif apart > tolerance or changed > other_classes:
        reason = "weights_differ"
    return Comparison(len(trained), others, apart, changed, from_base, served_from_base, reason)


def _apart(one: Sequence[Said], other: Sequence[Said]) -> float:
    return max(abs(a.classes[name] - b.classes[name]) for a, b in zip(one, other, strict=True) for name in a.classes)


def _is_other(trained: Said, served: Said, tolerance: float) -> bool:
    """Tell whether the likeliest class is another one; two that the trained model finds as likely are one."""
    mine, other = _likeliest(trained), _likeliest(served)
    return mine != other and trained.classes[mine] - trained.classes[other] > tolerance


def _likeliest(said: Said) -> str:
    return max(said.classes, key=lambda name: said.classes[name])
