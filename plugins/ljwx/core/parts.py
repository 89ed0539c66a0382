"""Frames taken some stocks at a time, so that memory follows the size of a part and not of the market.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

Places = Mapping[str, tuple[int, int]]
"""ts_code → first row and number of rows."""


def by_stock(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with each stock's rows together, stocks in order; itself where they are."""
    return frame if frame["ts_code"].is_sorted() else frame.sort("ts_code", maintain_order=True)


def places(frame: pl.DataFrame) -> Places:
    """Where each stock's rows are in a frame of :func:`by_stock`."""
    runs = frame.select(pl.col("ts_code").rle().struct.unnest())
    starts = runs["len"].cum_sum() - runs["len"]
    return {code: (start, count) for code, start, count in zip(runs["value"], starts, runs["len"], strict=True)}


def groups(where: Places, rows: int) -> Iterator[list[str]]:
    """Stocks in order, as many at a time as have at most ``rows`` rows together, and at least one."""
    group: list[str] = []
    held = 0
    for code, (_, count) in where.items():
        if group and held + count > rows:
            yield group
            group, held = [], 0
        group.append(code)
        held += count
    if group:
        yield group


def part(frame: pl.DataFrame, where: Places, stocks: list[str]) -> pl.DataFrame:
    """The rows from the first to the last of these stocks, without a copy."""
    there = [where[code] for code in stocks if code in where]
    if not there:
        return frame.clear()
    (first, _), (last, count) = there[0], there[-1]
    return frame.slice(first, last + count - first)
