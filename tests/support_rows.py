"""Rows that a test puts into its warehouse: what it does not name is as usual."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from support_chain import Database

PROMOTING = {"promoted", "first_champion", "retrained"}


def insert(db: Database, table: str, returning: str, **columns: Any) -> int:
    """Insert a row, and return a number of it; dicts and lists of dicts are JSON."""
    values = [Jsonb(value) if _is_json(value) else value for value in columns.values()]
    query = sql.SQL("INSERT INTO ljwx.{table} ({names}) VALUES ({values}) RETURNING {returning}").format(
        table=sql.Identifier(table), names=sql.SQL(", ").join(map(sql.Identifier, columns)),
        values=sql.SQL(", ").join(sql.Placeholder() * len(columns)), returning=sql.SQL(returning),
    )  # fmt: skip
    return db.insert(query, *values)


def _is_json(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and all(isinstance(each, dict) for each in value))


def add_model(db: Database, name: str, **changed: Any) -> str:
    """Another row of the oldest model, under another name, made now, and with other values in some columns."""
    made = {"model": name, "created_at": datetime.now(timezone.utc).isoformat()} | changed
    copied = "SELECT (jsonb_populate_record(m, %s)).* FROM ljwx.models m ORDER BY created_at LIMIT 1"
    db.execute(f"INSERT INTO ljwx.models {copied}", Jsonb(made))
    return name


def add_decision(db: Database, model: str, verdict: str = "rejected", **columns: Any) -> int:
    """A decision on a model, on the newest question set, and its number."""
    run_key = db.value("SELECT run_key FROM ljwx.models WHERE model = %s", model)
    question_set = db.value("SELECT max(question_set_id) FROM ljwx.question_sets")
    usual = {
        "challenger": model, "question_set_id": question_set, "verdict": verdict, "promoted": verdict in PROMOTING,
        "reasons": [], "policy": {}, "run_key": run_key,
    }  # fmt: skip
    return insert(db, "promotions", "promotion_id", **{**usual, **columns})


def add_alias(db: Database, model: str, alias: str = "champion", **columns: Any) -> None:
    """An alias of a model, with the digest that its row has."""
    if "digest" not in columns:
        columns["digest"] = db.value("SELECT digest FROM ljwx.models WHERE model = %s", model)
    insert(db, "aliases", "1", alias=alias, model=model, **columns)


def add_evaluation(db: Database, model: str, question_set_id: str, **columns: Any) -> int:
    """An evaluation of a model with the digest that its row has, and its number."""
    (row,) = db.rows("SELECT digest, run_key FROM ljwx.models WHERE model = %s", model)
    usual = {"model": model, "question_set_id": question_set_id, **row}
    return insert(db, "evaluations", "evaluation_id", **{**usual, **columns})
