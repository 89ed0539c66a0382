"""Files that cannot be imported: one clear line says why, and nothing is written."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from ljwx.cli.app import app
from ljwx.resources import data_folder
from support_chain import Database
from support_files import Tables, month, write_files


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LJWX_DATA", str(tmp_path / "data"))


def ljwx(*line: str) -> tuple[int, list[str]]:
    done = CliRunner().invoke(app, ["import", *line])
    return done.exit_code, done.output.splitlines()


def whole(folder: Path, tables: Tables) -> None:
    write_files(folder, month(tables))


def in_gbk(folder: Path, tables: Tables) -> None:
    write_files(folder, month(tables), ".csv")
    path = folder / "stock_basic.csv"
    path.write_bytes(path.read_text().encode("gb18030"))


def cut_off(folder: Path, tables: Tables) -> None:
    whole(folder, tables)
    path = folder / "adj_factor.parquet"
    path.write_bytes(path.read_bytes()[:-100])


def uneven(folder: Path, tables: Tables) -> None:
    write_files(folder, month(tables), ".csv")
    with (folder / "daily.csv").open("a") as file:
        file.write("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17\n")


def without(table: str, column: str) -> Callable[[Path, Tables], None]:
    def write(folder: Path, tables: Tables) -> None:
        write_files(folder, {**month(tables), table: month(tables)[table].drop(column)})

    return write


def with_bars(**changes: pl.Expr) -> Callable[[Path, Tables], None]:
    def write(folder: Path, tables: Tables) -> None:
        write_files(folder, {**month(tables), "daily": month(tables)["daily"].with_columns(**changes)})

    return write


def only(*names: str) -> Callable[[Path, Tables], None]:
    def write(folder: Path, tables: Tables) -> None:
        write_files(folder, {name: month(tables)[name] for name in names})

    return write


BAD: dict[str, tuple[Callable[[Path, Tables], None], str]] = {
    "an empty folder": (lambda folder, _: folder.mkdir(), "no file below it ends in .parquet or .csv"),
    "a column that lacks": (without("daily", "low"), "daily.parquet looks like TuShare's daily and lacks column low"),
    "TuShare's default columns of the list": (
        without("stock_basic", "delist_date"), "lacks column delist_date; stock_basic has it where it is named",
    ),
    "no bars": (only("adj_factor", "stk_limit"), "none of its 2 files has the columns of TuShare's daily"),
    "text for numbers": (with_bars(close=pl.lit("dear")), "have not numbers in its columns of numbers"),
    "a type that is no number": (with_bars(close=pl.lit([1.0])), "column close is of type List(Float64), and not a"),
    "a number for a code": (with_bars(ts_code=pl.lit(1)), "column ts_code is of type Int32, and not a code such as"),
    "codes of another kind": (with_bars(ts_code=pl.lit("sz000001")), "have not a code such as 000001.SZ"),
    "days that cannot be read": (with_bars(trade_date=pl.lit("10/03/2026")), "have not a day such as 20260105 in trad"),
    "a Saturday": (with_bars(trade_date=pl.lit("20260307")), "1 day(s) of the bars are no sessions of the exchange: 2"),
    "a day to come": (with_bars(trade_date=pl.lit("21000104")), "1 day(s) of the bars lie after today"),
    "a day before the calendar": (with_bars(trade_date=pl.lit("19800102")), "where the shipped calendar begins: 1980"),
    "text that is not UTF-8": (in_gbk, "stock_basic.csv is not UTF-8 text; write it anew, for instance with: iconv"),
    "a file that breaks off": (cut_off, "adj_factor.parquet cannot be read, as if it broke off"),
    "a line with too many values": (uneven, "daily.csv cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_line_and_nothing_is_written(db: Database, tables: Tables, tmp_path: Path, name: str) -> None:
    write, says = BAD[name]
    write(tmp_path / "files", tables)
    code, lines = ljwx(str(tmp_path / "files"))
    assert code == 2
    assert lines[-1].startswith("ljwx: ")
    assert says in lines[-1]
    assert set(db.counts().values()) == {0}
    assert not (Path(data_folder()) / "import" / "spool").exists()


def test_a_file_that_is_not_there_is_not_found(db: Database, tmp_path: Path) -> None:
    assert ljwx(str(tmp_path / "none.csv")) == (3, [f"ljwx: there is no file or folder {tmp_path / 'none.csv'}"])
    (tmp_path / "notes.txt").write_text("x")
    code, lines = ljwx(str(tmp_path / "notes.txt"))
    assert (code, "must end in .parquet or .csv" in lines[-1]) == (2, True)


def test_of_several_bad_files_the_first_is_named_and_the_others_are_counted(tables: Tables, tmp_path: Path) -> None:
    frames = month(tables)
    broken = {"adj_factor": frames["adj_factor"].drop("ts_code"), "stk_limit": frames["stk_limit"].drop("ts_code")}
    code, lines = ljwx(str(write_files(tmp_path / "files", {**frames, **broken})))
    assert (code, lines[-1].endswith("lacks column ts_code (and 1 more files cannot be imported)")) == (2, True)


def test_what_the_command_says_of_a_month(db: Database, tables: Tables, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "files", month(tables))
    (folder / "fund.csv").write_text("fund,value\na,1\n")
    code, lines = ljwx(str(folder))
    rows = tables["daily"].filter(pl.col("trade_date").str.starts_with("202603")).height
    assert code == 0
    assert lines[0] == "7 files of adj_factor, bse_mapping, daily, namechange, stk_limit, stock_basic, suspend_d"
    assert any(line.startswith(f"2026-03: 15 sessions, {rows} bars new, 0 revised, 0 rows refused") for line in lines)
    assert f"{rows} bars new, 0 revised, {rows} rows of features written" in lines
    assert f"left out, no table that is imported: {folder / 'fund.csv'}" in lines
    code, lines = ljwx(str(folder), "--json")
    assert (code, '"before": null' in "".join(lines)) == (0, False)


def test_an_import_with_an_incomplete_session_says_so_and_ends_with_4(
    db: Database, tables: Tables, tmp_path: Path
) -> None:
    frames = month(tables)
    some = frames["daily"].filter((pl.col("trade_date") != "20260310") | (pl.int_range(pl.len()) % 2 == 0))
    code, lines = ljwx(str(write_files(tmp_path / "files", {**frames, "daily": some})))
    assert code == 4
    assert any(line.startswith("incomplete, later stages do not see it: 2026-03-10: ") for line in lines)


def test_two_imports_do_not_work_at_once(db: Database, tables: Tables, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "files", month(tables))
    home = tmp_path / "data" / "import"
    home.mkdir(parents=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, lines = ljwx(str(folder))
    assert (code, lines[-1]) == (1, "ljwx: Busy: another `ljwx import` is at work; let it end first")
