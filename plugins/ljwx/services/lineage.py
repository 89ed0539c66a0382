"""From a name to the tree of where it came from and what became of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from ljwx.core.datasets.members import VALID_DAYS
from ljwx.core.lineage import Node, OfRun
from ljwx.exceptions import NotFound
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.names import find_model
from ljwx.warehouse.lineage import TracedAnswer, TracedBar, TracedDecision, TracedModel, TracedSample
from ljwx.warehouse.warehouse import Warehouse

SAMPLE_DIGITS = 8
DATED: Final = re.compile(r"(\d{4}-\d\d-\d\d)/([^/]+)(?:/([^/]+)/(.+))?")
"""A bar, or an answer of the forward record."""


def trace(name: str) -> Node:
    """Return the tree of a model, a dataset, a sample, an answer of the forward record, or a bar.

    :param name: a model's name or alias, a dataset_id, a sample_id or its first digits, eight at least; an answer as
        ``SESSION/STOCK/TASK/MODEL``, or a bar as ``SESSION/STOCK``.
    :raises NotFound: nothing has this name, the digits fit several samples, or the alias names no model yet.
    """

    warehouse = WarehouseHook()
    dated = DATED.fullmatch(name)
    if dated is not None:
        return _dated(warehouse, *dated.groups())
    found = _dataset(warehouse, name) or _sample(warehouse, name) or _model(warehouse, find_model(warehouse, name))
    if found is None:
        raise NotFound(
            f"no model, dataset or sample is called {name!r}; `ljwx report` lists the models and datasets; a bar is "
            "called 2026-06-30/000001.SZ, an answer of the forward record 2026-06-30/000001.SZ/TASK/MODEL"
        )
    return found


def _model(warehouse: Warehouse, name: str | None) -> Node | None:

    model = None if name is None else warehouse.trace_model(name)
    if model is None:
        return None
    facts = {
        "digest": model.digest, "strategy": model.strategy, "base": model.base, "spec": model.spec_sha256,
        "created": model.created_at, "deleted": model.deleted_at, "verified": model.verified,
        "served as": ", ".join(model.aliases) or None,
    }  # fmt: skip
    dataset = _dataset(warehouse, model.dataset_id, used=False)
    training = _training(warehouse, model.recipe_id)
    base = Node("base", model.base, {"digest": model.base_digest})
    made_from = (*([training] if training else []), *([dataset] if dataset else []), base, _run(model))
    return Node("model", model.model, facts, made_from, tuple(_uses_of_model(warehouse, model)))


def _training(warehouse: Warehouse, recipe_id: str | None) -> Node | None:
    """Return the training of a model's weights: its job, its digests, and the dataset that it was prepared from."""
    found = None if recipe_id is None else warehouse.training(recipe_id)
    if found is None:
        return None
    facts = {
        "job": found.job, "base weights": found.base_gguf, "adapter": found.adapter_sha256,
        "weights": found.gguf_sha256, "started": found.started_at, "finished": found.finished_at,
    }  # fmt: skip
    return Node("training", found.recipe_id, facts, (Node("dataset", found.dataset_id),))


def _uses_of_model(warehouse: Warehouse, model: TracedModel) -> Iterator[Node]:
    for each in warehouse.evaluations_of(model.model):
        facts = {"question set": each.question_set_id, "answers": each.answers, "valid": each.valid}
        yield Node("evaluation", str(each.evaluation_id), facts)
    for decision in warehouse.decisions_of(model.model):
        yield _decision(decision, model.model)


def _decision(decision: TracedDecision, name: str) -> Node:

    is_challenger = decision.challenger == name
    facts = {
        "verdict": decision.verdict, "as": "challenger" if is_challenger else "champion",
        "against": decision.champion if is_challenger else decision.challenger, "decided": decision.decided_at,
        "because": decision.refused_for,
    }  # fmt: skip
    return Node("decision", str(decision.promotion_id), facts)


def _dataset(warehouse: Warehouse, name: str, used: bool = True) -> Node | None:

    dataset = warehouse.trace_dataset(name)
    if dataset is None:
        return None
    facts = {
        "sha256": dataset.sha256, "samples": dataset.samples, "from": dataset.first_session,
        "to": dataset.last_session, "folder": dataset.folder, "created": dataset.created_at,
        "deleted": dataset.deleted_at, "code version": dataset.code_version,
    }  # fmt: skip
    parent = (Node("dataset", dataset.parent_id),) if dataset.parent_id else ()
    fetched = (
        Node("bars", f"{each.first} to {each.last}", {"sessions": each.sessions, "rows": each.bars}, (_run(each),))
        for each in warehouse.fetched_by(dataset.first_session, dataset.last_session)
    )
    lists = (
        Node(
            "index", each.index_code,
            {"lists": each.lists, "members": each.members, "from": each.first, "to": each.last}, (_run(each),),
        )
        for each in warehouse.lists_of(name, VALID_DAYS)
    )  # fmt: skip
    users = tuple(_uses_of_dataset(warehouse, name)) if used else ()
    return Node("dataset", name, facts, (*parent, *fetched, *lists, _run(dataset)), users)


