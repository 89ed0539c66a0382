"""Is what an answer says true of its snapshot? Every number and every signal in it is looked up.

Pure: never imports airflow, an HTTP client or a database driver. Classes and probabilities are opinions, not
checked here. What counts as a claim in prose is said in :mod:`ljwx.core.claims.reader`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ljwx.core.claims.claim import Claim
from ljwx.core.claims.prose import read
from ljwx.core.features.technical.signals import PHRASES, STATES
from ljwx.core.snapshots.citable import cited, sentence
from ljwx.core.snapshots.fields import SIGNALS_SECTION

CHECKER_VERSION: Final = 4
"""Rises where the same answer would get other verdicts; 1 knew no negation, day, entity or unit, 2 no English, 3 no
names of other companies."""


@dataclass(frozen=True)
class Checked:
    """What an answer claims, and what of its prose was not checked.

    :param unchecked: words that are neither a number, a signal nor a known phrase.
    :param characters: letters and digits of the prose; ``unchecked_characters`` those among them that say nothing that
        the snapshot could bear out.
    """

    claims: tuple[Claim, ...] = ()
    unchecked: tuple[str, ...] = ()
    characters: int = 0
    unchecked_characters: int = 0

    @property
    def unsupported(self) -> tuple[str, ...]:
        """What is claimed and not borne out."""
        return tuple(claim.text for claim in self.claims if claim.verdict != "right")


def check(answer: str | Mapping[str, Any], snapshot: str | Mapping[str, Any]) -> Checked:
    """Hold an answer against its snapshot.

    :param answer: a checked answer, as JSON text or parsed.
    :param snapshot: the snapshot it was given, as JSON text or parsed.
    """
    said = json.loads(answer) if isinstance(answer, str) else answer
    facts = json.loads(snapshot) if isinstance(snapshot, str) else snapshot
    prose = read(str(said.get("analysis", "")), facts)
    empty = tuple(claim.text for claim in prose.claims if claim.verdict == "unchecked")
    return Checked(
        (*_fields(said, facts), *(claim for claim in prose.claims if claim.verdict != "unchecked")),
        (*prose.unchecked, *empty),
        prose.characters,
        prose.unchecked_characters,
    )


def claims(answer: str | Mapping[str, Any], snapshot: str | Mapping[str, Any]) -> tuple[Claim, ...]:
    """Every number and signal in an answer, each with its verdict."""
    return check(answer, snapshot).claims


def unsupported_claims(answer: str | Mapping[str, Any], snapshot: str | Mapping[str, Any]) -> tuple[str, ...]:
    """What an answer claims and its snapshot does not hold; empty when all is supported."""
    return check(answer, snapshot).unsupported


def _fields(said: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[Claim]:
    """Claims of the structured fields: reasons, states, levels, range, and facts that are cited by key."""
    known = cited(facts) if "facts" in said else {}
    for key in said.get("facts", ()):
        is_there = key in known
        yield Claim("right", sentence(known[key], facts, "zh")) if is_there else Claim("unsupported", f"{key}: no fact")
    for phrase in (*said.get("reasons", ()), *said.get("factors", ())):
        signal, word = PHRASES.get(phrase, ("", ""))
        if not signal:
            yield Claim("unsupported", f"{phrase}: not a signal of the snapshot")
        elif facts[SIGNALS_SECTION][signal] != word:
            yield Claim("wrong", f"{phrase}: not a signal of the snapshot")
        else:
            yield Claim("right", phrase)
    states = {signal.name: facts[SIGNALS_SECTION][signal.name] for signal in STATES}
    expected = states | dict(facts["levels"]) | {"range": facts["range"]}
    for field, value in expected.items():
        if field in said:
            text = f"{field} {said[field]}"
            same = said[field] == value
            yield Claim("right", text) if same else Claim("wrong", f"{text}: the snapshot has {value}")
