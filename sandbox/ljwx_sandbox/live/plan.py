"""What a stepped run is about: its sessions, its market, and what becomes of the models' skill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ljwx_sandbox.settings import REPOSITORY

CHAMPION, CHALLENGER = 7, 11
"""The parameter `seed` of the two lines' models, which the model server tells them apart by."""


@dataclass(frozen=True)
class LivePlan:
    """What is stepped through.

    :param sessions: that are asked about.
    :param lost_at: number of the session from which on the champion knows nothing.
    :param reference: sessions of the record that the watch holds later ones against.
    :param stocks: of the market; the record asks about all that are listed.
    :param tasks: kinds of question.
    :param horizon: sessions from an answer to its outcome. Labels that overlap less tell more of so few sessions: over
        five no evidence of sixty is enough to promote anybody.
    :param history: first and last day that are there before the first session.
    """

    sessions: int = 60
    lost_at: int = 22
    reference: int = 20
    stocks: int = 40
    effect: float = 0.7
    tasks: Sequence[str] = ("price_direction",)
    horizon: int = 2
    history: tuple[date, date] = (date(2025, 8, 1), date(2026, 1, 30))

    @property
    def market(self) -> list[str]:
        """Options of the simulated market's command."""
        return [
            "--stocks", str(self.stocks), "--seed", "7", "--effect", str(self.effect), "--origin", "2025-01-02",
            "--to", self.history[1].isoformat(), "--sessions", str(REPOSITORY / "include" / "sessions" / "sse.txt"),
        ]  # fmt: skip

    def skills(self, session: int) -> dict[int, float]:
        """Return the skill of both models from a session on, counted from 1; 0 is the time before."""
        return {CHAMPION: 0.0 if session >= self.lost_at else 0.7, CHALLENGER: 1.0}

    @property
    def settings(self) -> dict[str, Any]:
        """The Variable `ljwx_training_config`."""
        few = {"max_train": 400, "max_validation": 60, "max_test": 60, "min_market_stocks": 10}
        return {
            "samples": few | {"tasks": list(self.tasks), "horizon": self.horizon},
            "model": {"base": "smollm2:135m", "strategy": "prompt", "retrain_every": 250, **parameters(CHAMPION)},
            "evaluation": {"questions": 8, "class_questions": 0, "test_share": 0, "masked_share": 0},
            "gate": {"min_questions": 8, "max_modal_share": 1.0, "min_faithful_share": 0.0},
            "forward": {"stocks": "all", "in_full": 0, "watch": "mark", "watch_reference": self.reference},
        }


def parameters(seed: int) -> dict[str, Any]:
    """Return the settings of `model` that make a line of its own."""
    return {"parameters": {"temperature": 0, "seed": seed, "num_ctx": 8192}}
