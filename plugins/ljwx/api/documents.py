"""What the API answers with, as its document describes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from ljwx.core.analysis import report
from ljwx.core.analysis.analysis import Analysis, Language, Mark, Section, Way
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


class BoundedDocument(BaseModel):
    """A mean over sessions, with bounds that hold with 95 % on whichever day one looks."""

    mean: float
    low: float
    high: float


class FaredDocument(BaseModel):
    """What this model's settled calls to the same question were worth.

    :param gain: in log score over class rates, nats a question: above 0 is better.
    :param by_class: calls of each class, and how many of them came true.
    """

    first: date
    last: date
    sessions: int
    calls: int
    hits: BoundedDocument
    gain: BoundedDocument | None
    by_class: dict[str, tuple[int, int]]


class JudgementDocument(BaseModel):
    """What the model said to one question; `probabilities` beside `rates`, how often each class came before.

    :param way: asked just now, taken from the forward record in full or as the class alone, or read from the facts.
    :param recorded_at: when the record wrote it down.
    :param fared: null where no such call is settled yet: nothing is shown of it.
    """

    task: str
    label: str | None
    probabilities: dict[str, float] | None
    rates: dict[str, float] | None
    reason: str | None
    way: Way
    recorded_at: datetime | None
    fared: FaredDocument | None


class LabelledDocument(BaseModel):
    """What is said of everything that a reader is given: that it is AI-generated, and no advice."""

    ai_generated: bool = True
    label: str
    legend: str
    risk_statement: str
    operator: str | None


class AnalysisDocument(LabelledDocument):
    """One stock as of the close of one session.

    :param proven: whether it was shown that the model is any good; null where nobody asked.
    """

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


class RunDocument(BaseModel):
    """A task instance of Airflow; `map_index` is -1 for a task that is not mapped."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int


class NodeDocument(BaseModel):
    """A thing, what is known of it, what it was made from and what used it; `run` is the task instance of a run."""

    kind: str
    name: str
    facts: dict[str, Any]
    made_from: list[NodeDocument]
    used_by: list[NodeDocument]
    run: RunDocument | None


class HealthDocument(BaseModel):
    """That the service answers."""

    model_config = _example(status="ok")

    status: str


def labelled(language: Language, operator: str | None) -> dict[str, Any]:
    """Return the fields that label an answer."""
    return {
        "label": LABELLED[language], "legend": LEGEND[language], "risk_statement": RISK[language], "operator": operator,
    }  # fmt: skip


def section_documents(parts: Sequence[Section]) -> list[SectionDocument]:
    """Return the parts of a report as JSON."""
    return [
        SectionDocument(title=each.title, lines=[LineDocument(text=line.text, mark=line.mark) for line in each.lines])
        for each in parts
    ]


def analysis_document(found: Analysis, language: Language, operator: str | None) -> AnalysisDocument:
    """Return an analysis as JSON, with its report."""
    said = [
        JudgementDocument(
            task=each.task,
            label=each.label,
            probabilities=None if each.probabilities is None else dict(each.probabilities),
            rates=None if each.rates is None else dict(each.rates),
            reason=each.reason,
            way=each.source.way,
            recorded_at=each.source.at,
            fared=None if each.fared is None else FaredDocument.model_validate(asdict(each.fared)),
        )
        for each in found.judgements
    ]
    return AnalysisDocument(
        **labelled(language, operator),
        ts_code=found.ts_code, name=found.name, session=found.session, asked_day=found.asked_day,
        judgements=said, sections=section_documents(report.sections(found, language)),
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
        run=None if node.run is None else RunDocument(**vars(node.run)),
    )
