"""Whether a model that was trained again replaces the one of its own line that serves. Pure: no airflow, no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ljwx.core.promotions.policy import LinePolicy
from ljwx.core.promotions.reasons import Reason

FEWEST_COMPARED: Final = 40
"""Sessions on which the newer models of a proven line are held against the one that serves, before one replaces it."""
RANK_MARGIN: Final = 0.02
"""By how much a model that was trained again may rank worse than the one that serves, in RankIC."""
KEPT_SHARE: Final = 0.5
"""The share of what a line has shown, in RankIC or over class rates, that what comes after must keep."""


@dataclass(frozen=True)
class Predecessor:
    """By how much a model is better than the one of the same line that serves, on recent questions of both.

    :param scores: task → mean difference of a proper score per question.
    :param sessions: with enough stocks for an order, which the model that serves and newer ones of its line answered.
    :param ranking: mean difference of RankIC on them, of each the newest model against the one that serves; None
        without one.
    :param own: mean RankIC of these newer models on them.
    :param newest: mean difference of RankIC of the model itself, on the sessions that it answered.
    """

    scores: Mapping[str, float]
    questions: int
    sessions: int = 0
    ranking: float | None = None
    own: float | None = None
    newest: float | None = None


def margin_of(policy: LinePolicy, shown: float | None) -> float:
    """Return by how much a score may be worse than one that was shown to be better than the class rates by so much.

    A tenth in RankIC is worth 0.003 of Brier's score over class rates: the policy's margin alone would give it away.
    """
    return policy.score_margin if shown is None else min(policy.score_margin, KEPT_SHARE * max(shown, 0.0))


def over_predecessor(
    policy: LinePolicy, predecessor: Predecessor, shown: Mapping[str, float], proven: float | None
) -> Iterator[Reason]:
    """Tell whether a model replaces the one of its own line that serves.

    What is proven of a line is kept: the one that serves stays until enough sessions compare it with newer ones. Where
    nothing is proven, nothing that is known is lost.

    :param shown: task → by how much the line's score was shown to be better than the class rates.
    :param proven: the RankIC with which the line was proven; None while it is not.
    """
    if not predecessor.questions:
        yield Reason(
            code="predecessor_not_compared",
            text="It is of the champion's own line, and no recent question was answered by both. The champion stays.",
            favourable=False,
        )
    for task, gain in predecessor.scores.items():
        margin = margin_of(policy, shown.get(task))
        yield Reason(
            code=f"predecessor:{task}",
            text=f"Of the champion's own line, trained again: its proper score on recent questions about {task} is "
            f"{gain:+.4f} against its predecessor's. It may be worse by {margin:.2g}.",
            favourable=gain >= -margin,
        )
    yield from _ranks_like_predecessor(predecessor, proven)


def _ranks_like_predecessor(predecessor: Predecessor, proven: float | None) -> Iterator[Reason]:
    ranking, own, newest = predecessor.ranking, predecessor.own, predecessor.newest
    if ranking is None or own is None or newest is None or predecessor.sessions < FEWEST_COMPARED:
        stays = "It stays until then." if proven is not None else "Nothing is proven of it, so that the floors suffice."
        yield Reason(
            code="predecessor_few_sessions",
            text=f"{predecessor.sessions} sessions compare how newer models of the line and the one that serves rank "
            f"stocks; {FEWEST_COMPARED} are needed to replace a proven one. {stays}",
            favourable=proven is None,
        )
        return
    yield Reason(
        code="predecessor_ranking",
        text=f"RankIC against the model that serves: {ranking:+.3f} of the line's newer models on "
        f"{predecessor.sessions} sessions, {newest:+.3f} of this one. Both may be worse by {RANK_MARGIN:g}.",
        favourable=min(ranking, newest) >= -RANK_MARGIN,
    )
    if proven is not None:
        yield Reason(
            code="keeps_what_is_proven",
            text=f"RankIC of the line's newer models on these sessions: {own:+.3f}. Half of the {proven:+.3f} is "
            "needed that the line was proven with.",
            favourable=own >= KEPT_SHARE * proven,
        )
