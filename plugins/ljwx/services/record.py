"""The forward record in a file: written for strangers, and checked by them without a database."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

import polars as pl

from ljwx.core.forward.exported import EXPORT, Verified, exported, verify
from ljwx.exceptions import ConfigurationError, NotFound
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import sse_calendar


class _Format(Protocol):
    """How a file of one suffix is read and written."""

    def read(self, path: Path) -> pl.DataFrame:
        """Return its rows as texts."""

    def write(self, rows: pl.LazyFrame, path: Path) -> None:
        """Write rows without holding them all."""


class _Parquet:
    def read(self, path: Path) -> pl.DataFrame:
        return pl.read_parquet(path)

    def write(self, rows: pl.LazyFrame, path: Path) -> None:
        rows.sink_parquet(path, compression="zstd")


class _Csv:
    def read(self, path: Path) -> pl.DataFrame:
        return pl.read_csv(path, infer_schema=False)

    def write(self, rows: pl.LazyFrame, path: Path) -> None:
        rows.sink_csv(path)


FORMATS: Final[Mapping[str, _Format]] = MappingProxyType({".parquet": _Parquet(), ".csv": _Csv()})


@dataclass(frozen=True)
class Exported:
    """What was written. ``head``: the digest of its last session."""

    path: str
    sessions: int
    answers: int
    head: str


def export_record(path: Path) -> Exported:
    """Write all sealed sessions of the record into a file; it is there whole, or as it was before.

    :raises ConfigurationError: the suffix is neither .parquet nor .csv, or there is no such folder.
    :raises NotFound: no session is sealed yet.
    """
    form = _form_of(path)
    if not path.absolute().parent.is_dir():
        raise ConfigurationError(f"{path.parent} is no folder")
    warehouse = WarehouseHook()
    sealed = [batch for batch in warehouse.forward_batches() if batch.digest is not None]
    if not sealed:
        raise NotFound("no session of the record is sealed yet; ljwx_forward seals one each night")
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.absolute().parent) as folder:
        parts = []
        for number, batch in enumerate(sealed):
            parts.append(Path(folder) / f"{number}.parquet")
            exported(batch, warehouse.forward_answers(batch.session)).write_parquet(parts[-1])
        written = Path(folder) / f"whole{path.suffix}"
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


def _form_of(path: Path) -> _Format:
    form = FORMATS.get(path.suffix.lower())
    if form is None:
        raise ConfigurationError(f"{path.name}: the file's name must end in {' or '.join(FORMATS)}")
    return form
