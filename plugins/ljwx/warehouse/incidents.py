"""What went wrong in which run, and whether somebody was told."""

from __future__ import annotations

from ljwx.warehouse.base import WarehouseBase, statement


class IncidentsVerbs(WarehouseBase):
    """Verbs of the alerts; an incident is what one run failed at, or that it was late."""

    def note_incident(self, dag_id: str, run_id: str, kind: str, what: str) -> bool:
        """Record that `what` failed in a run, and tell whether somebody has to be told.

        Of failures at the same time exactly one is to be told. A run whose failures have all recovered since is told
        again.

        :param kind: ``failed`` or ``late``.
        :param what: the task instance, as ``task`` or ``task[map index]``.
        """
        row = self.row("incidents/add", dag_id=dag_id, run_id=run_id, kind=kind, what=what)
        return bool(row and row["untold"])

    def forget_incident(self, dag_id: str, run_id: str, kind: str) -> None:
        """Let the next failure of this run be told: nobody heard of this one."""
        with self.transaction() as connection:
            connection.execute(statement("incidents/forget"), {"dag_id": dag_id, "run_id": run_id, "kind": kind})

    def note_recovery(self, dag_id: str, run_id: str, what: str) -> None:
        """Record that a task instance which had failed has succeeded."""
        with self.transaction() as connection:
            connection.execute(statement("incidents/recover"), {"dag_id": dag_id, "run_id": run_id, "what": what})
