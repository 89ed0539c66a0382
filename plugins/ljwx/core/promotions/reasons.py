"""The reasons of a decision, each a sentence for people. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from ljwx.core.evaluations import Interval, Scorecard, TaskScore
from ljwx.core.promotions.policy import Frozen, GatePolicy
from ljwx.core.tasks import TASKS


class Reason(Frozen):
    """One reason: a code for machines, a sentence for people, and whether it speaks for the challenger."""

    code: str
    text: str
    favourable: bool


class RolledBack(Frozen):
    """A model like the challenger that a person took out of service.

    :param reason: the person's.
    :param same: it was made from the very same spec: the challenger is that model under another name. Otherwise only
        its examples were others.
    """

    model: str
    reason: str
    same: bool


class Looked(Frozen):
    """How often was decided before, refusals and rollbacks aside.

    :param of_line: about models of the same line: the same recipe on whatever data.
    :param of_model: of these, about the very same model under whatever name.
    :param other_lines: how many other lines were decided about.
    """

    of_line: int
    of_model: int
    other_lines: int


LEFT_OUT: Final = {
    "made_on": "about sessions that a model was made on",
    "purged": "of the purge after them",
    "used_before": "of sessions on which a line was promoted",
    "no_outcome": "without a stored number of what came true (their order does not count)",
    "too_few_stocks": "of sessions with too few stocks",
}

NO_CHAMPION = Reason(
    code="first_champion_unproven",
    text="There is no champion to compare with: the floors hold, but nothing shows that this model is any good.",
    favourable=True,
)


FIRST_PROVEN = Reason(
    code="first_champion",
    text="There is no champion to compare with: it serves because the floors hold.",
    favourable=True,
)


def floors_of(policy: GatePolicy, card: Scorecard, alone: Mapping[str, Counter[str]]) -> Iterator[Reason]:
    """Tell of each floor whether the challenger holds it.

    :param alone: task → class → how many questions of which the class alone was asked have it as their likeliest.
    """
    overall = card.overall
    yield Reason(
        code="questions",
        text=f"{overall.n} questions were asked; at least {policy.min_questions} are needed.",
        favourable=overall.n >= policy.min_questions,
    )
    for task, part in card.tasks.items():
        yield from _floors_of_task(policy, task, part)
        yield from _collapsed(policy, task, part, alone.get(task, Counter()))
    if policy.max_latency_p95_s is not None:
        yield Reason(
            code="latency_p95",
            text=f"95 % of the answers took up to {overall.latency.p95:.2f} s; "
            f"{policy.max_latency_p95_s:.2f} s are allowed.",
            favourable=overall.latency.p95 <= policy.max_latency_p95_s,
        )


def _floors_of_task(policy: GatePolicy, task: str, part: TaskScore) -> Iterator[Reason]:
    yield Reason(
        code=f"valid_share:{task}",
        text=f"{part.valid_share:.1%} of the answers to {task} were valid; the floor is {policy.min_valid_share:.1%}.",
        favourable=part.valid_share >= policy.min_valid_share,
    )
    faithful = part.faithfulness
    if faithful is not None and faithful.right is not None:
        yield Reason(
            code=f"faithful_share:{task}",
            text=f"{faithful.right:.1%} of {faithful.claims} numbers and readings in the answers to {task} were right, "
            f"{faithful.wrong or 0:.1%} wrong, {faithful.unsupported or 0:.1%} not in the snapshot; "
            f"the floor is {policy.min_faithful_share:.1%}.",
            favourable=faithful.right >= policy.min_faithful_share,
        )
    if faithful is not None and faithful.unchecked is not None:
        yield Reason(
            code=f"unchecked_share:{task}",
            text=f"{faithful.unchecked:.1%} of the words in the answers to {task} claim nothing that a snapshot could "
            f"bear out; {policy.max_unchecked_share:.1%} are allowed.",
            favourable=faithful.unchecked <= policy.max_unchecked_share,
        )


def _collapsed(policy: GatePolicy, task: str, part: TaskScore, alone: Counter[str]) -> Iterator[Reason]:
    """Tell whether one class is nearly all that the challenger says; nothing where no class is known."""
    columns = zip(*part.confusion, strict=True)  # one more than classes, of invalid answers
    in_full = Counter({name: sum(column) for name, column in zip(part.classes, columns, strict=False)})
    said = in_full + alone
    if not said:
        return
    most, every = max(said.values()), said.total()
    of_them = f", {alone.total()} of them a class alone" if alone else ""
    yield Reason(
        code=f"modal_share:{task}",
        text=f"The most frequent answer to {task} made up {most / every:.1%} of {every}{of_them}; "
        f"more than {policy.max_modal_share:.1%} is a collapsed model.",
        favourable=most / every <= policy.max_modal_share,
    )


def abstention(abstained: int, asked: int) -> Reason:
    """Tell how many questions without facts a model answered by saying so, when it was verified.

    :param asked: in a bare chat.
    """
    return Reason(
        code="abstention_share",
        text=f"When it was verified, it answered {abstained} of {asked} questions without facts by saying that it has "
        f"none ({abstained / asked:.0%}). It decides nothing here.",
        favourable=abstained == asked,
    )


def silent_tasks(card: Scorecard) -> Iterator[Reason]:
    """Tell of tasks whose answers were looked through and claim nothing: that is no evidence either way."""
    for task, part in card.tasks.items():
        if part.faithfulness is not None and not part.faithfulness.claims:
            yield Reason(
                code=f"no_claims:{task}",
                text=f"The answers to {task} claim no number and no reading: nothing shows that they are faithful.",
                favourable=False,
            )


def like_rolled_back(before: RolledBack) -> Reason:
    """Tell that a model like this one was rolled back."""
    made = "It is made from the same spec as" if before.same else "Only in its examples does it differ from"
    return Reason(
        code="rolled_back_before" if before.same else "like_one_rolled_back",
        text=f"{made} {before.model}, which was rolled back: {before.reason}",
        favourable=False,
    )


def decided_before(before: Looked) -> Reason:
    """Tell how often was decided about this recipe and about this very model."""
    recipes = before.other_lines + 1
    others = f"{recipes} recipe{'s were' if recipes > 1 else ' was'} decided about so far."
    if not before.of_line:
        return Reason(code="decided_before", text=f"The first decision about this recipe; {others}", favourable=True)
    same = f", {before.of_model} of them about this very model under another name" if before.of_model else ""
    return Reason(
        code="decided_before",
        text=f"Decision number {before.of_line + 1} about this recipe, on whatever data{same}; {others}",
        favourable=True,
    )


def left_out(counts: Mapping[str, int]) -> Iterator[Reason]:
    """Tell which questions that were answered do not count, and why.

    :param counts: reason, one of ``LEFT_OUT``, → questions.
    """
    if counts:
        numbers = "; ".join(f"{count} {LEFT_OUT.get(why, why)}" for why, count in counts.items())
        yield Reason(
            code="left_out", text=f"Questions that were answered and do not count: {numbers}.", favourable=True
        )


def calibration(card: Scorecard) -> Iterator[Reason]:
    """Tell how well probabilities fit, beside what chance alone makes of perfect ones."""
    found = card.overall.calibration
    if found is not None and found.ece_of_perfect is not None:
        band = found.ece_of_perfect
        yield Reason(
            code="calibration",
            text=f"The expected calibration error is {found.ece:.3f} on {found.n} answers; a perfectly calibrated "
            f"answerer shows {band.mean:.3f}, and up to {band.high:.3f} in 95 of 100 cases. It decides nothing.",
            favourable=found.ece <= band.high,
        )


def copying(policy: GatePolicy, card: Scorecard, champion: Scorecard) -> Iterator[Reason]:
    """Tell of each task whose answer stands in the prompt whether the challenger reads it about as well."""
    for task, part in card.tasks.items():
        if TASKS[task].is_copying and task in champion.tasks:
            theirs = champion.tasks[task].accuracy
            yield Reason(
                code=f"copying:{task}",
                text=f"The answers to {task} stand in the prompt: {part.accuracy:.1%} were right, {theirs:.1%} of the "
                f"champion's; {100 * policy.max_copying_loss:.0f} points less are allowed, and more promotes nobody.",
                favourable=part.accuracy >= theirs - policy.max_copying_loss,
            )


def against_baseline(name: str, difference: Interval | None) -> Reason:
    """Tell whether the interval of the difference from a baseline lies above 0."""
    if difference is None:
        return Reason(
            code=f"baseline_not_compared:{name}",
            text=f"Too few sessions for an interval of the difference from the baseline {name}.",
            favourable=False,
        )
    better = difference.low > 0
    return Reason(
        code=f"better_than_baseline:{name}" if better else f"not_shown_better_than_baseline:{name}",
        text=f"Accuracy against the baseline {name}: {_points(difference)}"
        + ("." if better else "; it is not shown to be better."),
        favourable=better,
    )


def _points(difference: Interval) -> str:
    made = difference.resampling
    return (
        f"{100 * difference.estimate:+.1f} points "
        f"({made.confidence:.0%} interval {100 * difference.low:+.1f} to {100 * difference.high:+.1f})"
    )
