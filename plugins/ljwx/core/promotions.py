"""The gate: decides from scorecards whether a challenger becomes champion, and says why.

Pure: never imports airflow, an HTTP client, a database driver or a clock, so that the same evidence always gives the
same decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ljwx.core.evaluations import Interval, Resampling, Scorecard
from ljwx.core.evaluations.intervals import FEWEST_BLOCKS
from ljwx.exceptions import ConfigurationError

Verdict = Literal["promoted", "kept_champion", "first_champion", "rejected"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class GatePolicy(_Frozen):
    """What a challenger must show.

    The floors hold with or without a champion; those on shares hold for every task by itself.

    :param min_valid_share: least share of answers that keep to the schema.
    :param min_faithful_share: least share of right ones among the numbers and readings that valid answers claim; a
        task whose answers claim nothing neither holds nor misses it, and the decision says so.
    :param max_modal_share: largest share of one class among the valid answers (more is a collapsed model).
    :param max_latency_p95_s: longest 95 % quantile of seconds per answer; None for no floor.
    :param min_questions: fewest questions in the set, all tasks together.
    :param min_sessions: fewest sessions for a comparison with the champion; at least four blocks, better five: with
        four, and luck shared over the whole horizon, chance alone promoted in 5.3 % of simulated comparisons.
    :param margin: the interval of the difference in accuracy must lie above it whole; 0.01 is one percentage point.
    :param confidence: coverage of that two-sided interval; chance alone passes with half of the rest.
    :param block: sessions per block of the bootstrap; at least the horizon, better twice.
    :param promote_rolled_back: whether a model may become champion that equals one which a person rolled back.
    """

    min_valid_share: float = Field(default=0.95, ge=0, le=1)
    min_faithful_share: float = Field(default=0.9, ge=0, le=1)
    max_modal_share: float = Field(default=0.95, gt=0, le=1)
    max_latency_p95_s: float | None = Field(default=120, gt=0)
    min_questions: int = Field(default=100, ge=1)
    min_sessions: int = Field(default=50, ge=1)
    margin: float = Field(default=0.0, ge=0, lt=1)
    confidence: float = Field(default=0.95, ge=0.9, le=0.999)
    block: int = Field(default=10, ge=1)
    resamples: int = Field(default=2000, ge=1000, le=100_000)
    promote_rolled_back: bool = False

    @model_validator(mode="after")
    def _enough_blocks(self) -> GatePolicy:
        if self.min_sessions < FEWEST_BLOCKS * self.block:
            raise ValueError(f"min_sessions {self.min_sessions} is less than {FEWEST_BLOCKS} blocks of {self.block}")
        return self

    def resampling(self, horizon: int, seed: int) -> Resampling:
        """Return how the interval of the difference is to be made.

        :param horizon: sessions from entry to exit of the labels.
        :raises ConfigurationError: the policy's block is shorter than the horizon.
        """
        if self.block < horizon:
            raise ConfigurationError(
                f"gate.block {self.block} must be at least samples.horizon {horizon}: labels overlap that far"
            )
        return Resampling(block=self.block, resamples=self.resamples, confidence=self.confidence, seed=seed)


class Reason(_Frozen):
    """One reason: a code for machines, a sentence for people, and whether it speaks for the challenger."""

    code: str
    text: str
    favourable: bool


class RolledBack(_Frozen):
    """A model like the challenger that a person took out of service.

    :param reason: the person's.
    :param same: it was made from the very same spec: the challenger is that model under another name. Otherwise only
        its examples were others.
    """

    model: str
    reason: str
    same: bool


class Decision(_Frozen):
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

    :param difference: challenger − champion on the same questions, made with :meth:`GatePolicy.resampling`;
        None without a champion, or if the sessions are too few for an interval.
    :param baselines: differences challenger − baseline by the baseline's name: reported, they decide nothing.
    :param rolled_back: what a person rolled back and is most like the challenger. Only the same spec counts against it;
        that other examples were shown is reported.
    :raises ValueError: evidence that does not belong together: other questions, or a weaker interval than the policy's.
    """
    _check_evidence(policy, challenger, champion, difference)
    floors = tuple(_floors(policy, challenger))
    reported = (*_silent(challenger), *(_baseline(name, interval) for name, interval in (baselines or {}).items()))
    if rolled_back is not None:
        decides = rolled_back.same and not policy.promote_rolled_back
        floors += (_rolled_back(rolled_back),) if decides else ()
        reported += () if decides else (_rolled_back(rolled_back),)
    verdict: Verdict
    comparison: tuple[Reason, ...]
    if not all(reason.favourable for reason in floors):
        verdict, comparison = "rejected", ()
    elif champion is None:
        verdict, comparison = "first_champion", (_NO_CHAMPION,)
    else:
        reason = _compare(policy, challenger.overall.sessions, difference)
        verdict, comparison = ("promoted" if reason.favourable else "kept_champion"), (reason,)
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


