"""Runs: which task instance wrote what, what they leave to later ones to announce, and what went wrong in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from psycopg.types.json import Jsonb

from ljwx.warehouse.base import WarehouseBase

PATIENCE: Final = timedelta(minutes=2)
"""How long sending a message may take; a sender that has not ended by then was killed.

An address has 4 seconds to be reached and 4 to answer, mail 15: apprise's own time-outs, one address after another.
"""


@dataclass(frozen=True)
class RunRef:
    """A task instance of Airflow, or a command that writes.

    :param map_index: -1 for a task that is not mapped.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1


@dataclass(frozen=True)
class SessionRange:
    """Two sessions and what is between them."""

    first: date
    last: date


@dataclass(frozen=True)
class ComparedBars:
    """How many bars two sources have, and how many of them differ in what."""

    compared: int
    closes: int
    pre_closes: int
    factors: int


@dataclass(frozen=True)
class Unsent:
    """A message that reached nobody.

    :param kind: as of :meth:`RunsVerbs.note_incident`, or ``digest``: of a session of the forward record.
    """

    dag_id: str
    run_id: str
    kind: str
    last_seen: datetime


@dataclass(frozen=True)
class Claimed:
    """A failure or lateness whose message reached nobody, and is ours to send since `sending_since`.

    :param failing: what has not recovered.
    """

    dag_id: str
    run_id: str
    kind: str
    failing: list[str]
    last_seen: datetime
    sending_since: datetime


class RunsVerbs(WarehouseBase):
    """Verbs with which a task instance records itself; every row that it writes cites its run_key."""

    def start_run(self, run: RunRef, **inputs: Any) -> int:
        """Record that a task instance begins to write; a retry continues its own record.

        :return: run_key, cited by every row that the task writes.
        """
        (run_key,) = self.column("runs/start", **vars(run), inputs=Jsonb(inputs))
        return int(run_key)

    def finish_run(self, run_key: int, **outputs: Any) -> None:
        """Record what the task instance made: identifiers and counts."""
        self.execute("runs/finish", run_key=run_key, outputs=Jsonb(outputs))

    def doubts(self, doubt: str, answer: str) -> list[datetime]:
        """Return when runs recorded a doubt, sorted, since one recorded an answer without it.

        :param doubt: the name under which runs record what they doubted; ``answer``: one that each answer leaves.
        """
        return self.column("runs/doubts", doubt=doubt, answer=answer)

    def compared(self, days: int) -> ComparedBars:
        """Return what a second source found in the last days."""
        (found,) = self.records(ComparedBars, "runs/compared", days=days)
        return found

    def left_to_announce(self, task: RunRef) -> list[SessionRange]:
        """Return the ranges that runs have left to a later run of the same task since it last announced any."""
        return self.records(SessionRange, "runs/left_to_announce", **_task(task))

    def completed_by(self, task: RunRef) -> list[date]:
        """Return the complete sessions that were last written by a run of the task, or by one that left its own to it.

        Among them are those whose bars were only counted anew.
        """
        return self.column("runs/completed_sessions", **_task(task))

    def passed_runs(self, task: RunRef) -> list[str]:
        """Return the ids of the last other runs that have finished the same task, newest first."""
        return self.column("runs/passed", **_task(task))

    def finished_at(self, run: RunRef) -> datetime | None:
        """Return when a task instance finished; None where it has not."""
        found = self.column("runs/finished_at", **vars(run))
        return found[0] if found else None

    def finished_parts(self, run: RunRef) -> list[int]:
        """Return the map indexes of a task that have finished, in a run."""
        return self.column("runs/finished_parts", **_task(run))

    def quarantined_by(self, run: RunRef) -> dict[str, int]:
        """Return how many rows all tasks of a run have put to quarantine, by the reason; a row may have several."""
        return self.mapping("runs/quarantined", dag_id=run.dag_id, run_id=run.run_id)

    def has_imported(self) -> bool:
        """Say whether rows were imported from files."""
        return bool(self.column("runs/imported"))

    def note_incident(self, dag_id: str, run_id: str, kind: str, what: str) -> datetime | None:
        """Record an incident, that `what` failed in a run or was late; return since when its alert is ours to send.

        None: there is none to send. Of failures at the same time exactly one is sent. After all failures of a run have
        recovered, its next one is again. So is one that reached nobody, because its sender was killed or no address
        took it: see `note_sent`.

        :param kind: ``failed``, ``late``; ``watch``: then the run is an alarm of the watch, and `what` its check; or
            ``answers``: then it is a session whose answers are sent. The last two have one sender at a time.
        :param what: the task instance, as ``task`` or ``task[map index]``.
        """
        values = {"dag_id": dag_id, "run_id": run_id, "kind": kind, "what": what, "patience": PATIENCE}
        (due,) = self.column("runs/add_incident", **values)
        return due  # type: ignore[no-any-return]  # the query says datetime or null

    def note_sent(self, dag_id: str, run_id: str, kind: str, begun: datetime, *, taken: bool) -> None:
        """Record that the alert of an incident was sent: an address took it, or the next one that notes it tries.

        :param begun: since when it was ours to send; nothing is recorded when another alert of it is sent by now.
        """
        self.execute("runs/note_sent", dag_id=dag_id, run_id=run_id, kind=kind, begun=begun, taken=taken)

    def end_incident(self, dag_id: str, run_id: str, kind: str) -> None:
        """Record that an incident is over; when it comes again it is a new one."""
        self.execute("runs/end_incident", dag_id=dag_id, run_id=run_id, kind=kind)

    def unsent(self, since: timedelta) -> list[Unsent]:
        """Return messages of late that reached nobody: no address took them, or their sender was killed."""
        return self.records(Unsent, "runs/unsent", since=since, patience=PATIENCE)

    def claim_unsent(self, since: timedelta) -> list[Claimed]:
        """Return failures and lateness of late whose alert reached nobody, which are ours to send from now on."""
        return self.records(Claimed, "runs/claim_unsent", since=since, patience=PATIENCE)

    def note_recovery(self, dag_id: str, run_id: str, what: str) -> None:
        """Record that a task instance which had failed has succeeded."""
        self.execute("runs/recover", dag_id=dag_id, run_id=run_id, what=what)


def _task(task: RunRef) -> dict[str, str]:
    return {"dag_id": task.dag_id, "run_id": task.run_id, "task_id": task.task_id}
