"""Where a model, a dataset or a sample came from, what became of it, and what was built and decided over time."""

from __future__ import annotations

from datetime import date
from typing import Any

from psycopg.errors import UndefinedTable

from ljwx.warehouse.base import WarehouseBase

TRACES = {
    "model": "lineage/model",
    "sample_spec_of_model": "lineage/sample_spec_of_model",
    "evaluations_of_model": "lineage/evaluations_of_model",
    "decisions_of_model": "lineage/decisions_of_model",
    "dataset": "lineage/dataset",
    "children_of_dataset": "lineage/children_of_dataset",
    "models_of_dataset": "lineage/models_of_dataset",
    "question_sets_of_dataset": "lineage/question_sets_of_dataset",
    "samples": "lineage/samples",
    "bars_of_sample": "lineage/bars_of_sample",
    "datasets_of_sample": "lineage/datasets_of_sample",
    "answers_of_sample": "lineage/answers_of_sample",
}


class LineageVerbs(WarehouseBase):
    """Verbs that only read, over all stages."""

    def traced(self, what: str, name: str) -> list[dict[str, Any]]:
        """Return what the books say of a model, dataset or sample.

        :param what: a key of TRACES.
        """
        return self.rows(TRACES[what], subject=name)

    def fetched_by(self, first: Any, last: Any) -> list[dict[str, Any]]:
        """Return the task instances that fetched the sessions of a range, and how many each."""
        return self.rows("lineage/fetched_by", first=first, last=last)

    def lists_of_dataset(self, dataset_id: str, valid_days: int) -> list[dict[str, Any]]:
        """Return the task instances that fetched the lists a dataset's stocks were chosen by; none without an index."""
        return self.rows("lineage/lists_of_dataset", dataset_id=dataset_id, valid_days=valid_days)

    def builds(self, newest: int) -> list[dict[str, Any]]:
        """Return the newest builds with their decision and the overall part of their scorecard, newest first."""
        return self.rows("history/builds", newest=newest)

    def failed_runs(self, newest: int) -> list[dict[str, Any]]:
        """Return the task instances of the last 30 days that began to write and did not finish, newest first."""
        return self.rows("history/failed_runs", newest=newest)

    def common_question_set(self, first: str, second: str) -> dict[str, Any] | None:
        """Return the newest question set that two models answered: question_set_id, and both evaluations."""
        return self.row("history/common_question_set", first=first, second=second)

    def why_no_bar(self, ts_code: str, session: date) -> dict[str, Any]:
        """Return whether a stock was suspended on a session, and why its row was refused: None, or the reasons."""
        return self.row("history/why_no_bar", ts_code=ts_code, session=session) or {}

    def server(self) -> dict[str, Any]:
        """Return version and now of the database server."""
        return self.row("history/server") or {}

    def schema_version(self) -> str | None:
        """Return the migration that the tables are at; None before the first."""

        try:
            return str((self.row("history/schema_version") or {})["version_num"])
        except UndefinedTable:
            return None

    def index_lists(self, index_code: str, valid_days: int) -> dict[str, Any]:
        """Return how an index's lists cover the complete sessions, for a list that is valid so many days.

        :return: lists (how many), newest (day), sessions (complete ones), without (those that have no valid list),
            last (session) and last_listed (the last that has one); days are null where there is none.
        """
        return self.row("history/index_lists", index_code=index_code, valid_days=valid_days) or {}

    def absent_interfaces(self) -> list[str] | None:
        """Return the interfaces that the last session was fetched without; None before the first session."""
        found = self.row("history/absent_interfaces")
        return None if found is None else list(found["absent"])
