"""History from files: what it writes is what the ingest of the same market would have written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.importing.history import Imported, import_history
from ljwx.warehouse.market.bars import SavedDay
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import FIRST, LAST, Database, connect, database, ingest
from support_files import Tables, month, write_files
from support_tasks import TaskRunner
from support_tushare import TushareServer

WRITTEN = {
    "bars": "ts_code, session", "features": "ts_code, session", "instruments": "ts_code",
    "names": "ts_code, start_date",
    "suspensions": "ts_code, session", "sessions": "session", "ingest_days": "session", "quarantine": "ts_code, raw",
    "complete_days": "session",
}  # fmt: skip
OF_THE_RUN = "{run_key,first_seen,quarantine_id,checked_at,complete_from}"


def content(db: Database, *tables: str) -> dict[str, list[Any]]:
    """What tables say, whoever wrote it and whenever."""
    query = "SELECT to_jsonb(t) - '{}'::text[] AS row FROM ljwx.{} t ORDER BY {}"
    return {name: db.column(query.format(OF_THE_RUN, name, WRITTEN[name])) for name in tables or WRITTEN}


def bars(db: Database) -> list[Any]:
    return content(db, "bars")["bars"]


def test_an_import_writes_what_the_ingest_of_the_same_market_writes(
    postgres: EmbeddedPostgres, migrated_template: str, market_db: Database, tables: Tables, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    expected = content(market_db)
    with database(postgres, migrated_template) as name:
        connect(monkeypatch, postgres.url(name))
        done = import_history([write_files(tmp_path, tables)])
        found = content(Database(postgres.url(name)))
    assert (f"{done.first}", f"{done.last}", done.holes) == (FIRST, LAST, 0)
    assert done.inserted == tables["daily"].height == len(expected["bars"]) == done.features
    stopped = tables["suspend_d"]["trade_date"].str.to_date("%Y%m%d")
    for table, rows in expected.items():
        for row in rows if table in ("ingest_days", "complete_days") else ():
            known = f"{stopped.min()}" <= row["session"] <= f"{stopped.max()}"
            row["absent"] = [] if known else ["suspend_d"]
        assert found[table] == rows, table


def test_an_import_that_is_killed_goes_on_after_the_months_that_are_done(
    db: Database, tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, save, written = write_files(tmp_path, tables), WarehouseHook.save_day, list[date]()

    def killed(hook: WarehouseHook, run_key: int, day: Any, *rest: Any) -> SavedDay:
        if len(written) >= 50:
            raise KeyboardInterrupt
        written.append(day.session)
        return save(hook, run_key, day, *rest)

    monkeypatch.setattr(WarehouseHook, "save_day", killed)
    with pytest.raises(KeyboardInterrupt):
        import_history([folder])
    assert db.column("SELECT DISTINCT session FROM ljwx.bars ORDER BY 1") == sorted(written)
    there = len(bars(db))
    monkeypatch.setattr(WarehouseHook, "save_day", save)
    done = import_history([folder])
    months = {(day.year, day.month) for day in written}
    assert done.skipped == len(months) - 1
    assert there + done.inserted == len(bars(db)) == tables["daily"].height
    assert db.value("SELECT max(revision) FROM ljwx.bars") == 1
    assert db.value("SELECT count(*) FROM ljwx.ingest_days WHERE complete") == len(WarehouseHook().complete_sessions())


def test_the_same_files_again_change_nothing_whatever_they_are_called(
    db: Database, tables: Tables, tmp_path: Path
) -> None:
    folder = write_files(tmp_path / "one", month(tables))
    first = import_history([folder])
    before = db.state("bars", "features", "instruments", "names", "quarantine", "ingest_days")
    folder.rename(tmp_path / "two")
    again = import_history([tmp_path / "two"])
    assert (again.before is not None, again.sessions, again.digest) == (True, 0, first.digest)
    anew = import_history([tmp_path / "two"], again=True)
    assert (anew.sessions, anew.inserted, anew.revised, anew.features) == (first.sessions, 0, 0, 0)
    after = db.state("bars", "features", "instruments", "names", "quarantine")
    assert after == {name: before[name] for name in after}


def joined(frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """One wide file of bars, factors and limits."""
    keys = ["ts_code", "trade_date"]
    wide = frames.pop("daily")
    for name in ("adj_factor", "stk_limit"):
        wide = wide.join(frames.pop(name), on=keys, how="left")
    return {**frames, "wide": wide}


def by_stock(frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """A file of bars a stock, in another order of columns."""
    parts = frames.pop("daily").partition_by("ts_code", as_dict=True)
    return {**frames, **{f"{code}": part.select(reversed(part.columns)) for (code,), part in parts.items()}}


def typed(frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Days as days, as pandas would have them, numbers as numbers, and no value as NaN."""
    day = pl.col("trade_date").str.strptime(pl.Date, "%Y%m%d").cast(pl.Datetime)
    daily = frames["daily"].with_columns(day, ah_vol=pl.lit(float("nan")), ah_amount=pl.lit(float("nan")))
    factors = frames["adj_factor"].with_columns(pl.col("trade_date").cast(pl.Int64))
    return {**frames, "daily": daily, "adj_factor": factors}


