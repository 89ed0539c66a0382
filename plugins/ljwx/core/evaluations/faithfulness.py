"""Whether answers say what their snapshots hold, and how much of them cannot be checked. Pure: no I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from ljwx.core.claims.check import CHECKER_VERSION, check
from ljwx.core.evaluations.questions import ClaimCounts, ScoredAnswer


class Faithfulness(BaseModel):
    """The claims of all answers that were looked through; shares are of the claims and sum to 1.

    Answers that claim nothing show nothing: the shares are None, and no floor is held or missed by them.

    :param answers: answers looked through: the valid ones.
    :param unchecked: share of their prose, in characters, that claims nothing a snapshot could bear out; None without
        prose, and of answers that were counted before these words were.
    :param checker: the oldest version of the checker among the counts: other versions give other verdicts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    answers: int
    claims: int
    right: float | None
    wrong: float | None
    unsupported: float | None
    unchecked: float | None = None
    checker: int = 1


def count_claims(answer: str | Mapping[str, Any], snapshot: str | Mapping[str, Any]) -> ClaimCounts:
    """Count the claims of one valid answer against the snapshot it was given, each as JSON text or parsed."""
    checked = check(answer, snapshot)
    counts = Counter(claim.verdict for claim in checked.claims)
    return ClaimCounts(
        counts["right"],
        counts["wrong"],
        counts["unsupported"],
        unchecked=checked.unchecked_characters,
        characters=checked.characters,
        checker=CHECKER_VERSION,
    )


def faithfulness(answers: Iterable[ScoredAnswer]) -> Faithfulness | None:
    """Return the shares of right, wrong and unsupported claims; None if no answer was looked through."""
    counted = [answer.claims for answer in answers if answer.valid and answer.claims is not None]
    if not counted:
        return None
    sums = {name: sum(getattr(each, name) for each in counted) for name in ("right", "wrong", "unsupported")}
    total = sum(sums.values())
    shares = {name: count / total if total else None for name, count in sums.items()}
    characters = sum(each.characters for each in counted)
    return Faithfulness(
        answers=len(counted),
        claims=total,
        **shares,
        unchecked=sum(each.unchecked for each in counted) / characters if characters else None,
        checker=min(each.checker for each in counted),
    )
