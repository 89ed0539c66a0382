"""Whether answers say what their snapshots hold: numbers and readings, right, wrong or unsupported. Pure: no I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from ljwx.core.evaluations.questions import Answer, ClaimCounts
from ljwx.core.samples.claims import claims


class Faithfulness(BaseModel):
    """The claims of all answers that were looked through; shares are of the claims and sum to 1.

    :param answers: answers looked through: the valid ones.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    answers: int
    claims: int
    right: float
    wrong: float
    unsupported: float


def count_claims(answer: str | Mapping[str, Any], snapshot: str | Mapping[str, Any]) -> ClaimCounts:
    """Count the claims of one valid answer against the snapshot it was given, each as JSON text or parsed."""
    counts = Counter(claim.verdict for claim in claims(answer, snapshot))
    return ClaimCounts(counts["right"], counts["wrong"], counts["unsupported"])


def faithfulness(answers: Iterable[Answer]) -> Faithfulness | None:
    """Return the shares of right, wrong and unsupported claims; None if nothing was claimed or looked through."""
    counted = [answer.claims for answer in answers if answer.valid and answer.claims is not None]
    total = sum(each.right + each.wrong + each.unsupported for each in counted)
    if not total:
        return None
    return Faithfulness(
        answers=len(counted),
        claims=total,
        right=sum(each.right for each in counted) / total,
        wrong=sum(each.wrong for each in counted) / total,
        unsupported=sum(each.unsupported for each in counted) / total,
    )
