"""Few-shot examples: few, from the train split, of every class and of different stocks, days and signals.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import polars as pl

from ljwx.core.datasets.selection import draw
from ljwx.core.tasks import TASKS

_VARIED: Final = ("ts_code", "session", "industry", "board", "previous_label")


def choose_examples(samples: pl.DataFrame, per_task: int, seed: int) -> pl.DataFrame:
    """Choose ``per_task`` examples of each task from the train split, the classes in turn.

    Within a class the row is taken whose stock was taken least often for the task, then whose stock, session, industry,
    board and previous label were in all, the keyed draw deciding ties: the same for a seed in any row order.

    :returns: rows of ``samples``, in the order to be shown; fewer where a task has fewer.
    """
    train = samples.filter(pl.col("split") == "train")
    pool = draw(train, seed).sort("draw", "sample_id").select("sample_id", "task", "label", *_VARIED).to_dicts()
    seen: Counter[tuple[str, Any]] = Counter()
    ids: list[str] = []
    for task in TASKS:
        left = {c: [r for r in pool if r["task"] == task and r["label"] == c] for c in TASKS[task].classes}
        ids += [row["sample_id"] for row in _in_turn(left, per_task, seen)]
    order = pl.DataFrame({"sample_id": ids}, schema={"sample_id": pl.String})
    return order.join(samples, on="sample_id", how="left", maintain_order="left").select(samples.columns)


def _in_turn(
    left: dict[str, list[dict[str, Any]]], wanted: int, seen: Counter[tuple[str, Any]]
) -> list[dict[str, Any]]:
    taken: list[dict[str, Any]] = []
    stocks: Counter[str] = Counter()
    while len(taken) < wanted and any(left.values()):
        for rows in left.values():
            if rows and len(taken) < wanted:
                row = min(rows, key=lambda r: (stocks[r["ts_code"]], *(seen[(k, r[k])] for k in _VARIED)))
                rows.remove(row)
                seen.update((k, row[k]) for k in _VARIED)
                stocks[row["ts_code"]] += 1
                taken.append(row)
    return taken
