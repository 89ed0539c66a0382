"""Where a thing came from: the runs that made it, and its tree. Pure: no airflow, HTTP or SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True)
class OfRun:
    """What a task instance of Airflow has written.

    :param map_index: -1 for a task that is not mapped.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int

    @property
    def instance(self) -> str:
        """The task instance without its run: ``dag.task[map index]``."""
        return f"{self.dag_id}.{self.task_id}" + (f"[{self.map_index}]" if self.map_index >= 0 else "")


@dataclass(frozen=True)
class FetchedSessions(OfRun):
    """Sessions that a task instance fetched: how many, from when to when, and how many bars."""

    sessions: int
    first: date
    last: date
    bars: int


@dataclass(frozen=True)
class Node:
    """A thing with a name, what is known of it, and its neighbours on both sides.

    :param kind: model, training, dataset, sample, run, evaluation, decision, question set, bars, index; of the forward
        record answer, snapshot, rule, record, outcome, bar, revision, answers.
    :param facts: by name; None is left out of the text.
    :param run: of a run: the task instance, by which Airflow shows it.
    """

    kind: str
    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    made_from: tuple[Node, ...] = ()
    used_by: tuple[Node, ...] = ()
    run: OfRun | None = field(default=None, compare=False)

    @property
    def text(self) -> str:
        """One line: kind, name and facts."""
        facts = ", ".join(f"{name} {value}" for name, value in self.facts.items() if value not in (None, "", []))
        return f"{self.kind} {self.name}" + (f": {facts}" if facts else "")

    def as_dict(self) -> dict[str, Any]:
        """The tree as JSON can hold it; empty sides are left out."""
        sides = {"made_from": self.made_from, "used_by": self.used_by}
        known = {name: [node.as_dict() for node in nodes] for name, nodes in sides.items() if nodes}
        return {"kind": self.kind, "name": self.name, **self.facts, **known}
