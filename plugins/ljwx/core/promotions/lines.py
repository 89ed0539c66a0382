"""The decision about a line from evidence that may be looked at daily. Pure: no airflow, no I/O, no clock.

RankIC decides. A proper score may not be worse by more than a margin, so that a line does not rank better by saying
things it cannot mean. Floors (copying, validity, faithfulness, collapse, latency) come first and decide nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import exp

from ljwx.core.evidence import Weighed
from ljwx.core.promotions.decision import PROMOTING, Decision, Verdict
from ljwx.core.promotions.policy import LinePolicy
from ljwx.core.promotions.reasons import FIRST_PROVEN, NO_CHAMPION, Reason
from ljwx.core.promotions.record import FromSource
from ljwx.core.promotions.retraining import Predecessor, margin_of, over_predecessor

ASKED_BY = {"record": "came from the forward record", "validation": "from validation windows"}
SHOWN_UP_TO = 1e6
"""Evidence beyond this is shown as this."""


@dataclass(frozen=True)
class Fresh:
    """What came after a line was opened, which nobody can have chosen it by.

    :param mean: of the differences of RankIC on these sessions; None without one.
    :param needed: how many there must be.
    """

    sessions: int
    mean: float | None
    needed: int


@dataclass(frozen=True)
class Against:
    """What the sessions say about a line and one rival.

    :param ranking: differences of RankIC.
    :param scores: task → differences of a proper score, per question.
    :param fresh: None where no session before the line was opened counts.
    :param shown: task → by how much the rival's score was shown to be better than the class rates.
    """

    ranking: Weighed
    scores: Mapping[str, Weighed] = field(default_factory=dict)
    fresh: Fresh | None = None
    shown: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Circumstances:
    """What else has to be known of a decision, whatever it is.

    :param looks: at this pair, this one included.
    :param lines: that began to challenge within the policy's sessions of this one.
    :param alpha: the error rate that the line was given; None where no session counts yet, or nothing was left.
    :param spent: the error rate that was given to all that began within the policy's sessions of this line.
    :param newest: the newest session that questions are chosen from; None where nobody said so.
    :param moves: whether it moves on with new sessions: not where settings name the windows.
    :param sources: of the sessions that count.
    """

    looks: int
    lines: int
    alpha: float | None
    spent: float
    newest: date | None = None
    moves: bool = True
    sources: tuple[FromSource, ...] = ()


def decide_line(
    policy: LinePolicy,
    floors: Sequence[Reason],
    champion: Against | Predecessor | None,
    alone: Against,
    circumstances: Circumstances,
) -> Decision:
    """Decide whether a line's newest model becomes champion, and whether the line has been proven.

    :param floors: whether each floor is held; all must be.
    :param champion: the line against the champion's; where the champion is of this very line, the model against that
        one; None without a champion.
    :param alone: its RankIC against 0, and its scores against the class rates of the train period, of return tasks.
    """
    proof = tuple(_proof(policy, alone))
    proven = proven_or_not(proof)
    better: Verdict
    compared: tuple[Reason, ...]
    if champion is None:
        better, compared = "first_champion", (FIRST_PROVEN if proven.favourable else NO_CHAMPION,)
    elif isinstance(champion, Predecessor):
        better, compared = (
            "retrained",
            tuple(
                over_predecessor(
                    policy, champion, shown_scores(alone), _mean(alone.ranking) if proven.favourable else None
                )
            ),
        )
    else:
        better, compared = "promoted", tuple(_over_champion(policy, champion))
    verdict: Verdict = better if all(reason.favourable for reason in compared) else "kept_champion"
    if not all(reason.favourable for reason in floors):
        verdict = "rejected"
    closing = (proven, _looked(policy, circumstances), *_sources(circumstances.sources))
    return Decision(
        promote=verdict in PROMOTING,
        verdict=verdict,
        proven=closing[0].favourable,
        reasons=(*floors, *(() if verdict == "rejected" else compared), *proof, *closing),
    )


def is_proven(policy: LinePolicy, alone: Against) -> bool:
    """Tell whether a line is proven, as :func:`decide_line` does."""
    return alone_told(policy, alone)[-1].favourable


def alone_told(policy: LinePolicy, alone: Against) -> tuple[Reason, ...]:
    """Return what speaks for a line by itself, as :func:`decide_line` tells it, and last whether it is proven."""
    proof = tuple(_proof(policy, alone))
    return (*proof, proven_or_not(proof))


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
    if champion.fresh is not None and champion.ranking.confirmed:
        yield _confirmed_afresh("fresh_sessions", champion.fresh)
    for task, score in champion.scores.items():
        margin = margin_of(policy, champion.shown.get(task))
        yield Reason(
            code=f"score_margin:{task}",
            text=f"Proper score on {task} against the champion's: {_told(score)} It may be worse by {margin:.2g}.",
            favourable=score.size is not None and _mean(score) >= -margin,
        )


def shown_scores(alone: Against) -> dict[str, float]:
    """Return by task by how much a line's score was shown to be better than the class rates."""
    return {task: _mean(score) for task, score in alone.scores.items() if score.confirmed}


