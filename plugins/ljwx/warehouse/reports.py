"""What a report is made of: a decision with all it rests on, and the answers one by one."""

from __future__ import annotations

from ljwx.core.reports.cases import Case
from ljwx.core.reports.records import ReportedDecision
from ljwx.warehouse.base import WarehouseBase


class ReportsVerbs(WarehouseBase):
    """Verbs of the stage `reports`; they only read."""

    def decision(self, promotion_id: int) -> ReportedDecision | None:
        """Return a decision with its model, dataset, evaluation and scorecards."""
        return self.record(ReportedDecision, "reports/decision", promotion_id=promotion_id)

    def cases(self, evaluation_id: int) -> list[Case]:
        """Return an evaluation's questions with truth and answer, as it came, in the order in which they were asked."""
        return self.records(Case, "reports/cases", evaluation_id=evaluation_id)