def _uses_of_dataset(warehouse: Warehouse, dataset_id: str) -> Iterator[Node]:
    for model in warehouse.models_of(dataset_id):
        yield Node("model", model.model, {"strategy": model.strategy, "deleted": model.deleted_at})
    for each in warehouse.question_sets_of(dataset_id):
        yield Node("question set", each.question_set_id, {"questions": each.questions})
    for child in warehouse.children_of(dataset_id):
        yield Node("dataset", child)


def _sample(warehouse: Warehouse, name: str) -> Node | None:

    if len(name) < SAMPLE_DIGITS or set(name) - set("0123456789abcdef"):
        return None
    samples = warehouse.trace_samples(name)
    if len(samples) > 1:
        raise NotFound(f"several samples begin with {name}; give more of the digits")
    if not samples:
        return None
    (sample,) = samples
    facts = {
        "ts_code": sample.ts_code, "session": sample.session, "task": sample.task, "label": sample.label,
        "label_end": sample.label_end, "bars_from": sample.bars_from, "snapshot_sha256": sample.snapshot_sha256,
        "feature_version": sample.feature_version,
    }  # fmt: skip
    bars = (
        Node(
            "bars", f"{each.first} to {each.last}", {"rows": each.bars, "newest revision": each.newest_revision},
            (_run(each),),
        )
        for each in warehouse.bars_of(sample.sample_id)
    )  # fmt: skip
    return Node("sample", sample.sample_id, facts, (*bars, _run(sample)), tuple(_uses_of_sample(warehouse, sample)))


def _uses_of_sample(warehouse: Warehouse, sample: TracedSample) -> Iterator[Node]:
    for dataset in warehouse.datasets_of(sample.sample_id):
        yield Node("dataset", dataset.dataset_id, {"split": dataset.split})
    for answer in warehouse.answers_to(sample.sample_id):
        yield Node("answer", answer.model, {"said": answer.label, "valid": answer.valid, "reason": answer.reason})


def _dated(warehouse: Warehouse, day: str, ts_code: str, task: str | None, answerer: str | None) -> Node:
    """Return the tree of a bar, or of an answer where a task and a name are given."""
    try:
        session = date.fromisoformat(day)
    except ValueError:
        raise NotFound(f"{day} is no day; write it like 2026-06-30") from None
    if task is None or answerer is None:
        return _bar(warehouse, session, ts_code)
    answers = warehouse.trace_answers(session, ts_code, task, answerer)
    if not answers and (model := find_model(warehouse, answerer)) is not None:
        answers = warehouse.trace_answers(session, ts_code, task, model)
    if not answers:
        raise NotFound(f"the forward record has no answer of {answerer} to {task} about {ts_code} as of {session}")
    return _answer(warehouse, answers[0])


def _answer(warehouse: Warehouse, answer: TracedAnswer) -> Node:
    """Return an answer: the bars of its snapshot, the run that asked, its model, and what came true."""
    facts = {
        "digest": answer.digest, "line": answer.line_id, "said": answer.probabilities, "reason": answer.reason,
        "answered": answer.answered_at, "late": answer.late,
    }  # fmt: skip
    bars = tuple(
        Node(
            "bars", f"{each.first} to {each.last}", {"rows": each.bars, "newest revision": each.newest_revision},
            (_run(each),),
        )
        for each in warehouse.bars_of_answer(answer)
    )  # fmt: skip
    snapshot = Node("snapshot", answer.snapshot_sha256, {"session": answer.session}, bars)
    seal = {"sealed": answer.sealed_at, "deadline": answer.deadline, "digest": answer.seal}
    made_by = _model(warehouse, answer.answerer) or Node("rule" if answer.digest is None else "base", answer.answerer)
    meaning = Node("dataset", answer.dataset_id, {"says": "what the classes mean"})
    outcome = {
        "excess": answer.excess, "revision": answer.revision, "reason": answer.no_outcome,
    }  # fmt: skip
    came = () if answer.revision is None else (Node("outcome", answer.label or "none", outcome),)
    name = f"{answer.session}/{answer.ts_code}/{answer.task}/{answer.answerer}"
    made_from = (snapshot, made_by, meaning, _run(answer))
    return Node("answer", name, facts, made_from, (Node("record", str(answer.session), seal), *came))


def _bar(warehouse: Warehouse, session: date, ts_code: str) -> Node:
    """Return the revisions of a bar: the run that wrote each, and the answers of the forward record that rest on it."""
    revisions = warehouse.revisions_of_bar(session, ts_code)
    if not revisions:
        raise NotFound(f"there is no bar of {ts_code} on {session}")
    return Node("bar", f"{session}/{ts_code}", {}, tuple(_revision(warehouse, each) for each in revisions))


def _revision(warehouse: Warehouse, bar: TracedBar) -> Node:
    facts = {"first seen": bar.first_seen, "superseded": bar.superseded_at}
    users = tuple(
        Node("answers", f"{each.task}/{each.answerer}", {"answers": each.answers, "from": each.first, "to": each.last})
        for each in warehouse.answers_on(bar)
    )
    return Node("revision", str(bar.revision), facts, (_run(bar),), users)


def _run(made: OfRun) -> Node:
    instance = OfRun(made.dag_id, made.run_id, made.task_id, made.map_index)
    return Node("run", made.instance, {"run_id": made.run_id}, run=instance)
