"""What went wrong in which run, and whether an alert was sent for it."""

from __future__ import annotations

from ljwx.warehouse.base import WarehouseBase


class IncidentsVerbs(WarehouseBase):
    """Verbs of the alerts; an incident is what one run failed at, or that it was late."""

    def note_incident(self, dag_id: str, run_id: str, kind: str, what: str) -> bool:
        """Record that `what` failed in a run; return whether an alert is to be sent.

        Of failures at the same time exactly one is. After all failures of a run have recovered, its next one is again.

        :param kind: ``failed`` or ``late``.
        :param what: the task instance, as ``task`` or ``task[map index]``.
        """
        (due,) = self.column("incidents/add", dag_id=dag_id, run_id=run_id, kind=kind, what=what)
        return bool(due)

    def forget_incident(self, dag_id: str, run_id: str, kind: str) -> None:
        """Let the next failure of this run send an alert: that of this one reached no address."""
        self.execute("incidents/forget", dag_id=dag_id, run_id=run_id, kind=kind)

    def note_recovery(self, dag_id: str, run_id: str, what: str) -> None:
        """Record that a task instance which had failed has succeeded."""
        self.execute("incidents/recover", dag_id=dag_id, run_id=run_id, what=what)
