"""The gate itself: from scorecards to a decision. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ljwx.core.evaluations import Interval, Scorecard
from ljwx.core.promotions.policy import Frozen, GatePolicy
from ljwx.core.promotions.reasons import (
    NO_CHAMPION,
    Looked,
    Reason,
    RolledBack,
    against_baseline,
    against_champion,
    copying,
    floors_of,
    like_rolled_back,
    looked_before,
    silent_tasks,
)
from ljwx.core.tasks import TASKS

Verdict = Literal["promoted", "kept_champion", "first_champion", "rejected"]


class Decision(Frozen):
    """What the gate decided, on what evidence.

    :param unproven: promoted because there was nothing to compare with, not because it was shown to be better.
    """

    promote: bool
    verdict: Verdict
    unproven: bool
    reasons: tuple[Reason, ...]
    question_set: str
    difference: Interval | None
    policy: GatePolicy


def decide(
    policy: GatePolicy,
    challenger: Scorecard,
    champion: Scorecard | None,
    difference: Interval | None,
    baselines: Mapping[str, Interval | None] | None = None,
    rolled_back: RolledBack | None = None,
) -> Decision:
    """Decide whether the challenger becomes champion.

    A challenger below a floor is ``rejected``, and so is one that equals a model which a person rolled back. Otherwise,
    without a champion it becomes the first one, unproven; with one it is promoted only if the interval of the
    difference lies above the margin.

    :param difference: challenger − champion on the same questions but those whose answer stands in the prompt, made
        with :meth:`GatePolicy.resampling`; None without a champion, or if the sessions are too few for an interval.
    :param baselines: differences challenger − baseline by the baseline's name: reported, they decide nothing.
    :param rolled_back: what a person rolled back and is most like the challenger. Only the same spec counts against it;
        that other examples were shown is reported.
    :raises ValueError: evidence that does not belong together: other questions, or a weaker interval than the policy's.
    """
    _check_evidence(policy, challenger, champion, difference)
    floors = tuple(floors_of(policy, challenger))
    reported = (
        *silent_tasks(challenger),
        *(against_baseline(name, interval) for name, interval in (baselines or {}).items()),
    )
    if rolled_back is not None:
        decides = rolled_back.same and not policy.promote_rolled_back
        floors += (like_rolled_back(rolled_back),) if decides else ()
        reported += () if decides else (like_rolled_back(rolled_back),)
    verdict: Verdict
    comparison: tuple[Reason, ...]
    if not all(reason.favourable for reason in floors):
        verdict, comparison = "rejected", ()
    elif champion is None:
        verdict, comparison = "first_champion", (NO_CHAMPION,)
    else:
        comparison = (
            *copying(policy, challenger, champion),
            against_champion(policy, challenger.overall.sessions, difference),
        )
        verdict = "promoted" if all(reason.favourable for reason in comparison) else "kept_champion"
    return Decision(
        promote=verdict in ("promoted", "first_champion"),
        verdict=verdict,
        unproven=verdict == "first_champion",
        reasons=floors + comparison + reported,
        question_set=challenger.question_set,
        difference=difference,
        policy=policy,
    )


def with_sealed_test(decision: Decision, card: Scorecard, rival: str, difference: float, looks: int) -> Decision:
    """Return the decision with what the sealed test window shows; it was made before and stays as it is.

    :param card: the challenger's on questions of the test split.
    :param rival: whom it is compared with there.
    :param difference: accuracy less the rival's.
    :param looks: how often a test window that shares sessions with this one was looked at, this time included.
    :raises ValueError: the decision does not promote: then the window stays sealed.
    """
    if not decision.promote:
        raise ValueError("gate: the test window is opened only for a challenger that passed")
    overall = card.overall
    reason = Reason(
        code="sealed_test",
        text=f"On {overall.n} questions of the sealed test window it was right in {overall.accuracy:.1%}, "
        f"{100 * difference:+.1f} points against {rival}; look number {looks} at these sessions. It decides nothing.",
        favourable=difference > 0,
    )
    return decision.model_copy(update={"reasons": (*decision.reasons, reason)})


def with_looks(decision: Decision, before: Looked) -> Decision:
    """Return the decision with how often was looked; it decides nothing."""
    return decision.model_copy(update={"reasons": (*decision.reasons, looked_before(before))})


def _check_evidence(
    policy: GatePolicy, challenger: Scorecard, champion: Scorecard | None, difference: Interval | None
) -> None:
    if champion is not None and champion.question_set != challenger.question_set:
        raise ValueError("gate: challenger and champion answered different question sets")
    if difference is None:
        return
    if champion is None:
        raise ValueError("gate: a difference without a champion")
    made = difference.resampling
    predicted = sum(part.n for task, part in challenger.tasks.items() if not TASKS[task].is_copying)
    if difference.questions != predicted or difference.sessions > challenger.overall.sessions:
        raise ValueError("gate: the difference was not made from the questions of the scorecards")
    if (made.confidence, made.block, made.resamples) != (policy.confidence, policy.block, policy.resamples):
        raise ValueError("gate: the difference was not made as the policy says (confidence, block, resamples)")
