"""What a report is made of: a decision with all it rests on, and the answers one by one."""

from __future__ import annotations

from typing import Any

from ljwx.warehouse.base import WarehouseBase


class ReportsVerbs(WarehouseBase):
    """Verbs of the stage `reports`; they only read."""

    def decision(self, promotion_id: int) -> dict[str, Any] | None:
        """Return a decision with its model, dataset, evaluation and scorecards."""
        return self.row("reports/decision", promotion_id=promotion_id)

    def answered(self, evaluation_id: int) -> list[dict[str, Any]]:
        """Return an evaluation's questions with truth and answer, as it came, in the order in which they were asked."""
        return self.rows("reports/answers", evaluation_id=evaluation_id)
