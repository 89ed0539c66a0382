"""A dataset against the one before it: what is the same, what is new, what took whose place, and what left and why.

Pure: never imports airflow, an HTTP client or a database driver. The parent decides nothing about a dataset's content:
the same rows give the same dataset whatever its parent is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
    parts = [_compared(mine, dataset, theirs) for mine, theirs in _pairs(dataset, parent)]
    new = len(dataset.keys)
    if not parts:
        return Merge(0, new, pl.DataFrame(schema={"old_sample_id": pl.String, "new_sample_id": pl.String}))
    kept = sum(part.kept for part in parts)
    superseded = pl.concat([part.superseded for part in parts]).sort("old_sample_id")
    left: dict[str, int] = {}
    for part in parts:
        for reason, count in part.left.items():
            left[reason] = left.get(reason, 0) + count
    return Merge(kept, new - kept - len(superseded), superseded, dict(sorted(left.items())))


def _pairs(dataset: Dataset, parent: Iterable[pl.DataFrame]) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """The dataset's samples beside the parent's, some sessions at a time, of those in which the parent has any."""
    content, laid = dataset.content, set[int]()
    firsts = content.blocks_of.group_by("block").agg(pl.col("session").min())["session"].sort()
    for part in parent:
        block = (pl.lit(firsts).search_sorted(pl.col("session"), side="right").cast(pl.Int64) - 1).clip(0)
        numbered = part.with_columns(block=block)
        for (number,), rows in numbered.partition_by("block", as_dict=True, include_key=False).items():
            content.shelf.put(_parent_name(number), rows)
            laid.add(number)
    none = content.index.clear().with_columns(sample_id=pl.lit(None, pl.String))
    for number, mine in content.parts():
        if number in laid:
            laid.remove(number)
            yield mine, content.shelf.get(_parent_name(number))
            content.shelf.drop(_parent_name(number))
    for number in laid:
        yield none, content.shelf.get(_parent_name(number))
        content.shelf.drop(_parent_name(number))


def _parent_name(block: int) -> str:
    """Name on the shelf of the parent's samples."""
    return f"parent-{block}"


def _compared(mine: pl.DataFrame, dataset: Dataset, parent: pl.DataFrame) -> Merge:
    """One part of the parent; ``new`` is not known yet."""
    mine = mine.select(*_KEY, new_sample_id="sample_id")
    code, task = (pl.col(name).cast(mine.schema[name], strict=False) for name in ("ts_code", "task"))
    theirs = parent.select(code, "session", task, old_sample_id="sample_id")
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
