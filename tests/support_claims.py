"""Clauses with verdicts by hand, and what the checker makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ljwx.core.claims.prose import read

FOLDER = Path(__file__).resolve().parent / "core" / "claims"


@dataclass(frozen=True)
class Labelled:
    """A clause about a snapshot, with the verdict of a person: true, false or unchecked."""

    family: str
    clause: str
    facts: dict[str, Any]
    verdict: str


@dataclass(frozen=True)
class Agreement:
    """Of the clauses that the checker takes for true, the share that is; and the share of the true ones it takes so."""

    precision: float
    recall: float
    clauses: int
    differing: tuple[str, ...]


def corpus(name: str) -> list[Labelled]:
    """The clauses of a file beside the tests of the checker: each has a base snapshot and facts laid over it."""
    bases = json.loads((FOLDER / "snapshots.json").read_text(encoding="utf-8"))
    lines = map(json.loads, (FOLDER / name).read_text(encoding="utf-8").splitlines())
    return [
        Labelled(line["family"], line["clause"], laid_over(bases[line["base"]], line["facts"]), line["verdict"])
        for line in lines
    ]


def laid_over(base: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """A snapshot with some values replaced, by their dotted places."""
    made = dict(base)
    for path, value in facts.items():
        *sections, key = path.split(".")
        place = made
        for section in sections:
            place[section] = dict(place[section])
            place = place[section]
        place[key] = value
    return made


def verdict_on(clause: str, facts: dict[str, Any]) -> str:
    """What the checker says of a clause as a whole: one wrong claim makes it false, one unchecked word unchecked."""
    found = read(clause, facts)
    verdicts = {claim.verdict for claim in found.claims}
    if verdicts & {"wrong", "unsupported"}:
        return "false"
    return "unchecked" if found.unchecked or verdicts != {"right"} else "true"


def agreement(labelled: Sequence[Labelled]) -> Agreement:
    """How the checker's verdicts compare with those given by hand."""
    said = [(each, verdict_on(each.clause, each.facts)) for each in labelled]
    differing = tuple(f"{e.family}: {e.clause}: {e.verdict}, taken for {got}" for e, got in said if e.verdict != got)
    both = _count(e.verdict == got == "true" for e, got in said)
    taken = _count(got == "true" for _, got in said)
    true = _count(e.verdict == "true" for e in labelled)
    return Agreement(both / taken if taken else 0.0, both / true if true else 0.0, len(said), differing)


def _count(of: Iterable[bool]) -> int:
    return sum(of)
