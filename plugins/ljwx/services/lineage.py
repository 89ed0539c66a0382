"""From a name to the tree of where it came from and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ljwx.core.datasets.members import VALID_DAYS
from ljwx.core.lineage import Node
from ljwx.exceptions import NotFound
from ljwx.hooks.warehouse import WarehouseHook

SAMPLE_DIGITS = 8


def trace(name: str) -> Node:
    """Return the tree of a model, a dataset or a sample.

    :param name: a model's name, a dataset_id, or a sample_id or its first digits, eight at least.
    :raises NotFound: nothing has this name, or the digits fit several samples.
    """

    warehouse = WarehouseHook()
    for find in (_model, _dataset, _sample):
        found = find(warehouse, name)
        if found is not None:
            return found
    raise NotFound(f"no model, dataset or sample is called {name!r}; `ljwx report` lists the models and datasets")


def _model(warehouse: WarehouseHook, name: str) -> Node | None:

    row = next(iter(warehouse.traced("model", name)), None)
    if row is None:
        return None
    facts = {
        "digest": row["digest"], "strategy": row["strategy"], "base": row["base"], "spec": row["spec_sha256"],
        "created": row["created_at"], "deleted": row["deleted_at"], "verified": row["verified"],
        "served as": ", ".join(row["aliases"]) or None,
    }  # fmt: skip
    dataset = _dataset(warehouse, row["dataset_id"], used=False)
    base = Node("base", row["base"], {"digest": row["base_digest"]})
    evaluations = tuple(
        Node(
            "evaluation", str(each["evaluation_id"]),
            {"question set": each["question_set_id"], "answers": each["answers"], "valid": each["valid"]},
        )
        for each in warehouse.traced("evaluations_of_model", name)
    )  # fmt: skip
    decisions = tuple(_decision(each, name) for each in warehouse.traced("decisions_of_model", name))
    made_from = (*([dataset] if dataset else []), base, _run(row))
    return Node("model", name, facts, made_from, (*evaluations, *decisions))


def _decision(row: Mapping[str, Any], name: str) -> Node:

    other = row["champion"] if row["challenger"] == name else row["challenger"]
    role = "challenger" if row["challenger"] == name else "champion"
    facts = {"verdict": row["verdict"], "as": role, "against": other, "decided": row["decided_at"]}
    facts |= {"because": row["refused_for"]}
    return Node("decision", str(row["promotion_id"]), facts)


def _dataset(warehouse: WarehouseHook, name: str, used: bool = True) -> Node | None:

    row = next(iter(warehouse.traced("dataset", name)), None)
    if row is None:
        return None
    facts = {
        "sha256": row["sha256"], "samples": row["samples"], "from": row["first_session"], "to": row["last_session"],
        "folder": row["folder"], "created": row["created_at"], "deleted": row["deleted_at"],
        "code version": row["code_version"],
    }  # fmt: skip
    fetched = tuple(
        Node("bars", f"{each['first']} to {each['last']}", {"sessions": each["sessions"], "rows": int(each["bars"])},
             made_from=(_run(each),))
        for each in warehouse.fetched_by(row["first_session"], row["last_session"])
    )  # fmt: skip
    lists = tuple(
        Node("index", each["index_code"],
             {"lists": each["lists"], "members": each["members"], "from": each["first"], "to": each["last"]},
             made_from=(_run(each),))
        for each in warehouse.lists_of_dataset(name, VALID_DAYS)
    )  # fmt: skip
    parent = (Node("dataset", row["parent_id"]),) if row["parent_id"] else ()
    made_from = (*parent, *fetched, *lists, _run(row))
    return Node("dataset", name, facts, made_from, _users(warehouse, name) if used else ())


def _users(warehouse: WarehouseHook, dataset_id: str) -> tuple[Node, ...]:

    models = (
        Node("model", each["model"], {"strategy": each["strategy"], "deleted": each["deleted_at"]})
        for each in warehouse.traced("models_of_dataset", dataset_id)
    )
    sets = (
        Node("question set", each["question_set_id"], {"questions": each["questions"]})
        for each in warehouse.traced("question_sets_of_dataset", dataset_id)
    )
    children = (Node("dataset", each["dataset_id"]) for each in warehouse.traced("children_of_dataset", dataset_id))
    return (*models, *sets, *children)


def _sample(warehouse: WarehouseHook, name: str) -> Node | None:

    if len(name) < SAMPLE_DIGITS or set(name) - set("0123456789abcdef"):
        return None
    rows = warehouse.traced("samples", name)
    if len(rows) > 1:
        raise NotFound(f"several samples begin with {name}; give more of the digits")
    if not rows:
        return None
    row = rows[0]
    kept = ("ts_code", "session", "task", "label", "label_end", "bars_from", "snapshot_sha256", "feature_version")
    bars = tuple(
        Node("bars", f"{each['first']} to {each['last']}",
             {"rows": each["bars"], "newest revision": each["newest_revision"]}, made_from=(_run(each),))
        for each in warehouse.traced("bars_of_sample", row["sample_id"])
    )  # fmt: skip
    datasets = (
        Node("dataset", each["dataset_id"], {"split": each["split"]})
        for each in warehouse.traced("datasets_of_sample", row["sample_id"])
    )
    answers = (
        Node("answer", each["model"], {"said": each["label"], "valid": each["valid"], "reason": each["reason"]})
        for each in warehouse.traced("answers_of_sample", row["sample_id"])
    )
    return Node("sample", row["sample_id"], {key: row[key] for key in kept}, (*bars, _run(row)), (*datasets, *answers))


def _run(row: Mapping[str, Any]) -> Node:

    at = f"[{row['map_index']}]" if row.get("map_index", -1) >= 0 else ""
    return Node("run", f"{row['dag_id']}.{row['task_id']}{at}", {"run_id": row["run_id"]})
