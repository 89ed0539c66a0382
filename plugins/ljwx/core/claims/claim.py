"""A claim of an answer, and what the snapshot says of it. Pure: nothing here may import airflow, HTTP or SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["right", "wrong", "unsupported", "unchecked"]


@dataclass(frozen=True)
class Claim:
    """One number or signal in an answer, held against the snapshot; or words that cannot be.

    :param verdict: right; wrong, because the snapshot has another value for what was named; unsupported, because the
        snapshot holds nothing of the kind; or unchecked, because it says nothing that a snapshot could bear out.
    :param text: the claim and, unless it is right, what the snapshot has.
    """

    verdict: Verdict
    text: str
