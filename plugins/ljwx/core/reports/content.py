"""All that a report says, gathered from rows. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from ljwx.core.datasets.spec import RISK_STATEMENT
from ljwx.core.lineage import FetchedSessions
from ljwx.core.reports.cards import (
    CardRow,
    PartRow,
    TaskRow,
    comparison,
    differences,
    further,
    share_of,
    slices,
    tasks,
)
from ljwx.core.reports.cases import Case, Outcome, Probe, SessionAccuracy, by_session, examples, probe
from ljwx.core.reports.evidence import EvidenceTold, evidence
from ljwx.core.reports.records import ReportedDecision
from ljwx.core.reports.training import TrainingPart, training_part
from ljwx.core.standing import Standing, standing

VERDICTS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "promoted": ("晋升:证明优于现任冠军", "Promoted: shown to be better than the champion"),
        "first_champion": (
            "首任冠军:达到底线,但无从比较",
            "First champion: the floors hold, and there was nothing to compare with",
        ),
        "kept_champion": ("保留现任冠军:未能证明更好", "The champion stays: not shown to be better"),
        "retrained": (
            "更新:同一路线的新模型,与前任之差在允许范围内",
            "Retrained: a newer model of the champion's own line, within a margin of the one before",
        ),
        "rejected": ("拒绝:未达底线", "Rejected: below a floor"),
        "refused": (
            "未通过验证:从未成为候选,没有回答考题",
            "Failed its verification: it never became a candidate, and was not asked the questions",
        ),
    }
)
NEITHER: Final = (
    "first_champion_unproven", "looks", "decided_before", "left_out", "sealed_test", "calibration", "near_class_rates",
    "baseline_not_compared", "abstention_share",
)  # fmt: skip
"""Codes of reasons that tell something and speak for nobody."""
RISK_ENGLISH: Final = (
    "Made by a model from historical data, for research only. Not investment advice; markets carry risk, "
    "and decisions are your own."
)


@dataclass(frozen=True)
class ToldReason:
    """A reason of a decision: ``for`` the model, ``against`` it, or ``neither``."""

    speaks: str
    text: str


def _told(reason: Mapping[str, Any]) -> ToldReason:
    code = str(reason.get("code", ""))
    speaks = "neither" if code.split(":")[0] in NEITHER else "for" if reason["favourable"] else "against"
    return ToldReason(speaks, reason["text"] or code)


@dataclass(frozen=True)
class Report:
    """What the templates read.

    :param verdict: in Chinese and English.
    :param meaning: of the strategy, in Chinese and English.
    :param cards: the model's row first.
    :param standing: whether the model was shown to be any good, and what that means.
    :param evidence: what the decision weighed, session by session; None where nothing was.
    :param sources: the runs that fetched the dataset's sessions.
    :param left_out: numbers that the logistic regression did without.
    :param probes: answers that a verification asked for until it refused the model.
    :param said: the answers that it was refused for, as they came.
    :param training: of the model's weights; None where they are its base's.
    """

    decision: ReportedDecision
    verdict: tuple[str, str]
    meaning: tuple[str, str]
    standing: Standing
    evidence: EvidenceTold | None
    cards: tuple[CardRow, ...]
    differences: tuple[PartRow, ...]
    tasks: tuple[TaskRow, ...]
    slices: tuple[PartRow, ...]
    further: tuple[tuple[str, float], ...]
    bins: tuple[Mapping[str, Any], ...]
    invalid_reasons: Mapping[str, int]
    sessions: tuple[SessionAccuracy, ...]
    latencies: tuple[float, ...]
    examples: Mapping[Outcome, tuple[Case, ...]]
    sources: tuple[FetchedSessions, ...]
    left_out: tuple[str, ...] = ()
    probes: tuple[Probe, ...] = ()
    said: tuple[str, ...] = ()
    training: TrainingPart | None = None
    risk: tuple[str, str] = (RISK_STATEMENT, RISK_ENGLISH)

    @property
    def reasons(self) -> tuple[ToldReason, ...]:
        """The reasons of the decision, and for whom each speaks."""
        return tuple(map(_told, self.decision.reasons))

    @property
    def refused(self) -> bool:
        """Whether the model failed its verification: then there is nothing of an evaluation to tell."""
        return self.decision.verdict == "refused"

    @property
    def model(self) -> CardRow | None:
        """The model's own row; None where nothing was scored."""
        return next((row for row in self.cards if row.key == "model"), None)

    @property
    def predicted(self) -> tuple[float, int] | None:
        """What share was right of the questions about the future, and how many there were; None without any."""
        return share_of(row for row in self.tasks if not row.copies)

    @property
    def copied(self) -> tuple[float, int] | None:
        """The same of the questions whose answer stands in the prompt."""
        return share_of(row for row in self.tasks if row.copies)

    @property
    def asked(self) -> tuple[int, date | None, date | None]:
        """How many questions were answered, of which first and last session."""
        days = [row.session for row in self.sessions]
        return len(self.latencies), min(days, default=None), max(days, default=None)


def report(
    decision: ReportedDecision, cases: Sequence[Case], sources: Iterable[FetchedSessions], meaning: tuple[str, str]
) -> Report:
    """Gather a report.

    :param cases: the answers that the decision rests on.
    :param sources: the runs that fetched the dataset's sessions.
    :param meaning: of the model's strategy, in Chinese and English.
    """
    scorecards = decision.scorecard or {}
    checks = decision.checks or {}
    card = scorecards.get("model") or {}
    overall = card.get("overall") or {}
    verdict = decision.verdict
    return Report(
        decision=decision,
        verdict=VERDICTS.get(verdict, (verdict, verdict)),
        meaning=meaning,
        standing=standing(decision.proven),
        evidence=evidence(decision.evidence),
        cards=comparison(scorecards),
        differences=() if all(row.share is None for row in differences(card)) else differences(card),
        tasks=tasks(card),
        slices=slices(card),
        further=further(scorecards),
        bins=tuple((overall.get("calibration") or {}).get("bins", ())),
        invalid_reasons=overall.get("invalid_reasons") or {},
        sessions=by_session(cases),
        latencies=tuple(each.latency_s for each in cases),
        examples=examples(cases),
        sources=tuple(sources),
        left_out=tuple((scorecards.get("logistic") or {}).get("left_out", ())),
        probes=tuple(probe(row) for row in checks.get("answers", ())),
        said=tuple(checks.get("said", ())),
        training=training_part(decision.training, decision.served),
    )
