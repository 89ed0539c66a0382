"""Which of the possible samples a dataset takes: thinning, caps, class balance; every omission is counted.

Pure: never imports airflow, an HTTP client or a database driver. Chance is a keyed hash of (task, stock, session),
so it depends on the seed and on nothing else: not on the order of rows or the process.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from typing import Final

import polars as pl

from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.features.technical.signals import STATES

Step = Callable[[SampleSpec], pl.Expr]
DRAWN_ROWS: Final = 100_000


def draw(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Add ``draw``: a number (UInt64) by which rows are ordered when not all can stay."""
    key = f"ljwx:{seed}".encode()
    drawn = [_drawn(rows, key) for rows in frame.select("task", "ts_code", "session").iter_slices(DRAWN_ROWS)]
    return frame.with_columns((pl.concat(drawn) if drawn else pl.Series(dtype=pl.UInt64)).alias("draw"))


def _drawn(rows: pl.DataFrame, key: bytes) -> pl.Series:
    task, code = (pl.col(name).cast(pl.String) for name in ("task", "ts_code"))
    texts = rows.select(pl.format("{}|{}|{}", task, code, pl.col("session").dt.to_string("iso"))).to_series()
    digests = b"".join(hashlib.blake2b(t.encode(), digest_size=8, key=key).digest() for t in texts)
    numbers = pl.Series([digests[at : at + 8] for at in range(0, len(digests), 8)], dtype=pl.Binary)
    return numbers.bin.reinterpret(dtype=pl.UInt64, endianness="big")


def alike(sessions: Sequence[dt.date]) -> pl.Expr:
    """Position of a row in its run: neighbouring sessions of one stock with the same five states (0, 1, 2 …).

    For a frame with one stock-session a row, in (ts_code, session) order.
    """
    index = {s: k for k, s in enumerate(sorted(set(sessions)))}
    i = pl.col("session").replace_strict(index, default=None, return_dtype=pl.Int64)
    same = [pl.col(r.name) == pl.col(r.name).shift(1) for r in STATES]
    goes_on = pl.all_horizontal(*same, pl.col("ts_code") == pl.col("ts_code").shift(1), i - i.shift(1) == 1)
    run = (~goes_on.fill_null(False)).cum_sum()
    return pl.int_range(pl.len()).over(run)


def _balance(spec: SampleSpec) -> pl.Expr:
    """In train, no class of a task has more than class_ratio times its smallest class."""
    place = pl.col("draw").rank("ordinal").over("task", "split", "label")
    size = pl.len().over("task", "split", "label")
    smallest = size.min().over("task", "split")
    return (pl.col("split") != "train") | (place <= (smallest * spec.class_ratio).floor())


def _session_cap(spec: SampleSpec) -> pl.Expr:
    return _at_most(spec.per_session_cap, "task", "session")


def _stock_cap(spec: SampleSpec) -> pl.Expr:
    return _at_most(spec.per_stock_cap, "task", "split", "ts_code")


def _split_cap(spec: SampleSpec) -> pl.Expr:
    """In train the classes take turns, so that a cap leaves them as even as they can be; later splits stay natural."""
    turn = pl.struct(pl.col("draw").rank("ordinal").over("task", "split", "label").alias("turn"), "draw")
    keep = pl.lit(True)
    for split, order in (("train", turn), ("validation", pl.col("draw")), ("test", pl.col("draw"))):
        kept = _at_most(spec.cap(split), "task", "split", order=order)
        keep = pl.when(pl.col("split") == split).then(kept).otherwise(keep)
    return keep


def _at_most(cap: int | None, *group: str, order: pl.Expr | None = None) -> pl.Expr:
    by = pl.col("draw") if order is None else order
    return pl.lit(True) if cap is None else by.rank("ordinal").over(*group) <= cap


STEPS: Final[tuple[tuple[str, Step], ...]] = (
    ("session_cap", _session_cap),
    ("stock_cap", _stock_cap),
    ("split_cap", _split_cap),
    ("class_balance", _balance),
)
"""Applied in this order to labelled rows: task, ts_code, session, split, label, draw. Balance has the last word."""


def select(frame: pl.DataFrame, spec: SampleSpec) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Apply :data:`STEPS`.

    :returns: the rows that stay, and those that do not with their ``reason``.
    """
    omitted = []
    for reason, step in STEPS:
        kept = frame.with_columns(_keep=step(spec))
        omitted.append(kept.filter(~pl.col("_keep")).drop("_keep").with_columns(reason=pl.lit(reason)))
        frame = kept.filter("_keep").drop("_keep")
    return frame, pl.concat(omitted)


def count_reasons(rows: pl.DataFrame) -> pl.DataFrame:
    """task, reason, count (Int64), sorted by their texts."""
    counted = rows.group_by("task", "reason").agg(count=pl.len().cast(pl.Int64))
    return counted.with_columns(pl.col("task", "reason").cast(pl.String)).sort("task", "reason")
