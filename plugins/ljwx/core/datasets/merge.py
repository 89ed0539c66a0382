"""A dataset against the one before it: what is the same, what is new, what took whose place, and what left and why.

Pure: never imports airflow, an HTTP client or a database driver. The parent decides nothing about a dataset's content:
the same rows give the same dataset whatever its parent is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from ljwx.core.datasets.build import Dataset

NO_BAR: Final = "no_bar"
"""Why a sample left whose stock-session is not among the rows any more."""
NOT_ASKED: Final = "task_not_asked"
"""Why a sample left whose task the spec does not name."""

_KEY: Final = ("ts_code", "session", "task")


@dataclass(frozen=True)
class Merge:
    """What became of the parent's samples.

    :param kept: samples of both, recognised by their content hash.
    :param new: samples of a stock, session and task that the parent had none of.
    :param superseded: old_sample_id and new_sample_id: same stock, session and task, other content.
    :param left: reason → samples of the parent that have no successor.
    """

    kept: int
    new: int
    superseded: pl.DataFrame
    left: Mapping[str, int] = field(default_factory=dict)

    @property
    def changed(self) -> int:
        """Samples that the parent does not hold."""
        return self.new + len(self.superseded)

    def as_dict(self) -> dict[str, Any]:
        """Counts, for JSON."""
        return {"kept": self.kept, "new": self.new, "superseded": len(self.superseded), "left": dict(self.left)}


def merge(dataset: Dataset, parent: Iterable[pl.DataFrame]) -> Merge:
    """Compare a dataset with its parent's samples.

    :param parent: ts_code, session, task, sample_id, in any number of frames.
    """
    mine = dataset.index.select(*_KEY, new_sample_id="sample_id")
    parts = [_compared(mine, dataset, part) for part in parent]
    if not parts:
        return Merge(0, len(mine), pl.DataFrame(schema={"old_sample_id": pl.String, "new_sample_id": pl.String}))
    kept = sum(part.kept for part in parts)
    superseded = pl.concat([part.superseded for part in parts]).sort("old_sample_id")
    left: dict[str, int] = {}
    for part in parts:
        for reason, count in part.left.items():
            left[reason] = left.get(reason, 0) + count
    return Merge(kept, len(mine) - kept - len(superseded), superseded, dict(sorted(left.items())))


def _compared(mine: pl.DataFrame, dataset: Dataset, parent: pl.DataFrame) -> Merge:
    """One part of the parent; ``new`` is not known yet."""
    task = pl.col("task").cast(mine.schema["task"], strict=False)
    theirs = parent.select("ts_code", "session", task, old_sample_id="sample_id")
    both = theirs.join(mine, on=_KEY, how="left")
    same = pl.col("old_sample_id") == pl.col("new_sample_id")
    gone = dataset.reasons(both.filter(pl.col("new_sample_id").is_null()))
    used = pl.col("task").is_in(dataset.content.spec.tasks)
    reason = pl.when(used).then(pl.col("reason").cast(pl.String).fill_null(NO_BAR)).otherwise(pl.lit(NOT_ASKED))
    reasons = gone.group_by(reason.alias("reason")).len().rows()
    return Merge(
        kept=both.select(same.sum()).item(),
        new=0,
        superseded=both.filter(~same).select("old_sample_id", "new_sample_id"),
        left=dict(reasons),
    )
