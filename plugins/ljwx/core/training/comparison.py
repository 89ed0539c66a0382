"""Is the served model the trained one? Class probabilities and token ids of the same prompts, side by side.

Pure: no airflow, HTTP or SQL. The same rules as the trainer's own `ljwx_training.compare`, which compares the file that
it has written; a test holds the two together. A server's own arithmetic is allowed for here alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final, Literal

NOTHING: Final = 1e-6
MUCH_NEARER: Final = 4
"""A base as it is served differs a little from what the trainer makes of it; half an adapter differs from both."""
OTHER_CLASSES: Final = 0.01
"""Share of prompts whose likeliest class may be another one."""

Reason = Literal["other_prompts", "nothing_trained", "base_served", "weights_differ"]


@dataclass(frozen=True)
class Said:
    """What a model makes of one prompt: the prompt's token ids, and the probability of each class of its answer."""

    prompt: tuple[int, ...]
    classes: Mapping[str, float]


@dataclass(frozen=True)
class Comparison:
    """How far the served model is from the trained one, and the trained and the served one from their base.

    :param other_prompts: prompts that became other tokens.
    :param largest_difference: of a class's probability, served against trained.
    :param mean_difference: of each prompt's class that differs most, the mean over prompts.
    :param other_classes: share of prompts whose likeliest class is another one, by more than the tolerance.
    :param reason: why the served model is not the trained one; None where it is.
    """

    prompts: int
    other_prompts: int
    largest_difference: float
    mean_difference: float
    other_classes: float
    trained_from_base: float
    served_from_base: float
    reason: Reason | None

    def text(self, model: str, tolerance: float) -> str:
        """Say it in a sentence."""
        texts: dict[Reason | None, str] = {
            None: f"{model} answers {self.prompts} prompts as the trained model does: their tokens are the same, and a "
            f"class's probability differs by at most {self.largest_difference:.4f}, from its base by up to "
            f"{self.served_from_base:.2f}.",
            "other_prompts": f"{self.other_prompts} of {self.prompts} prompts become other tokens with {model} than in "
            "training: template, system prompt or tokenizer are others",
            "nothing_trained": f"training changed nothing: a class's probability is that of the base in all "
            f"{self.prompts} prompts",
            "base_served": f"{model} answers with the weights of its base: what was trained is not in it (a class's "
            f"probability is {self.largest_difference:.3f} from the trained model's, {self.served_from_base:.3f} from "
            "the base's)",
            "weights_differ": f"{model} has other weights than were trained: a class's probability differs by up to "
            f"{self.largest_difference:.3f}, where {tolerance:.3g} is allowed, by {self.mean_difference:.3f} on "
            f"average, and {self.other_classes:.0%} of {self.prompts} prompts have another class",
        }
        return texts[self.reason]


def compare(
    trained: Sequence[Said],
    served: Sequence[Said],
    base: Sequence[Said],
    tolerance: float,
    on_average: float | None = None,
) -> Comparison:
    """Compare prompt by prompt; the first of these that holds is the reason.

    ``other_prompts``: tokenizer or template differ. ``nothing_trained``: trained and base are the same.
    ``base_served``: the served model is much nearer to the base than to the trained one. ``weights_differ``: a class's
    probability differs by more than the tolerance, or more classes than allowed are others.

    :param on_average: by how much prompts may differ on average; None: by as much as the tolerance.
    """
    others = sum(a.prompt != b.prompt for a, b in zip(trained, served, strict=True))
    distance, mean = apart(trained, served), apart_on_average(trained, served)
    from_base, served_from_base = apart(trained, base), apart(served, base)
    changed = sum(_is_other(a, b, tolerance) for a, b in zip(trained, served, strict=True)) / len(trained)
    reason: Reason | None = None
    if others:
        reason = "other_prompts"
    elif from_base <= NOTHING:
        reason = "nothing_trained"
    elif served_from_base < distance / MUCH_NEARER:
        reason = "base_served"
    elif distance > tolerance or changed > OTHER_CLASSES or (on_average is not None and mean > on_average):
        reason = "weights_differ"
    return Comparison(len(trained), others, distance, mean, changed, from_base, served_from_base, reason)


def shares(forks: Sequence[tuple[Mapping[str, tuple[str, ...]], Mapping[str, float]]]) -> dict[str, float]:
    """Return the probability of each class, from those of the tokens at each place where classes part.

    :param forks: of each place, the classes that a token leads to, and the tokens' probabilities; a token without one
        has none to speak of.
    """
    found: dict[str, float] = {}
    for ways, given in forks:
        mass = {token: given.get(token, 0.0) for token in ways}
        total = sum(mass.values())
        for token, labels in ways.items():
            for label in labels:
                found[label] = found.get(label, 1.0) * (mass[token] / total if total else 0.0)
    return found


def apart(one: Sequence[Said], other: Sequence[Said]) -> float:
    """Return the largest difference of a class's probability."""
    return max(_differences(one, other))


def apart_on_average(one: Sequence[Said], other: Sequence[Said]) -> float:
    """Return the mean over prompts of the largest difference of a class's probability."""
    return fmean(_differences(one, other))


def _differences(one: Sequence[Said], other: Sequence[Said]) -> Iterator[float]:
    for mine, its in zip(one, other, strict=True):
        yield max(abs(mine.classes[name] - its.classes[name]) for name in mine.classes)


def _is_other(trained: Said, served: Said, tolerance: float) -> bool:
    """Tell whether the likeliest class is another one; two that the trained model finds as likely are one."""
    mine, other = _likeliest(trained), _likeliest(served)
    return mine != other and trained.classes[mine] - trained.classes[other] > tolerance


def _likeliest(said: Said) -> str:
    return max(said.classes, key=lambda name: said.classes[name])
