"""What a challenger must show, as data. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ljwx.core.evaluations import Resampling
from ljwx.core.evaluations.intervals import FEWEST_BLOCKS
from ljwx.core.evidence import Budget
from ljwx.exceptions import ConfigurationError


class Frozen(BaseModel):
    """A value that never changes and has no other fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LinePolicy(Frozen):
    """What a line must show. Only what differs from the defaults is stored with decisions.

    :param error_rate: chance that any of the lines which begin to challenge within ``error_sessions`` is promoted
        without being better, over all looks.
    :param stake: what a new line gets of the rest of it.
    :param score_margin: by how much a proper score per question may be worse than the champion's, or than class rates;
        and of a model that was trained again, than that of its predecessor.
    """

    error_rate: float = Field(default=0.05, gt=0, le=0.2, exclude_if=lambda rate: rate == 0.05)
    error_sessions: int = Field(default=250, ge=20, exclude_if=lambda sessions: sessions == 250)
    stake: float = Field(default=0.2, gt=0, le=1, exclude_if=lambda stake: stake == 0.2)
    score_margin: float = Field(default=0.01, ge=0, le=2, exclude_if=lambda margin: margin == 0.01)

    @property
    def budget(self) -> Budget:
        """How the error rate is shared out."""
        return Budget(self.error_rate, self.error_sessions, self.stake)


class GatePolicy(LinePolicy):
    """What a challenger must show.

    The floors hold with or without a champion; those on shares hold for every task by itself.

    :param min_valid_share: least share of answers that keep to the schema.
    :param min_faithful_share: least share of right ones among the numbers and readings that valid answers claim; a
        task whose answers claim nothing neither holds nor misses it, and the decision says so.
    :param max_unchecked_share: largest share of the prose of valid answers that is neither a number, a signal nor a
        known phrase; 1 is no floor. Decisions that store none were made without one.
    :param max_modal_share: largest share of one class among the valid answers and the likeliest classes of questions of
        which the class alone was asked (more is a collapsed model).
    :param max_copying_loss: by how much the challenger may be less accurate than the champion on a task whose answer
        stands in the prompt; to be better there promotes nobody. Only another value than 0.1 is stored with decisions.
    :param max_latency_p95_s: longest 95 % quantile of seconds per answer; None for no floor.
    :param min_questions: fewest questions in the set, all tasks together.
    :param min_sessions: decides nothing any more, like `margin`: both bounded a difference in accuracy.
    :param confidence: coverage of the intervals that are reported.
    :param block: sessions per block of the bootstrap; at least the horizon, better twice.
    :param promote_rolled_back: whether a model may become champion that equals one which a person rolled back.
    """

    min_valid_share: float = Field(default=0.95, ge=0, le=1)
    min_faithful_share: float = Field(default=0.9, ge=0, le=1)
    max_unchecked_share: float = Field(default=0.3, ge=0, le=1, exclude_if=lambda share: share == 1)
    max_modal_share: float = Field(default=0.95, gt=0, le=1)
    max_copying_loss: float = Field(default=0.1, ge=0, le=1, exclude_if=lambda loss: loss == 0.1)
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
