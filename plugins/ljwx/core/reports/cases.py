"""Single answers: how they are counted by session, and which ones are shown. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt
from statistics import NormalDist
from typing import Any, Literal

from ljwx.core.tasks.spoken import Spoken

Outcome = Literal["right", "wrong", "invalid"]


@dataclass(frozen=True)
class Case:
    """A question, its truth, and the answer as it came.

    :param session: the as-of session.
    :param latency_s: seconds from request to last token.
    :param told: a valid answer that cites facts, in sentences.
    """

    sample_id: str
    task: str
    ts_code: str
    session: date
    truth: str
    answered: str | None
    valid: bool
    reason: str | None
    raw: str
    probabilities: Mapping[str, float] | None
    latency_s: float
    told: Spoken | None = None

    @property
    def outcome(self) -> Outcome:
        """Invalid answers count as wrong, but are counted apart."""
        if not self.valid:
            return "invalid"
        return "right" if self.answered == self.truth else "wrong"


@dataclass(frozen=True)
class Probe:
    """An answer that a verification asked for. Latency in seconds."""

    task: str
    valid: bool
    reason: str | None
    latency_s: float
    prompt_tokens: int
    answer_tokens: int


@dataclass(frozen=True)
class SessionAccuracy:
    """The share of right answers of one session, and its Wilson interval."""

    session: date
    questions: int
    accuracy: float
    low: float
    high: float


def by_session(cases: Iterable[Case], confidence: float = 0.95) -> tuple[SessionAccuracy, ...]:
    """Return the accuracy of each session, oldest first.

    The interval takes the answers of a session as independent, which they are not quite: it is too short rather than
    too long, and decides nothing.
    """
    right: dict[date, list[bool]] = defaultdict(list)
    for case in cases:
        right[case.session].append(case.outcome == "right")
    return tuple(
        SessionAccuracy(session, len(given), sum(given) / len(given), *wilson(sum(given), len(given), confidence))
        for session, given in sorted(right.items())
    )


def wilson(right: int, n: int, confidence: float) -> tuple[float, float]:
    """Return the Wilson score interval of a share (Wilson 1927) within 0 and 1; the share itself is always in it."""
    share = right / n
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    middle = (right + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * sqrt(right * (n - right) / n + z * z / 4)
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def examples(cases: Sequence[Case], each: int = 2) -> dict[Outcome, tuple[Case, ...]]:
    """Return up to `each` right, wrong and invalid answers, of as many tasks as there are; the first asked of each."""
    shown: dict[Outcome, tuple[Case, ...]] = {}
    for outcome in ("right", "wrong", "invalid"):
        of_kind = [case for case in cases if case.outcome == outcome]
        seen: Counter[str] = Counter()
        ranked = []
        for position, case in enumerate(of_kind):
            ranked.append((seen[case.task], position, case))
            seen[case.task] += 1
        ranked.sort(key=lambda item: item[:2])
        shown[outcome] = tuple(case for _, _, case in ranked[:each])
    return shown


def probe(row: Mapping[str, Any]) -> Probe:
    """Return an answer of a verification from what it has measured."""
    return Probe(**{name: row[name] for name in Probe.__dataclass_fields__})
