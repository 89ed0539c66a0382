"""What became of models: decisions with their reasons, how they were trained, and two of them compared."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from ljwx.core.promotions.reasons import Reason
from ljwx.exceptions import Busy
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.analysing.keeping import Kept
from ljwx.services.compare import Comparison, compare
from ljwx.warehouse.history import PastVerdict
from ljwx.warehouse.trainings import DoneTraining

MOST_COMPARED, COMPARED_SECONDS, WAIT_SECONDS = 32, 600.0, 5.0
REFUSED: Final = "refused"


@dataclass(frozen=True)
class Verdict:
    """A decision about a model, with its reasons; the last one of a refusal is what the model lacks."""

    promotion_id: int
    model: str
    against: str | None
    verdict: str
    promoted: bool
    proven: bool | None
    decided_at: datetime
    reasons: tuple[Reason, ...]

    @property
    def refused_for(self) -> str | None:
        """What a refused model lacks; None of any other decision."""
        return self.reasons[-1].text if self.verdict == REFUSED and self.reasons else None


class LookAt(BaseModel):
    """A look at the samples that training is stopped by."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    step: int
    answer_loss: float | None = None
    class_log_score: float | None = None


class _Result(BaseModel):
    """What is read of a training's result; a trainer of an older version may have left something out."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    steps: int | None = None
    best_step: int | None = None
    losses: tuple[tuple[int, float], ...] = ()
    looks: tuple[LookAt, ...] = ()


@dataclass(frozen=True)
class LossCurve:
    """How a training went: some of its steps with their loss, and the looks at samples that it did not learn from.

    :param best_step: whose weights are served.
    """

    recipe_id: str
    dataset_id: str
    models: tuple[str, ...]
    started_at: datetime | None
    finished_at: datetime
    steps: int | None
    best_step: int | None
    losses: tuple[tuple[int, float], ...]
    looks: tuple[LookAt, ...]


def verdicts(warehouse: WarehouseHook, newest: int) -> list[Verdict]:
    """Return the newest decisions, newest first."""
    return [_verdict(each) for each in warehouse.past_verdicts(newest)]


def _verdict(each: PastVerdict) -> Verdict:
    reasons = tuple(Reason.model_validate(reason) for reason in each.reasons)
    return Verdict(**vars(each) | {"reasons": reasons})


def loss_curves(warehouse: WarehouseHook, newest: int) -> list[LossCurve]:
    """Return how the newest trainings went, newest first; one is empty whose result cannot be read."""
    return [_curve(each) for each in warehouse.done_trainings(newest)]


def _curve(each: DoneTraining) -> LossCurve:
    try:
        result = _Result.model_validate(each.result)
    except ValidationError:
        result = _Result()
    return LossCurve(
        recipe_id=each.recipe_id, dataset_id=each.dataset_id, models=tuple(each.models), started_at=each.started_at,
        finished_at=each.finished_at, steps=result.steps, best_step=result.best_step, losses=result.losses,
        looks=result.looks,
    )  # fmt: skip


class Comparisons:
    """Compares two models at a time, and keeps the results for a while; shared by threads."""

    def __init__(self) -> None:
        self._kept: Kept[tuple[str, str], Comparison] = Kept(MOST_COMPARED, COMPARED_SECONDS)
        self._working = threading.Lock()

    def of(self, first: str, second: str) -> Comparison:
        """Return a comparison.

        :raises NotFound: a model is unknown, or no question set was answered by both.
        :raises Busy: another comparison takes long.
        """
        found = self._kept.get((first, second))
        if found is not None:
            return found
        if not self._working.acquire(timeout=WAIT_SECONDS):
            raise Busy("other models are being compared; try again", "正在比较其他模型,请稍后再试")
        try:
            return self._kept.get((first, second)) or self._kept.put((first, second), compare(first, second))
        finally:
            self._working.release()
