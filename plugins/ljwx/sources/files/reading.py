"""Reading one file in parts: its columns checked first, then its rows, as the wire of TuShare would have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import polars as pl

from ljwx.core.bars import RAW
from ljwx.exceptions import ConfigurationError
from ljwx.sources.files.tables import CODES, DATES, FileTable, tables_in
from ljwx.sources.rows import NUMBERS

SUFFIXES = (".parquet", ".csv")
PART_ROWS = 200_000
"""Rows of a file that are in memory at once, about."""
NAMED = 8
"""How many columns a message names."""
UTF8 = "is not UTF-8 text; write it anew, for instance with: iconv -f GB18030 -t UTF-8"


@dataclass(frozen=True, eq=False)
class MarketFile:
    """A file with tables of the market.

    :param schema: its columns, in their order.
    :param tables: what it holds; nothing where its columns are of no table that is read.
    """

    path: Path
    schema: pl.Schema
    tables: tuple[FileTable, ...]

    def parts(self) -> Iterator[pl.DataFrame]:
        """Yield its rows as they are, a part at a time.

        :raises ConfigurationError: it breaks off, or is not what its name says.
        """
        wanted = [name for name in self.schema if any(name in table.columns for table in self.tables)]
        try:
            yield from _scan(self.path).select(wanted).collect_batches(chunk_size=PART_ROWS)
        except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{self.path} {_trouble(error)}") from None


def open_file(path: Path) -> MarketFile:
    """Look at a file's columns.

    :raises ConfigurationError: in one line, why it cannot be read.
    """
    try:
        schema = _scan(path).collect_schema()
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} {_trouble(error)}") from None
    tables = tables_in(schema.names())
    for table in tables:
        missing = [name for name in table.needed if name not in schema]
        if missing:
            raise ConfigurationError(
                f"{path} looks like TuShare's {table.name} and lacks column {', '.join(missing[:NAMED])}"
                + ("; stock_basic has it where it is named in `fields`" if "delist_date" in missing else "")
            )
        for name in table.columns:
            _require_type(path, name, schema.get(name))
    return MarketFile(path, schema, tables)


def as_wire(frame: pl.DataFrame, table: FileTable, alone: bool = True) -> pl.DataFrame:
    """Take a table's columns of a file's rows: days as YYYYMMDD, numbers as numbers, all else as text.

    A number that cannot be read is null, and ``raw`` keeps the row as it came. What is no number is a missing value
    to those who write files, as it is to pandas.

    :param alone: the file holds no other table; else a row without any value of this one is none.
    """
    wire = frame.select(_columns(tuple(frame.schema.items()), table))
    values = [name for name in table.columns if name not in CODES | DATES]
    return wire if alone else wire.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in (*values, RAW)))


@lru_cache(maxsize=64)
def _columns(schema: tuple[tuple[str, pl.DataType], ...], table: FileTable) -> tuple[pl.Expr, ...]:
    """Return what makes a table's columns, and ``raw``, of a frame; kept, because thousands of files are alike."""
    there = {name: kind for name, kind in schema if name in table.columns}
    columns = [_column(name, there.get(name)) for name in table.columns]
    strings = [name for name, kind in there.items() if name in NUMBERS and kind == pl.String]
    row = pl.struct(list(there)).struct.json_encode()
    lost = [_trimmed(name).is_not_null() & _parsed(name).is_null() for name in strings]
    raw = pl.when(pl.any_horizontal(lost)).then(row) if lost else pl.lit(None, dtype=pl.String)
    return (*columns, raw.alias(RAW))


def _scan(path: Path) -> pl.LazyFrame:
    if path.suffix.lower() == ".csv":
        frame = pl.scan_csv(path, infer_schema=False, glob=False)
        return frame.rename({name: name.removeprefix("\ufeff").strip() for name in frame.collect_schema()})
    return pl.scan_parquet(path, glob=False)


def _trouble(error: Exception) -> str:
    text = " ".join(str(error).split())
    if "utf-8" in text.lower() or "utf8" in text.lower():
        return UTF8
    if isinstance(error, pl.exceptions.NoDataError):
        return "is empty"
    return f"cannot be read, as if it broke off or had another format: {text[:200]}"


def _require_type(path: Path, name: str, kind: pl.DataType | None) -> None:
    if kind is None or kind in (pl.String, pl.Null):
        return
    if name in DATES:
        fits, wanted = kind.is_temporal() or kind.is_numeric(), "a day such as 20260105"
    elif name in NUMBERS:
        fits, wanted = kind.is_numeric(), "a number"
    elif name in CODES:
        fits, wanted = isinstance(kind, pl.Categorical | pl.Enum), "a code such as 000001.SZ"
    else:
        fits, wanted = not kind.is_nested(), "text"
    if not fits:
        raise ConfigurationError(f"{path}: column {name} is of type {kind}, and not {wanted}")


def _column(name: str, kind: pl.DataType | None) -> pl.Expr:
    if kind is None:
        return pl.lit(None, dtype=pl.Float64 if name in NUMBERS else pl.String).alias(name)
    if name in DATES:
        return _day(name, kind).alias(name)
    if name in NUMBERS:
        number = _parsed(name) if kind == pl.String else pl.col(name).cast(pl.Float64)
        return number.fill_nan(None).alias(name)
    return _trimmed(name).alias(name)


def _trimmed(name: str) -> pl.Expr:
    text = pl.col(name).cast(pl.String).str.strip_chars()
    return pl.when(text != "").then(text)


def _parsed(name: str) -> pl.Expr:
    return _trimmed(name).cast(pl.Float64, strict=False)


def _day(name: str, kind: pl.DataType) -> pl.Expr:
    """Write a day as YYYYMMDD: files have it as text, with dashes or without, as a number, or as a day."""
    if kind.is_temporal():
        return pl.col(name).dt.strftime("%Y%m%d")
    if kind.is_float():
        return pl.col(name).fill_nan(None).cast(pl.Int64, strict=False).cast(pl.String)
    text = _trimmed(name)
    dashed = text.str.extract(r"^(\d{4}-\d\d-\d\d)(?:[ T]00:00:00.*)?$").str.replace_all("-", "")
    return pl.coalesce(dashed, text.str.replace(r"^(\d{8})\.0$", "$1"))
