"""Which task instance wrote what: the record that every row cites by its run_key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from ljwx.warehouse.base import WarehouseBase


@dataclass(frozen=True)
class RunRef:
    """A task instance of Airflow, or a command that writes.

    :param map_index: -1 for a task that is not mapped.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1


class RunsVerbs(WarehouseBase):
    """Verbs with which a task instance records itself."""

    def start_run(self, run: RunRef, **inputs: Any) -> int:
        """Record that a task instance begins to write; a retry continues its own record.

        :return: run_key, cited by every row that the task writes.
        """
        (run_key,) = self.column("runs/start", **vars(run), inputs=Jsonb(inputs))
        return int(run_key)

    def finish_run(self, run_key: int, **outputs: Any) -> None:
        """Record what the task instance made: identifiers and counts."""
        self.execute("runs/finish", run_key=run_key, outputs=Jsonb(outputs))

    def counted_since(self, count: str, since: datetime) -> bool:
        """Say whether a run has recorded a count of some name since a moment."""
        return bool(self.column("runs/counted", count=count, since=since))