def dashed(frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Days with dashes."""
    text = pl.col("trade_date").str.strptime(pl.Date, "%Y%m%d").dt.strftime("%Y-%m-%d")
    return {**frames, "daily": frames["daily"].with_columns(text)}


def twice(frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The same rows in two files."""
    return {
        **frames,
        "daily_again": frames["daily"].sample(fraction=1.0, shuffle=True, seed=1).with_columns(x=pl.lit(1)),
    }


LAYOUTS: dict[str, tuple[Callable[[dict[str, pl.DataFrame]], dict[str, pl.DataFrame]], str]] = {
    "csv": (dict, ".csv"), "joined": (joined, ".parquet"), "joined csv": (joined, ".csv"),
    "by stock": (by_stock, ".csv"), "typed": (typed, ".parquet"), "dashed": (dashed, ".csv"),
    "twice": (twice, ".parquet"),
}  # fmt: skip


def test_files_of_every_layout_give_the_same_bars(
    postgres: EmbeddedPostgres, migrated_template: str, market_db: Database, tables: Tables, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    expected = [{**row, "flags": None} for row in bars(market_db) if row["session"] >= "2026-03"]
    assert len(expected) == month(tables)["daily"].height
    for number, (name, (laid_out, suffix)) in enumerate(LAYOUTS.items()):
        folder = write_files(tmp_path / f"{number}", laid_out(month(tables)), suffix)
        with database(postgres, migrated_template) as copy:
            connect(monkeypatch, postgres.url(copy))
            done = import_history([folder])
            found = [{**row, "flags": None} for row in bars(Database(postgres.url(copy)))]
        assert (done.quarantined, done.revised, done.incomplete) == ({}, 0, ()), name
        assert found == expected, name


def test_rows_of_indexes_among_the_bars_are_levels_and_no_stocks(
    db: Database, tables: Tables, market_process: TushareServer, tmp_path: Path
) -> None:
    days = {"start_date": "20260301", "end_date": "20260331"}
    rows = [
        row for code in ("000300.SH", "399006.SZ") for row in market_process.rows("index_daily", ts_code=code, **days)
    ]
    sessions = {row["trade_date"] for row in month(tables)["daily"].iter_rows(named=True)}
    wanted = [row for row in rows if row["trade_date"] in sessions]
    folder = write_files(tmp_path, {**month(tables), "index_daily": pl.DataFrame(wanted)})
    done = import_history([folder])
    assert (done.inserted, done.quarantined) == (month(tables)["daily"].height, {})
    stored = db.rows("SELECT ts_code, to_char(session, 'YYYYMMDD') AS day, close, pre_close FROM ljwx.index_bars")
    assert {tuple(row.values()) for row in stored} == {
        (row["ts_code"], row["trade_date"], row["close"], row["pre_close"]) for row in wanted
    }
    assert len(stored) == len(wanted) == 2 * len(sessions)
    assert db.value("SELECT count(*) FROM ljwx.instruments WHERE ts_code IN ('000300.SH', '399006.SZ')") == 0


def changed(frames: Tables, table: str, *changes: pl.Expr) -> dict[str, pl.DataFrame]:
    return {**frames, table: frames[table].with_columns(*changes)}


def test_a_correction_is_the_next_revision_and_makes_features_anew(
    db: Database, tables: Tables, tmp_path: Path
) -> None:
    import_history([write_files(tmp_path / "one", month(tables))])
    one = (pl.col("ts_code") == "000001.SZ") & (pl.col("trade_date") == "20260310")
    amount = pl.when(one).then(pl.col("amount") + 1).otherwise("amount").alias("amount")
    done = import_history([write_files(tmp_path / "two", changed(month(tables), "daily", amount))])
    assert (done.inserted, done.revised) == (0, 1)
    key = "SELECT {} FROM ljwx.bars WHERE ts_code = '000001.SZ' AND session = '2026-03-10' ORDER BY revision"
    assert db.column(key.format("revision")) == [1, 2]
    assert db.column(key.format("superseded_at IS NULL")) == [False, True]


def test_rows_that_break_a_rule_are_in_quarantine_as_they_came(db: Database, tables: Tables, tmp_path: Path) -> None:
    frames = month(tables)
    daily = frames["daily"].cast(pl.String)
    some = daily.filter(pl.col("trade_date") == "20260310").sort("ts_code")
    codes = some["ts_code"].to_list()[:4]
    odd = [
        some[0].with_columns(close=pl.lit("n/a")), some[1].with_columns(high=pl.lit("0.01")),
        some[2].with_columns(trade_date=pl.lit("2026/03/10")), some[3], some[3].with_columns(vol=pl.lit("1")),
    ]  # fmt: skip
    rest = daily.filter(~((pl.col("trade_date") == "20260310") & pl.col("ts_code").is_in(codes)))
    folder = write_files(tmp_path, {**frames, "daily": pl.concat([rest, *odd])}, ".csv")
    done = import_history([folder])
    assert done.quarantined == {"types": 1, "order": 1, "keys": 1, "duplicate": 2, "units": 2}
    assert [line.split(":")[0] for line in done.incomplete] == ["2026-03-10"]
    raw = db.value("SELECT raw FROM ljwx.quarantine WHERE 'types' = ANY (reasons)")
    assert (raw["close"], raw["trade_date"]) == ("n/a", "20260310")
    assert "2026-03-10" not in map(str, WarehouseHook().complete_sessions())


def test_a_file_takes_nothing_from_what_the_source_has_given(
    db: Database, market: TushareServer, tasks: TaskRunner, tables: Tables, tmp_path: Path
) -> None:
    ingest(tasks, "2026-03-02", "2026-03-06")
    before = db.state("instruments", "names", "ingest_days", "bars")
    older = month(tables)["stock_basic"].with_columns(name=pl.lit("旧名"))
    done = import_history([write_files(tmp_path, {"daily": month(tables)["daily"], "stock_basic": older})])
    after = db.state("instruments", "names", "ingest_days", "bars")
    assert {name: after[name] for name in ("instruments", "names")} == {
        name: before[name] for name in ("instruments", "names")
    }
    assert set(before["ingest_days"]) < set(after["ingest_days"])
    assert set(before["bars"]) < set(after["bars"])
    assert done.sessions == 10
    assert db.column("SELECT DISTINCT absent FROM ljwx.ingest_days WHERE session > '2026-03-06'") == [
        ["adj_factor", "stk_limit", "suspend_d"]
    ]


def test_a_complete_session_of_the_source_keeps_its_bars_whatever_a_file_says(
    db: Database, market: TushareServer, tasks: TaskRunner, tables: Tables, tmp_path: Path
) -> None:
    ingest(tasks, "2026-03-09", "2026-03-11")
    before = db.state("bars", "complete_days")
    amount = pl.when(pl.col("ts_code") == "000001.SZ").then(pl.col("amount") + 1).otherwise("amount").alias("amount")
    lines: list[str] = []
    done = import_history([write_files(tmp_path, changed(month(tables), "daily", amount))], tell=lines.append)
    after = db.state("bars", "complete_days")
    assert "2026-03: 3 complete sessions of the source keep their bars" in lines
    assert (done.inserted > 0, done.revised) == (True, 0)
    assert all(set(before[name]) < set(after[name]) for name in before)


def test_days_that_the_files_leave_out_stay_unknown(db: Database, tables: Tables, tmp_path: Path) -> None:
    frames = month(tables)
    daily = frames["daily"].filter(~pl.col("trade_date").is_in(["20260310", "20260311"]))
    done = import_history([write_files(tmp_path, {**frames, "daily": daily})])
    assert (done.holes, done.sessions, done.incomplete) == (2, 13, ())
    assert db.value("SELECT count(*) FROM ljwx.ingest_days WHERE session IN ('2026-03-10', '2026-03-11')") == 0


def test_without_a_list_of_stocks_the_bars_themselves_say_which_there_are(
    db: Database, tables: Tables, tmp_path: Path
) -> None:
    done: Imported = import_history([write_files(tmp_path, {"daily": month(tables)["daily"]})])
    assert done.sessions == 15
    traded = month(tables)["daily"]["ts_code"].n_unique()
    assert db.value("SELECT count(*) FROM ljwx.instruments WHERE list_date IS NULL") == traded
    assert "stock_basic" in db.value("SELECT absent FROM ljwx.ingest_days LIMIT 1")


def test_lineage_names_the_files_a_bar_is_from(db: Database, tables: Tables, tmp_path: Path) -> None:
    done = import_history([write_files(tmp_path, month(tables))])
    run = db.rows(
        "SELECT r.* FROM ljwx.bars b JOIN ljwx.runs r USING (run_key) "
        "WHERE ts_code = '000001.SZ' AND session = '2026-03-10'"
    )[0]
    assert (run["dag_id"], run["run_id"], run["task_id"], run["map_index"]) == (
        "ljwx", f"import__{done.digest}", "import_bars", 202603,
    )  # fmt: skip
    files = db.value(
        "SELECT inputs -> 'files' FROM ljwx.runs WHERE run_id = %s AND task_id = 'read_files'", run["run_id"]
    )
    assert {Path(name).name for name in files} == {f"{name}.parquet" for name in month(tables)}
