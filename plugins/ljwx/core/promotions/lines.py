"""The decision about a line from evidence that may be looked at daily. Pure: no airflow, no I/O, no clock.

RankIC decides. A proper score may not be worse by more than a margin, so that a line does not rank better by saying
things it cannot mean. Floors (copying, validity, faithfulness, collapse, latency) come first and decide nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp

from pydantic import Field

from ljwx.core.evidence import Budget, Weighed
from ljwx.core.promotions.decision import Verdict
from ljwx.core.promotions.policy import Frozen
from ljwx.core.promotions.reasons import NO_CHAMPION, Reason

SHOWN_UP_TO = 1e6
"""Evidence beyond this is shown as this."""


class LinePolicy(Frozen):
    """What a line must show.

    :param error_rate: chance that any of the lines which begin to challenge within ``error_sessions`` is promoted
        without being better, over all looks.
    :param stake: what a new line gets of the rest of it.
    :param score_margin: by how much a proper score per question may be worse than the champion's, or than class rates.
    """

    error_rate: float = Field(default=0.05, gt=0, le=0.2)
    error_sessions: int = Field(default=250, ge=20)
    stake: float = Field(default=0.2, gt=0, le=1)
    score_margin: float = Field(default=0.01, ge=0, le=2)

    @property
    def budget(self) -> Budget:
        """How the error rate is shared out."""
        return Budget(self.error_rate, self.error_sessions, self.stake)


@dataclass(frozen=True)
class Against:
    """What the sessions say about a line and one rival.

    :param ranking: differences of RankIC.
    :param scores: task → differences of a proper score, per question.
    """

    ranking: Weighed
    scores: Mapping[str, Weighed] = field(default_factory=dict)


@dataclass(frozen=True)
class Circumstances:
    """What else has to be known of a decision, whatever it is.

    :param looks: at this pair, this one included.
    :param lines: that began to challenge within the policy's sessions.
    :param alpha: the error rate that the line was given.
    :param spent: the error rate that they were given together.
    """

    looks: int
    lines: int
    alpha: float
    spent: float


class LineDecision(Frozen):
    """What was decided about a line.

    :param proven: its RankIC is above 0, and on a task its proper score is better than the class rates.
    """

    promote: bool
    verdict: Verdict
    proven: bool
    reasons: tuple[Reason, ...]
    policy: LinePolicy


def decide_line(
    policy: LinePolicy,
    floors: Sequence[Reason],
    champion: Against | None,
    alone: Against,
    circumstances: Circumstances,
) -> LineDecision:
    """Decide whether a line's newest model becomes champion, and whether the line has been proven.

    :param floors: whether each floor is held; all must be.
    :param champion: the line against the champion's; None without one.
    :param alone: its RankIC against 0, and its scores against the class rates of the train period, of return tasks.
    """
    compared = (NO_CHAMPION,) if champion is None else tuple(_over_champion(policy, champion))
    verdict: Verdict
    if not all(reason.favourable for reason in floors):
        verdict = "rejected"
    elif champion is None:
        verdict = "first_champion"
    else:
        verdict = "promoted" if all(reason.favourable for reason in compared) else "kept_champion"
    proof = tuple(_proof(policy, alone))
    told = (proven_or_not(proof), _looked(policy, circumstances))
    return LineDecision(
        promote=verdict in ("promoted", "first_champion"),
        verdict=verdict,
        proven=told[0].favourable,
        reasons=(*floors, *(() if verdict == "rejected" else compared), *proof, *told),
        policy=policy,
    )


def proven_or_not(proof: Sequence[Reason]) -> Reason:
    """Tell whether a line is proven: it ranks, a score of it is better than class rates, and none is worse."""
    ranking, scores = proof[0], proof[1:]
    better = any(reason.code.startswith("better_than_class_rates") for reason in scores)
    proven = ranking.favourable and better and all(reason.favourable for reason in scores)
    return Reason(
        code="proven" if proven else "unproven",
        text="It is proven that it ranks stocks and that its probabilities say more than the class rates."
        if proven
        else "It is not proven that it ranks stocks and that its probabilities say more than the class rates.",
        favourable=proven,
    )


def _over_champion(policy: LinePolicy, champion: Against) -> Iterator[Reason]:
    yield _ranking(champion.ranking, "ranks_better_than_champion", "RankIC against the champion's")
    for task, score in champion.scores.items():
        yield Reason(
            code=f"score_margin:{task}",
            text=f"Proper score on {task} against the champion's: {_told(score)} It may be worse by "
            f"{policy.score_margin:g}.",
            favourable=_mean(score) >= -policy.score_margin,
        )


def _proof(policy: LinePolicy, alone: Against) -> Iterator[Reason]:
    yield _ranking(alone.ranking, "ranks", "RankIC")
    for task, score in alone.scores.items():
        within = score.confirmed or _mean(score) >= -policy.score_margin
        name = (
            "better_than_class_rates" if score.confirmed else "near_class_rates" if within else "worse_than_class_rates"
        )
        yield Reason(
            code=f"{name}:{task}",
            text=f"Proper score on {task} against the class rates: {_told(score)}{_state(score)}",
            favourable=within,
        )


def _looked(policy: LinePolicy, circumstances: Circumstances) -> Reason:
    return Reason(
        code="looks",
        text=f"Look number {circumstances.looks} at this pair. {circumstances.lines} lines began to challenge in "
        f"{policy.error_sessions} sessions; {circumstances.spent:.2%} of an error rate of {policy.error_rate:.0%} are "
        f"given to them, {circumstances.alpha:.2%} to this one.",
        favourable=True,
    )


def _ranking(weighed: Weighed, code: str, told: str) -> Reason:
    return Reason(
        code=_code(weighed, code),
        text=f"{told}: {_told(weighed)}{_state(weighed)}",
        favourable=weighed.confirmed and _mean(weighed) > 0,
    )


def _code(weighed: Weighed, name: str) -> str:
    return name if weighed.confirmed else f"{name}_awaited" if weighed.waiting else f"not_shown:{name}"


def _mean(weighed: Weighed) -> float:
    return 0.0 if weighed.size is None else weighed.size.raw


def _told(weighed: Weighed) -> str:
    if weighed.size is None:
        return f"{weighed.sessions} sessions count, too few to say anything."
    size, bounds = weighed.size, weighed.bounds
    smallest = "" if weighed.smallest is None else f" So many sessions show about {weighed.smallest:.3f} or more."
    return (
        f"{size.raw:+.3f} on {weighed.sessions} sessions, shrunken {size.shrunken:+.3f}, "
        f"95 % bounds {bounds.low:+.3f} to {bounds.high:+.3f}.{smallest}"
    )


def _state(weighed: Weighed) -> str:
    evidence = exp(min(weighed.log_evidence, 50))
    shown = f"{min(evidence, SHOWN_UP_TO):.3g} of {exp(weighed.log_needed):.4g}"
    if weighed.confirmed:
        return " The evidence was confirmed."
    if weighed.waiting:
        return f" The evidence is {shown}; it is decided when the open sessions are known."
    return f" The evidence is {shown}; that is not enough."
