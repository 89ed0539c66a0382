"""Levels of indexes out of files: alone or beside bars, none lost unsaid, and none over what the source gave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from ljwx.cli.app import app
from ljwx.services.importing.history import import_history
from support_chain import Database, ingest
from support_files import Tables, month, write_files
from support_tasks import TaskRunner
from support_tushare import TushareServer

STORED = (
    "SELECT to_char(session, 'YYYYMMDD') AS day, close FROM ljwx.index_bars "
    "WHERE ts_code = '000300.SH' AND superseded_at IS NULL ORDER BY 1"
)


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LJWX_DATA", str(tmp_path / "data"))


def levels(server: TushareServer, first: str = "20260301", last: str = "20260331") -> pl.DataFrame:
    """The CSI 300 as the server states it."""
    rows = server.rows("index_daily", ts_code="000300.SH", start_date=first, end_date=last)
    return pl.DataFrame(rows).sort("trade_date")


def closes(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    return frame.select("trade_date", "close").rows()


def stored(db: Database) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in db.rows(STORED)]


def ljwx(folder: Path) -> tuple[int, list[str]]:
    done = CliRunner().invoke(app, ["import", str(folder)])
    return done.exit_code, done.output.splitlines()


def test_a_file_of_levels_alone_is_imported(db: Database, market: TushareServer, tmp_path: Path) -> None:
    wanted = levels(market)
    code, lines = ljwx(write_files(tmp_path / "files", {"index_daily": wanted}, ".csv"))
    assert code == 0, lines
    assert stored(db) == closes(wanted)
    assert f"{wanted.height} levels of indexes new or revised" in lines
    assert "0 bars new, 0 revised, 0 rows of features written" in lines
    assert db.value("SELECT count(*) FROM ljwx.bars") == db.value("SELECT count(*) FROM ljwx.ingest_days") == 0
    assert db.value("SELECT count(*) FROM ljwx.instruments") == 0


def test_levels_of_sessions_without_bars_are_imported_with_the_bars_of_others(
    db: Database, market: TushareServer, tables: Tables, tmp_path: Path
) -> None:
    wanted, frames = levels(market, "20260201"), month(tables)
    some = frames["daily"].filter(pl.col("trade_date") > "20260310")
    done = import_history([write_files(tmp_path / "files", {**frames, "daily": some, "index_daily": wanted})])
    assert (done.levels, done.inserted, done.holes, f"{done.first}") == (wanted.height, some.height, 0, "2026-03-11")
    assert stored(db) == closes(wanted)
    assert db.value("SELECT count(*) FROM ljwx.ingest_days WHERE session < '2026-03-11'") == 0


def test_rows_of_other_tables_on_days_without_bars_are_told(db: Database, tables: Tables, tmp_path: Path) -> None:
    frames = month(tables)
    daily = frames["daily"].filter(~pl.col("trade_date").is_in(["20260310", "20260311"]))
    lines: list[str] = []
    import_history([write_files(tmp_path / "files", {**frames, "daily": daily})], tell=lines.append)
    assert "left out: rows of adj_factor on 2 days of which the files have no bar" in lines


def test_levels_on_days_that_are_no_sessions_are_refused_in_one_line(
    db: Database, market: TushareServer, tables: Tables, tmp_path: Path
) -> None:
    wrong = levels(market).with_columns(trade_date=pl.lit("20260307"))
    code, lines = ljwx(write_files(tmp_path / "files", {**month(tables), "index_daily": wrong[:1]}))
    said = "ljwx: 1 day(s) of the levels of indexes are no sessions of the exchange: 2026-03-07; nothing was written"
    assert (code, lines[-1]) == (2, said)
    assert set(db.counts().values()) == {0}


def test_what_the_source_gave_beside_the_bars_stays_whatever_a_file_says(
    db: Database, market: TushareServer, tasks: TaskRunner, tables: Tables, tmp_path: Path
) -> None:
    ingest(tasks, "2026-03-09", "2026-03-11")
    given = levels(market, "20260309", "20260311")
    assert stored(db) == closes(given)
    older = levels(market).with_columns(pl.col("open", "high", "low", "close", "pre_close") * 2)
    folder = write_files(tmp_path / "files", {**month(tables), "index_daily": older})
    code, lines = ljwx(folder)
    assert code == 0, lines
    rest = older.filter(~pl.col("trade_date").is_in(given["trade_date"].to_list()))
    assert stored(db) == sorted(closes(given) + closes(rest))
    assert db.value("SELECT max(revision) FROM ljwx.index_bars") == 1
    assert "2026-03: 3 rows of index_bars that the source gave stay as they are" in lines
    assert f"{rest.height} levels of indexes new or revised" in lines
    assert "3 rows beside the bars stay as the source gave them" in lines


def test_a_later_file_corrects_an_earlier_one_and_the_source_corrects_both(
    db: Database, market: TushareServer, tasks: TaskRunner, tmp_path: Path
) -> None:
    wanted = levels(market, "20260309", "20260311")
    for number, factor in enumerate((3, 2)):
        frame = wanted.with_columns(pl.col("open", "high", "low", "close", "pre_close") * factor)
        done = import_history([write_files(tmp_path / f"{number}", {"index_daily": frame})])
        assert (done.levels, done.kept) == (3, 0)
        assert stored(db) == closes(frame)
    ingest(tasks, "2026-03-09", "2026-03-11")
    assert stored(db) == closes(wanted)
