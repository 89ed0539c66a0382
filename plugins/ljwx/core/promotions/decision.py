"""What the gate decides, and what holds whatever the evidence: the floors. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, Literal

from ljwx.core.evaluations import Interval, Scorecard
from ljwx.core.promotions.policy import Frozen, GatePolicy
from ljwx.core.promotions.reasons import (
    Reason,
    RolledBack,
    against_baseline,
    copying,
    floors_of,
    like_rolled_back,
    silent_tasks,
)

Verdict = Literal["promoted", "kept_champion", "first_champion", "retrained", "rejected"]
"""``retrained``: a newer model of the champion's own line serves in its place."""
PROMOTING: Final = frozenset({"promoted", "first_champion", "retrained"})


class Decision(Frozen):
    """What was decided about a line.

    :param promote: its newest model becomes champion.
    :param proven: its RankIC is above 0, and on a task its proper score is better than the class rates.
    """

    promote: bool
    verdict: Verdict
    proven: bool
    reasons: tuple[Reason, ...]


def floors(
    policy: GatePolicy,
    card: Scorecard,
    champion: Scorecard | None,
    rolled_back: RolledBack | None,
    alone: Mapping[str, Counter[str]] = MappingProxyType({}),
) -> tuple[Reason, ...]:
    """Tell of each floor whether it is held: a model below one is rejected, and no evidence helps it.

    :param champion: on the same questions; None without one.
    :param rolled_back: what a person rolled back and is most like the model. Only the same spec counts against it.
    :param alone: task → class → questions of which the class alone was asked, and whose likeliest it is.
    :raises ValueError: the scorecards are not of the same questions.
    """
    if champion is not None and champion.question_set != card.question_set:
        raise ValueError("gate: challenger and champion answered different question sets")
    held = tuple(floors_of(policy, card, alone))
    if champion is not None:
        held += tuple(copying(policy, card, champion))
    return held + ((like_rolled_back(rolled_back),) if rolled_back and _decides(policy, rolled_back) else ())


def reported(
    policy: GatePolicy, card: Scorecard, differences: Mapping[str, Interval | None], rolled_back: RolledBack | None
) -> Iterator[Reason]:
    """Tell what decides nothing: silent tasks, accuracy against rivals on the questions, a model like one rolled back.

    :param differences: in accuracy, from each rival by its name.
    """
    yield from silent_tasks(card)
    for name, interval in differences.items():
        yield against_baseline(name, interval)
    if rolled_back is not None and not _decides(policy, rolled_back):
        yield like_rolled_back(rolled_back)


def with_reported(decision: Decision, more: Iterable[Reason]) -> Decision:
    """Return the decision with reasons that decide nothing."""
    return decision.model_copy(update={"reasons": (*decision.reasons, *more)})


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


def _decides(policy: GatePolicy, rolled_back: RolledBack) -> bool:
    return rolled_back.same and not policy.promote_rolled_back
