"""`ljwx record`: a file that is written from a real record, and checked without a database."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from ljwx.cli.app import app
from ljwx.core.forward.outcomes import OUTCOMES
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.sources.baostock.source import BaostockSource
from ljwx.warehouse.forward import NewAnswer, NewBatch
from ljwx.warehouse.market.bars import MEASURES, IngestDay
from ljwx.warehouse.runs import RunRef
from support_forward import at, stop_clock

DAYS = [date(2026, 3, 2), date(2026, 3, 3)]
SAID = NewAnswer(
    DAYS[0], "000001.SZ", "price_direction", "ljwx-stock:v1", "d" * 64, "line", "s" * 64, ("up", "flat", "down"),
    {"up": 1e-9, "flat": 0.1 + 0.2, "down": 0.7 - 1e-9}, answer='{"direction":"跌"}\r\n"说,', server="a", latency_s=0.2,
)  # fmt: skip


@pytest.fixture
def heads(warehouse_url: str) -> list[str]:
    """The digests of a record of two sessions; a third one is still open."""
    warehouse, found = WarehouseHook(), list[str]()
    warehouse.start_run(RunRef("tests", "one", "record"))
    for day in [*DAYS, date(2026, 3, 4)]:
        stop_clock(warehouse_url, at(day, 19))
        warehouse.open_batch(1, NewBatch(day, at(day, 9, 15, days=1), "ds", {"horizon": 5}, {"numbers": {}}))
        for code in ("600000.SH", "000001.SZ"):
            warehouse.save_forward_answer(1, replace(SAID, session=day, ts_code=code))
        batch = warehouse.seal_batch(day) if day in DAYS else None
        found += [batch.digest] if batch and batch.digest else []
    for excess in (-0.2, 0.1):
        warehouse.save_outcomes(1, at(DAYS[1], 19), DAYS[:1], came_up(excess))
    return found


def came_up(excess: float) -> pl.DataFrame:
    """What came true of the first session; later corrections give another excess."""
    codes = ["000001.SZ", "600000.SH"]
    told = {"label": "up", "reason": None, "net": excess, "excess": excess, "realised_volatility": 0.1}
    days = {"entry_session": DAYS[1], "exit_session": DAYS[1], "label_end": DAYS[1]}
    rows = [
        {"session": DAYS[0], "ts_code": code, "task": SAID.task, **told, "max_drawdown": 0.0, **days} for code in codes
    ]
    return pl.DataFrame(rows, OUTCOMES)


def ljwx(*line: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["record", *line])
    return done.exit_code, done.output


@pytest.mark.parametrize("name", ["record.csv", "record.parquet"])
def test_a_file_that_was_exported_is_what_was_sealed(heads: list[str], tmp_path: Path, name: str) -> None:
    path = str(tmp_path / name)
    code, told = ljwx("export", path)
    assert (code, told.splitlines()) == (0, [f"{path}: 4 answers of 2 sessions, head {heads[-1]}"])
    assert [each.name for each in tmp_path.iterdir()] == [name]
    code, told = ljwx("verify", path, "--head", heads[-1], "--json")
    found = json.loads(told)
    assert code == 0
    assert (found["noted"], found["problems"]) == (str(DAYS[-1]), [])
    seal, outcomes = found["unproven"]
    assert "sealed_at is no part of a digest" in seal
    assert outcomes.startswith(
        "the columns label, excess, no_outcome, label_end, revision: they came after the answers"
    )
    rows = pl.read_csv(path, infer_schema=False) if name.endswith(".csv") else pl.read_parquet(path)
    came = rows.select("session", "label", "excess", "no_outcome", "label_end", "revision").unique().sort("session")
    first, second = came.with_columns(pl.all().fill_null("")).rows()
    assert first == (str(DAYS[0]), "up", "0.1", "", str(DAYS[1]), "2")
    assert second == (str(DAYS[1]), *[""] * 5)


def test_prices_leave_by_a_flag_alone_and_after_their_terms(
    heads: list[str], warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", '{"conn_type": "baostock"}')
    warehouse = WarehouseHook()
    for day in DAYS:
        whole = IngestDay(day, complete=True, expected=2, received=2, quarantined=0, suspended=0)
        warehouse.save_day(1, whole, session_bars(day, ["000001.SZ", "600519.SH"]))
    path = tmp_path / "record.parquet"
    code, told = ljwx("export", str(path))
    assert (code, [each.name for each in tmp_path.iterdir()]) == (0, [path.name])
    assert not {"open", "high", "low", "close"} & set(pl.read_parquet(path).columns)
    code, told = ljwx("export", str(path), "--with-bars")
    lines = told.splitlines()
    assert code == 0
    assert lines[0] == f"Terms of the prices: {BaostockSource.terms.allows}"
    assert lines[-1] == f"{tmp_path / 'record-bars.parquet'}: 2 bars, 2026-03-02 to 2026-03-03"
    bars = pl.read_parquet(tmp_path / "record-bars.parquet")
    assert bars.select("session", "ts_code").rows() == [(day, "000001.SZ") for day in DAYS]
    assert bars["close"].to_list() == [10.0, 10.0]
    warehouse.start_run(RunRef("ljwx", "import__1", "import_bars", 202603))
    assert "; some were imported from files: " in ljwx("export", str(path), "--with-bars")[1]


def session_bars(day: date, codes: list[str]) -> pl.DataFrame:
    numbers = {name: [10.0] * len(codes) for name in MEASURES}
    frame = pl.DataFrame({"ts_code": codes, "session": [day] * len(codes), **numbers})
    return frame.with_columns(flags=pl.lit([], dtype=pl.List(pl.String)))


def test_an_edited_file_ends_with_4_and_says_what_was_changed(heads: list[str], tmp_path: Path) -> None:
    path = tmp_path / "record.csv"
    ljwx("export", str(path))
    rows = pl.read_csv(path, infer_schema=False).with_columns(answerer=pl.lit("ljwx-stock:v2"))
    rows.write_csv(path)
    code, told = ljwx("verify", str(path))
    assert code == 4
    assert "CHANGED  2026-03-02: an answer, or what its batch says, is not what was sealed" in told
    assert "Not shown: that the answers were there before the outcome" in told


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (("verify", "{}/none.csv"), 3, "there is no file"),
        (("verify", "{}/list.txt"), 2, "must end in .parquet or .csv"),
        (("verify", "{}/empty.csv"), 2, "cannot be read"),
        (("verify", "{}/other.csv"), 2, "this is no export of the record: it has no column session"),
        (("verify", "{}/broken.parquet"), 2, "cannot be read"),
        (("export", "{}/nowhere/record.csv"), 2, "is no folder"),
        (("export", "{}/record.csv"), 3, "no session of the record is sealed yet"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_leaves_nothing(
    warehouse_url: str, tmp_path: Path, line: tuple[str, str], code: int, said: str
) -> None:
    for name, text in (("empty.csv", ""), ("other.csv", "a,b\n1,2\n"), ("broken.parquet", "PAR1")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    found, told = ljwx(line[0], line[1].format(tmp_path))
    assert found == code
    assert said in told
    assert len(told.strip().splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before
