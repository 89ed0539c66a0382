"""The tree of one thing: what it was made from, and what was made from it. Pure: no airflow, HTTP or SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Node:
    """A thing with a name, what is known of it, and its neighbours on both sides.

    :param kind: model, dataset, sample, run, evaluation, decision, question set, bars, index.
    :param facts: by name; None is left out when told.
    """

    kind: str
    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    made_from: tuple[Node, ...] = ()
    used_by: tuple[Node, ...] = ()

    @property
    def text(self) -> str:
        """One line: kind, name and facts."""
        told = ", ".join(f"{name} {value}" for name, value in self.facts.items() if value not in (None, "", []))
        return f"{self.kind} {self.name}" + (f": {told}" if told else "")

    def as_dict(self) -> dict[str, Any]:
        """The tree as JSON can hold it; empty sides are left out."""
        sides = {"made_from": self.made_from, "used_by": self.used_by}
        known = {name: [node.as_dict() for node in nodes] for name, nodes in sides.items() if nodes}
        return {"kind": self.kind, "name": self.name, **self.facts, **known}