def _confirmed_afresh(code: str, fresh: Fresh) -> Reason:
    """Earlier sessions may propose a line, since whoever wrote its recipe may have seen them; later ones confirm it."""
    mean = "" if fresh.mean is None else f", {fresh.mean:+.3f} on them"
    return Reason(
        code=code,
        text=f"{fresh.sessions} of the sessions came after the line was opened{mean}; {fresh.needed} are needed, and "
        "more than 0.",
        favourable=fresh.sessions >= fresh.needed and (fresh.mean or 0.0) > 0,
    )


def _proof(policy: LinePolicy, alone: Against) -> Iterator[Reason]:
    yield _ranking(alone.ranking, "ranks", "RankIC")
    if alone.fresh is not None and alone.ranking.confirmed:
        yield _confirmed_afresh("fresh_sessions:proof", alone.fresh)
    for task, score in alone.scores.items():
        within = score.holds or (
            score.size is not None and not score.confirmed and _mean(score) >= -policy.score_margin
        )
        yield Reason(
            code=f"{_beside_rates(score, within=within)}:{task}",
            text=f"Proper score on {task} against the class rates: {_told(score)}{_state(score)}",
            favourable=within,
        )


def _beside_rates(score: Weighed, *, within: bool) -> str:
    """Name what a score against the class rates has shown; of fewer than two sessions nothing."""
    if score.size is None:
        return "not_shown:class_rates"
    return "better_than_class_rates" if score.holds else "near_class_rates" if within else "worse_than_class_rates"


def _looked(policy: LinePolicy, circumstances: Circumstances) -> Reason:
    alpha, spent, lines = circumstances.alpha, circumstances.spent, circumstances.lines
    if alpha is not None:
        own = f"{alpha:.2%} to this one"
    elif spent >= policy.error_rate * (1 - 1e-9):
        own = "and nothing is left for this one until sessions have passed"
    else:
        own = "none yet to this one: no session counts"
    began = f"{lines} lines" if lines else "No line"
    return Reason(
        code="looks",
        text=f"Look number {circumstances.looks} at this pair. {began} began to challenge in {policy.error_sessions} "
        f"sessions; {spent:.2%} of an error rate of {policy.error_rate:.0%} are given"
        f"{' to them' if lines else ''}, {own}.{_newest(circumstances)}",
        favourable=True,
    )


def _sources(sources: Sequence[FromSource]) -> Iterator[Reason]:
    """Tell who asked about the sessions that count."""
    if sources:
        counts = " and ".join(
            f"{each.sessions} {ASKED_BY[each.source]} ({each.first} to {each.last})" for each in sources
        )
        yield Reason(code="sources", text=f"Of the sessions that count {counts}.", favourable=True)


def _newest(circumstances: Circumstances) -> str:
    if circumstances.newest is None:
        return ""
    more = (
        "each new session moves it on by about one"
        if circumstances.moves
        else "none comes until samples.validation_from and samples.test_from name later ones"
    )
    return f" The newest session that can count is {circumstances.newest}; {more}."


def _ranking(weighed: Weighed, code: str, about: str) -> Reason:
    return Reason(
        code=_code(weighed, code),
        text=f"{about}: {_told(weighed)}{_state(weighed)}",
        favourable=weighed.holds and _mean(weighed) > 0,
    )


def _code(weighed: Weighed, name: str) -> str:
    return name if weighed.holds else f"{name}_awaited" if weighed.waiting else f"not_shown:{name}"


def _mean(weighed: Weighed) -> float:
    return 0.0 if weighed.size is None else weighed.size.raw


def _told(weighed: Weighed) -> str:
    if weighed.size is None:
        return f"{weighed.sessions} sessions count, too few to say anything."
    size, bounds = weighed.size, weighed.bounds
    smallest = "" if weighed.smallest is None else f" So many sessions show about {weighed.smallest:.3f} or more."
    return (
        f"{size.raw:+.3f} on {weighed.sessions} sessions, shrunken {size.shrunken:+.3f}, "
        f"95 % bounds {bounds.low:+.3f} to {bounds.high:+.3f}{' when it was confirmed' if weighed.confirmed else ''}."
        f"{smallest}"
    )


def _state(weighed: Weighed) -> str:
    evidence = exp(min(weighed.log_evidence, 50))
    shown = f"{min(evidence, SHOWN_UP_TO):.3g} of {exp(weighed.log_needed):.4g}"
    if weighed.confirmed:
        return f" The evidence was confirmed{' day by day' if weighed.by_day else ''}.{_since(weighed)}"
    if weighed.waiting:
        return f" The evidence is {shown}; it is decided when the open sessions are known."
    worse = " and less than 1: so far it looks worse" if float(f"{evidence:.3g}") < 1 else ""
    added = ", day by day," if weighed.by_day else ""
    return f" The evidence{added} is {shown}; that is not enough{worse}."


def _since(weighed: Weighed) -> str:
    since = weighed.since and f" Since then: {weighed.since.mean:+.3f} on {weighed.since.sessions} sessions."
    if weighed.holds or weighed.newest is None:
        return since or ""
    return f"{since or ''} It holds no more: {weighed.newest.mean:+.3f} on the newest {weighed.newest.sessions}."
