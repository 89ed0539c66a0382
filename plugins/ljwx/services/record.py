"""The forward record in a file: written for strangers, and checked by them without a database."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

import polars as pl

from ljwx.core.forward.exported import EXPORT, Verified, beside_outcomes, exported, verify
from ljwx.exceptions import ConfigurationError, NotFound
from ljwx.hooks.market import market_terms
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import sse_calendar
from ljwx.sources.files.source import FileSource


class _Format(Protocol):
    """How a file of one suffix is read and written."""

    def read(self, path: Path) -> pl.DataFrame:
        """Return its rows as texts."""

    def scan(self, path: Path) -> pl.LazyFrame:
        """Return its rows, a part at a time."""

    def write(self, rows: pl.LazyFrame, path: Path) -> None:
        """Write rows without holding them all."""


class _Parquet:
    def read(self, path: Path) -> pl.DataFrame:
        return pl.read_parquet(path)

    def scan(self, path: Path) -> pl.LazyFrame:
        return pl.scan_parquet(path)

    def write(self, rows: pl.LazyFrame, path: Path) -> None:
        rows.sink_parquet(path, compression="zstd")


class _Csv:
    def read(self, path: Path) -> pl.DataFrame:
        return pl.read_csv(path, infer_schema=False)

    def scan(self, path: Path) -> pl.LazyFrame:
        return pl.scan_csv(path, infer_schema=False)

    def write(self, rows: pl.LazyFrame, path: Path) -> None:
        rows.sink_csv(path)


FORMATS: Final[Mapping[str, _Format]] = MappingProxyType({".parquet": _Parquet(), ".csv": _Csv()})


BARS: Final = ("session", "ts_code", "open", "high", "low", "close", "pre_close", "vol", "amount", "adj_factor")
PART: Final = 60
"""Sessions of bars that are in memory at once."""
NOTHING_SEALED: Final = "no session of the record is sealed yet; ljwx_forward seals one each night"


@dataclass(frozen=True)
class Exported:
    """What was written. ``head``: the digest of its last session."""

    path: str
    sessions: int
    answers: int
    head: str


@dataclass(frozen=True)
class ExportedBars:
    """What was written of the bars that a record is about."""

    path: str
    rows: int
    first: date
    last: date


def terms_of_bars() -> str:
    """Return what is known of how the sources of the stored bars let them be used."""
    known = market_terms()
    said = [
        known.allows if known else "the terms of your source are not known here: pass no price on before you know them"
    ]
    if WarehouseHook().has_imported():
        said.append(f"some were imported from files: {FileSource.terms.allows}")
    return "; ".join(said)


def export_bars(path: Path) -> ExportedBars:
    """Write the raw bars of an exported record's stocks, from its first session to the newest complete one.

    :param path: the record's; the bars' is `<its stem>-bars<its suffix>` beside it.
    :raises NotFound: no session of it is complete any more.
    """
    form, target, warehouse = _form_of(path), path.with_name(f"{path.stem}-bars{path.suffix}"), WarehouseHook()
    record = form.scan(path).select("ts_code", "session")
    stocks = warehouse.codes().all_of(record.select("ts_code").unique().collect().to_series().to_list())
    first = date.fromisoformat(record.select(pl.col("session").min()).collect().item())
    days, rows = warehouse.complete_sessions(first=first), 0
    if not days:
        raise NotFound(f"no session from {first} on is complete")
    with _parts(target) as folder:
        parts = []
        for at in range(0, len(days), PART):
            some = days[at : at + PART]
            bars = warehouse.bars(some[0], some[-1]).filter(pl.col("ts_code").is_in(stocks)).select(BARS)
            parts.append(folder / f"{at}.parquet")
            bars.write_parquet(parts[-1])
            rows += bars.height
        form.write(pl.scan_parquet(parts), folder / "whole")
        (folder / "whole").replace(target)
    return ExportedBars(str(target), rows, days[0], days[-1])


def export_record(path: Path) -> Exported:
    """Write all sealed sessions of the record into a file, with what came true; it is there whole, or as before.

    :raises ConfigurationError: the suffix is neither .parquet nor .csv, or there is no such folder.
    :raises NotFound: no session is sealed yet.
    """
    form = _form_of(path)
    if not path.absolute().parent.is_dir():
        raise ConfigurationError(f"{path.parent} is no folder")
    warehouse = WarehouseHook()
    sealed = [batch for batch in warehouse.forward_batches() if batch.digest is not None]
    if not sealed:
        raise NotFound(NOTHING_SEALED)
    with _parts(path) as folder:
        parts = []
        for number, batch in enumerate(sealed):
            parts.append(folder / f"{number}.parquet")
            answers = exported(batch, warehouse.forward_answers(batch.session))
            beside_outcomes(answers, warehouse.session_outcomes(batch.session)).write_parquet(parts[-1])
        written = folder / "whole"
        form.write(pl.scan_parquet(parts), written)
        written.replace(path)
    return Exported(str(path), len(sealed), sum(batch.answers or 0 for batch in sealed), sealed[-1].digest or "")


def verify_record(path: Path, head: str | None) -> Verified:
    """Look whether a file of the record is as it was sealed; needs neither database nor connection.

    :param head: a digest that was noted when a session was sealed.
    :raises NotFound: there is no such file.
    :raises ConfigurationError: it is no export of the record, or `head` is no digest.
    """
    form = _form_of(path)
    if not path.is_file():
        raise NotFound(f"there is no file {path}")
    try:
        rows = form.read(path)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
    known = [pl.col(name).cast(pl.String).fill_null("") for name in rows.columns if name in EXPORT]
    return verify(rows.with_columns(known), head, sse_calendar())


@contextmanager
def _parts(path: Path) -> Iterator[Path]:
    """Lend a folder beside a file, for its parts."""
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.absolute().parent) as folder:
        yield Path(folder)


def _form_of(path: Path) -> _Format:
    form = FORMATS.get(path.suffix.lower())
    if form is None:
        raise ConfigurationError(f"{path.name}: the file's name must end in {' or '.join(FORMATS)}")
    return form
