"""What the API answers with, as its document describes it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from ljwx.core.analysis import report
from ljwx.core.analysis.analysis import Analysis, Language, Mark
from ljwx.core.analysis.words import LABELLED, LEGEND, RISK
from ljwx.core.lineage import Node


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"example": fields})


class StockDocument(BaseModel):
    """A stock with its names."""

    model_config = _example(ts_code="000001.SZ", name="平安银行", former=["深发展A"])

    ts_code: str
    name: str
    former: list[str]


class LineDocument(BaseModel):
    """A line of a report, and whether it holds."""

    text: str
    mark: Mark


class SectionDocument(BaseModel):
    """A titled part of a report."""

    title: str
    lines: list[LineDocument]


class JudgementDocument(BaseModel):
    """What the model said to one question; `probabilities` beside `rates`, how often each class came before."""

    task: str
    label: str | None
    probabilities: dict[str, float] | None
    rates: dict[str, float] | None
    reason: str | None


class AnalysisDocument(BaseModel):
    """One stock as of the close of one session.

    :param proven: whether it was shown that the model is any good; null where nobody asked.
    """

    ai_generated: bool = True
    label: str
    legend: str
    risk_statement: str
    operator: str | None
    ts_code: str
    name: str
    session: date
    asked_day: date | None
    judgements: list[JudgementDocument]
    sections: list[SectionDocument]
    text: str
    model: str
    digest: str
    recipe: str
    dataset_id: str
    proven: bool | None
    facts: dict[str, Any]


class ModelDocument(BaseModel):
    """A model that was built, and the newest decision about it."""

    model: str
    aliases: list[str]
    strategy: str
    base: str
    dataset_id: str
    created_at: datetime
    deleted_at: datetime | None
    verdict: str | None
    proven: bool | None


class DecisionDocument(BaseModel):
    """A decision of the gate."""

    promotion_id: int
    model: str
    against: str | None
    verdict: str
    promoted: bool
    proven: bool | None
    decided_at: datetime | None
    refused_for: str | None


class DataDocument(BaseModel):
    """The state of the bars."""

    model_config = _example(
        sessions=500, first="2024-06-03", last="2026-06-30", features_wait_from=None, absent=["stk_limit"]
    )

    sessions: int
    first: date | None
    last: date | None
    features_wait_from: date | None
    absent: list[str]


class NodeDocument(BaseModel):
    """A thing, what is known of it, what it was made from and what used it."""

    kind: str
    name: str
    facts: dict[str, Any]
    made_from: list[NodeDocument]
    used_by: list[NodeDocument]


class HealthDocument(BaseModel):
    """That the service answers."""

    model_config = _example(status="ok")

    status: str


def analysis_document(found: Analysis, language: Language, operator: str | None) -> AnalysisDocument:
    """Return an analysis as JSON, with its report."""
    parts = [
        SectionDocument(title=each.title, lines=[LineDocument(text=line.text, mark=line.mark) for line in each.lines])
        for each in report.sections(found, language)
    ]
    said = [
        JudgementDocument(
            task=each.task,
            label=each.label,
            probabilities=None if each.probabilities is None else dict(each.probabilities),
            rates=None if each.rates is None else dict(each.rates),
            reason=each.reason,
        )
        for each in found.judgements
    ]
    return AnalysisDocument(
        label=LABELLED[language], legend=LEGEND[language], risk_statement=RISK[language], operator=operator,
        ts_code=found.ts_code, name=found.name, session=found.session, asked_day=found.asked_day,
        judgements=said, sections=parts,
        text=report.text(found, language), model=found.basis.model, digest=found.basis.digest,
        recipe=found.basis.recipe, dataset_id=found.basis.dataset_id, proven=found.basis.proven,
        facts=dict(found.facts),
    )  # fmt: skip


def node_document(node: Node) -> NodeDocument:
    """Return a tree as JSON."""
    return NodeDocument(
        kind=node.kind,
        name=node.name,
        facts=dict(node.facts),
        made_from=[node_document(each) for each in node.made_from],
        used_by=[node_document(each) for each in node.used_by],
    )