_NO_CHAMPION = Reason(
    code="first_champion_unproven",
    text="There is no champion to compare with: the floors hold, but nothing shows that this model is any good.",
    favourable=True,
)


def _check_evidence(
    policy: GatePolicy, challenger: Scorecard, champion: Scorecard | None, difference: Interval | None
) -> None:
    if champion is not None and champion.question_set != challenger.question_set:
        raise ValueError("gate: challenger and champion answered different question sets")
    if difference is None:
        return
    if champion is None:
        raise ValueError("gate: a difference without a champion")
    overall, made = challenger.overall, difference.resampling
    if (difference.questions, difference.sessions) != (overall.n, overall.sessions):
        raise ValueError("gate: the difference was not made from the questions of the scorecards")
    if (made.confidence, made.block, made.resamples) != (policy.confidence, policy.block, policy.resamples):
        raise ValueError("gate: the difference was not made as the policy says (confidence, block, resamples)")


def _floors(policy: GatePolicy, card: Scorecard) -> Iterator[Reason]:
    overall = card.overall
    yield Reason(
        code="questions",
        text=f"{overall.n} questions were asked; at least {policy.min_questions} are needed.",
        favourable=overall.n >= policy.min_questions,
    )
    for task, part in card.tasks.items():
        yield Reason(
            code=f"valid_share:{task}",
            text=f"{part.valid_share:.1%} of the answers to {task} were valid; "
            f"the floor is {policy.min_valid_share:.1%}.",
            favourable=part.valid_share >= policy.min_valid_share,
        )
        told = part.faithfulness
        if told is not None and told.right is not None:
            yield Reason(
                code=f"faithful_share:{task}",
                text=f"{told.right:.1%} of {told.claims} numbers and readings in the answers to {task} were right, "
                f"{told.wrong or 0:.1%} wrong, {told.unsupported or 0:.1%} not in the snapshot; "
                f"the floor is {policy.min_faithful_share:.1%}.",
                favourable=told.right >= policy.min_faithful_share,
            )
        if part.modal_share is not None:
            yield Reason(
                code=f"modal_share:{task}",
                text=f"The most frequent answer to {task} made up {part.modal_share:.1%}; "
                f"more than {policy.max_modal_share:.1%} is a collapsed model.",
                favourable=part.modal_share <= policy.max_modal_share,
            )
    if policy.max_latency_p95_s is not None:
        yield Reason(
            code="latency_p95",
            text=f"95 % of the answers took up to {overall.latency.p95:.2f} s; "
            f"{policy.max_latency_p95_s:.2f} s are allowed.",
            favourable=overall.latency.p95 <= policy.max_latency_p95_s,
        )


def _silent(card: Scorecard) -> Iterator[Reason]:
    """Tell of tasks whose answers were looked through and claim nothing: that is no evidence either way."""
    for task, part in card.tasks.items():
        if part.faithfulness is not None and not part.faithfulness.claims:
            yield Reason(
                code=f"no_claims:{task}",
                text=f"The answers to {task} claim no number and no reading: nothing shows that they are faithful.",
                favourable=False,
            )


def _rolled_back(before: RolledBack) -> Reason:
    made = "It is made from the same spec as" if before.same else "Only in its examples does it differ from"
    return Reason(
        code="rolled_back_before" if before.same else "like_one_rolled_back",
        text=f"{made} {before.model}, which a person rolled back: {before.reason}",
        favourable=False,
    )


def _compare(policy: GatePolicy, sessions: int, difference: Interval | None) -> Reason:
    if difference is None or sessions < policy.min_sessions:
        return Reason(
            code="too_few_sessions",
            text=f"The questions come from {sessions} sessions; a comparison with the champion needs "
            f"{policy.min_sessions}. The champion stays.",
            favourable=False,
        )
    if difference.low > policy.margin:
        return Reason(
            code="better_than_champion",
            text=f"More accurate than the champion by {_points(difference)}: above the margin of {policy.margin:.1%}.",
            favourable=True,
        )
    return Reason(
        code="not_shown_better",
        text=f"Accuracy against the champion's: {_points(difference)}. The interval does not lie above the margin of "
        f"{policy.margin:.1%}. The champion stays.",
        favourable=False,
    )


def _baseline(name: str, difference: Interval | None) -> Reason:
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
