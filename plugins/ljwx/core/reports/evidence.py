"""The numbers that a decision about a line rests on, as rows for a reader; read with patience, as scorecards are.

Pure: no airflow, no I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from typing import Any, Final

from ljwx.core.promotions.reasons import LEFT_OUT

MOST_SHOWN: Final = 13.8
"""Evidence of more than e to this, a million, is shown as that."""
MEASURES: Final = {"rank_ic": "RankIC 排序", "brier": "Brier 评分", "log": "log score 对数评分"}
RIVALS: Final = {"none": "0, chance 偶然", "class_rates": "class rates 类别频率"}
RANKING: Final = ("none", "rank_ic")
"""Rival and measure of the RankIC against 0."""
STATES: Final = {
    "confirmed": "已确认 confirmed",
    "lapsed": "曾确认,近期不再成立 confirmed once, holds no more",
    "waiting": "待到期 waiting",
    "short": "证据不足 not enough",
}


@dataclass(frozen=True)
class EvidenceRow:
    """What the sessions say about a line and one rival; None where it could not be said.

    :param raw: mean difference over `sessions`, positive where the line is better; `shrunken` is drawn towards 0.
    :param low: bounds of the mean, however often one looks.
    :param smallest: about the smallest difference that so many sessions confirm in four of five cases.
    :param evidence: how much one who bet on the line would have of 1; `needed` confirms.
    """

    measure: str
    task: str
    rival: str
    sessions: int | None
    raw: float | None
    shrunken: float | None
    low: float | None
    high: float | None
    smallest: float | None
    evidence: float | None
    needed: float | None
    state: str


@dataclass(frozen=True)
class EvidenceTold:
    """All that was weighed, and how often one has looked.

    :param given: the error rate of this line, and `spent` of all that began within `error_sessions`; of `error_rate`.
    :param left_out: reason → questions that count for nobody.
    """

    rows: tuple[EvidenceRow, ...]
    session: str | None
    looks: int | None
    lines: int | None
    given: float | None
    spent: float | None
    error_rate: float | None
    error_sessions: int | None
    left_out: Mapping[str, int]


def evidence(record: Mapping[str, Any] | None) -> EvidenceTold | None:
    """Return what a decision's record of evidence says; None where nothing was weighed."""
    if not record:
        return None
    return EvidenceTold(
        rows=tuple(_row(each) for each in record.get("compared", ())),
        session=record.get("session"),
        looks=record.get("looks"),
        lines=record.get("lines"),
        given=record.get("alpha"),
        spent=record.get("spent"),
        error_rate=record.get("error_rate"),
        error_sessions=record.get("error_sessions"),
        left_out={LEFT_OUT.get(why, why): count for why, count in (record.get("left_out") or {}).items()},
    )


def rank_ic(record: Mapping[str, Any] | None) -> float | None:
    """Return the mean RankIC of a session that a decision weighed; None where none was."""
    rows = (record or {}).get("compared", ())
    return next((each.get("raw") for each in rows if (each.get("rival"), each.get("measure")) == RANKING), None)


def _row(each: Mapping[str, Any]) -> EvidenceRow:
    measure, rival = str(each.get("measure")), str(each.get("rival"))
    told = each.get("raw") is not None  # bounds of nothing are no bounds
    state = "waiting" if each.get("waiting") else "short"
    if each.get("confirmed"):
        state = "lapsed" if each.get("lapsed") else "confirmed"
    return EvidenceRow(
        measure=MEASURES.get(measure, measure),
        task=each.get("task") or "全部 all",
        rival=RIVALS.get(rival, f"champion 冠军 {rival}"),
        sessions=each.get("sessions"),
        **{name: each.get(name) if told else None for name in ("raw", "shrunken", "low", "high", "smallest")},
        evidence=_capital(each.get("log_evidence")),
        needed=_capital(each.get("log_needed")),
        state=STATES[state],
    )


def _capital(logarithm: float | None) -> float | None:
    return None if logarithm is None else exp(min(logarithm, MOST_SHOWN))
