"""Rows of many files, put in order of months on disk: each month is read as a whole, and memory does not grow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path

import polars as pl

from ljwx.sources.rows import as_date

BUFFER_ROWS = 400_000
"""Rows of a table that are in memory before they are written; files a stock each are spread over all months."""
UNDATED = "undated"


class Spool:
    """Tables whose rows are of days, by month, in a folder; and the few rows of the others in memory.

    :param folder: empty, and for this alone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, list[pl.DataFrame]] = defaultdict(list)
        self._rows: dict[str, int] = defaultdict(int)
        self._whole: dict[str, pl.DataFrame] = {}
        self._days: dict[str, set[date]] = defaultdict(set)
        self._written = 0

    @property
    def tables(self) -> frozenset[str]:
        """The names of the tables that have rows."""
        return frozenset({*self._days, *self._whole})

    def days(self, table: str) -> Collection[date]:
        """Return the days of which a table has rows."""
        return self._days.get(table, set())

    def add(self, table: str, wire: pl.DataFrame) -> None:
        """Take more rows of a table whose rows are of days."""
        if wire.is_empty():
            return
        self._held[table].append(wire)
        self._rows[table] += wire.height
        if self._rows[table] >= BUFFER_ROWS:
            self._write(table)

    def add_whole(self, table: str, wire: pl.DataFrame) -> None:
        """Take more rows of a table whose rows are of no day."""
        if not wire.is_empty():
            before = self._whole.get(table)
            self._whole[table] = wire if before is None else pl.concat([before, wire])

    def close(self) -> None:
        """Write what is still held."""
        for table in list(self._held):
            self._write(table)

    def whole(self, table: str) -> pl.DataFrame | None:
        """Return all rows of a table whose rows are of no day; None where there are none."""
        return self._whole.get(table)

    def undated(self) -> Mapping[str, pl.DataFrame]:
        """Return the rows of each table whose day cannot be read."""
        found = {path.parent.name: path for path in self._folder.glob(f"*/{UNDATED}")}
        return {table: pl.read_parquet(path / "*.parquet") for table, path in sorted(found.items())}

    def read(self, table: str, sessions: Collection[date]) -> pl.DataFrame | None:
        """Return a table's rows of some days; None where there are none."""
        months = sorted({f"{day:%Y%m}" for day in sessions})
        paths = [path for month in months for path in sorted((self._folder / table / month).glob("*.parquet"))]
        if not paths:
            return None
        days = [f"{day:%Y%m%d}" for day in sessions]
        rows = pl.concat([pl.read_parquet(path) for path in paths]).filter(pl.col("trade_date").is_in(days))
        return None if rows.is_empty() else rows

    def _write(self, table: str) -> None:
        rows = pl.concat(self._held.pop(table))
        self._rows[table] = 0
        dated = as_date("trade_date").is_not_null()
        month = pl.when(dated).then(pl.col("trade_date").str.slice(0, 6)).otherwise(pl.lit(UNDATED))
        for (name,), part in (
            rows.with_columns(_month=month).partition_by("_month", include_key=False, as_dict=True).items()
        ):
            folder = self._folder / table / str(name)
            folder.mkdir(parents=True, exist_ok=True)
            part.write_parquet(folder / f"{self._written:06d}.parquet", compression="lz4", statistics=False)
            self._written += 1
        self._days[table].update(rows.select(as_date("trade_date").unique().drop_nulls()).to_series())
