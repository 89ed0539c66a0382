"""Answers that the forward record has: what a model said of a session before the next one opened is not asked again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ljwx.core.analysis.analysis import Source
from ljwx.core.evaluations.faithfulness import count_claims
from ljwx.core.prompts import expected
from ljwx.core.tasks import TASKS
from ljwx.core.tasks.technical_analysis import TECHNICAL_ANALYSIS, conclusion
from ljwx.core.thinking import split_thinking
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.full import Prompted, prompts_of, read_answer
from ljwx.services.asking.stock import AskedStock, Champion
from ljwx.warehouse.evaluations import ModelAnswer
from ljwx.warehouse.forward import RecordedAnswer


@dataclass(frozen=True)
class Said:
    """An answer, and where it comes from."""

    answer: ModelAnswer
    source: Source


def recorded(warehouse: WarehouseHook, champion: Champion, stock: AskedStock, tasks: Sequence[str]) -> dict[str, Said]:
    """Return by task the answers that the record has to these questions about a stock, as its snapshot is now.

    One about a snapshot that corrections have changed since is left out, and one of which nothing came.
    What no outcome decides is not in the record; where all else is, code says it from the facts, and no model is asked.
    """
    codes = warehouse.codes().all_of([stock.ts_code])
    sha256 = hashlib.sha256(stock.snapshot.encode()).hexdigest()
    rows = warehouse.recorded_answers(stock.session, codes, champion.alias.model, champion.alias.digest)
    found = {
        each.task: _said(each, champion, stock)
        for each in rows
        if each.task in tasks and each.snapshot_sha256 == sha256 and (each.answer or each.probabilities)
    }
    others = [task for task in tasks if not TASKS[task].needs_future]
    if found and len(found) + len(others) == len(tasks):
        found |= {task: _from_facts(stock) for task in others if task == TECHNICAL_ANALYSIS.name}
    return found


def _said(each: RecordedAnswer, champion: Champion, stock: AskedStock) -> Said:
    if each.answer is None:
        return Said(_of_class(each.task, each.probabilities), Source("class", each.answered_at, each.late))
    prompted = Prompted("", each.task, stock.snapshot, champion.spec.prompt_version)
    thought, text = split_thinking(each.answer)
    read = read_answer(
        expected(each.task, stock.snapshot, prompts_of(prompted)), text, cut=False, thought=bool(thought)
    )
    answer = _answer(
        each.answer,
        label=read.label,
        parsed=read.parsed,
        probabilities=(each.probabilities or read.probabilities) if read.valid else None,
        reason=read.reason,
        snapshot=stock.snapshot,
    )
    return Said(answer, Source("record", each.answered_at, each.late))


def _of_class(task: str, probabilities: Mapping[str, float] | None) -> ModelAnswer:
    """The answer to a question of which the class alone was asked."""
    given = probabilities or {}
    label = max(TASKS[task].classes, key=lambda name: given.get(name, 0.0))
    return _answer("", label=label, probabilities=probabilities)


def _from_facts(stock: AskedStock) -> Said:
    """The technical state, which the snapshot's signals decide."""
    label = conclusion(json.loads(stock.snapshot))
    return Said(_answer("", label=label), Source("facts"))


def _answer(
    raw: str,
    *,
    label: str | None,
    parsed: Mapping[str, Any] | None = None,
    probabilities: Mapping[str, float] | None = None,
    reason: str | None = None,
    snapshot: str | None = None,
) -> ModelAnswer:
    claims = None if parsed is None or snapshot is None else count_claims(parsed, snapshot)
    return ModelAnswer(
        sample_id="",
        raw=raw,
        valid=label is not None,
        label=label,
        parsed=parsed,
        probabilities=probabilities,
        probabilities_from=None if probabilities is None else "tokens",
        reason=reason,
        claims=claims,
        latency_s=0.0,
        server_s=None,
        prompt_tokens=0,
        answer_tokens=0,
    )
