"""Is what an answer says true of its snapshot? Every number and every signal in it is looked up.

Pure: never imports airflow, an HTTP client or a database driver. Classes and probabilities are opinions, not
checked here. What counts as a claim in prose is said in :mod:`ljwx.core.claims.prose`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ljwx.core.claims.prose import ProseClaim, numbers, words
from ljwx.core.features.technical.signals import PHRASES, STATES
from ljwx.core.snapshots.fields import SIGNALS_SECTION

Verdict = Literal["right", "wrong", "unsupported"]


@dataclass(frozen=True)
class Claim:
    """One number or signal in an answer, held against the snapshot.

    :param verdict: right; wrong, because the snapshot has another value for what was named; or unsupported, because
        the snapshot says nothing of the kind.
    :param text: the claim and, unless it is right, what the snapshot has.
    """

    verdict: Verdict
    text: str


def claims(answer: str | Mapping[str, Any], snapshot: str | Mapping[str, Any]) -> tuple[Claim, ...]:
    """Every number and signal in an answer, each with its verdict.

    :param answer: a checked answer, as JSON text or parsed.
    :param snapshot: the snapshot it was given, as JSON text or parsed.
    """
    said = json.loads(answer) if isinstance(answer, str) else answer
    facts = json.loads(snapshot) if isinstance(snapshot, str) else snapshot
    prose = str(said.get("analysis", ""))
    return (*_fields(said, facts), *map(_verdict, (*numbers(prose, facts), *words(prose, facts))))


def unsupported_claims(answer: str | Mapping[str, Any], snapshot: str | Mapping[str, Any]) -> tuple[str, ...]:
    """What an answer claims and its snapshot does not hold; empty when all is supported."""
    return tuple(claim.text for claim in claims(answer, snapshot) if claim.verdict != "right")


def _fields(said: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[Claim]:
    """Claims of the structured fields: reasons, states, levels, range."""
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


def _verdict(claim: ProseClaim) -> Claim:
    if claim.holds:
        return Claim("right", claim.text)
    return Claim("unsupported" if claim.holds is None else "wrong", f"{claim.text}: {claim.has}")
