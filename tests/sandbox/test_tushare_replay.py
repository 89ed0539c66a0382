"""Real rows from a folder go over the wire as they are in the files."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support_tushare import REPOSITORY, StartMarket, TushareServer

REAL = REPOSITORY.parent / "shared" / "realdata"
DAILY = """ts_code,trade_date,open,high,low,close,pre_close,change,pct_chg,vol,amount
000001.SZ,20240102,9.39,9.42,9.21,9.21,9.39,-0.18,-1.9169,1158366.45,1075742.25
000002.SZ,20240102,5.0,5.0,5.0,5.0,5.0,0.0,0.0,,
000001.SZ,20240103,9.19,9.22,9.15,9.2,9.21,-0.01,-0.1086,733610.31,673673.61
"""
FACTORS = "ts_code,trade_date,adj_factor\n000001.SZ,20240102,116.713\n"
CALENDAR = "\ufeffexchange,cal_date,is_open,pretrade_date\nSSE,2024-01-01,0,\nSSE,2024-01-02,1,\nSSE,2024-01-03,1,\n"
STOCKS = {
    "fields": ["ts_code", "symbol", "name", "exchange", "list_status"],
    "items": [["000001.SZ", "000001", "平安银行", "SZSE", "L"], ["000003.SZ", "000003", "PT金田A(退)", "SZSE", "D"]],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("replay")
    with gzip.open(path / "daily_2024.csv.gz", "wt", encoding="utf-8") as file:
        file.write(DAILY)
    with gzip.open(path / "adj_factor_2024.csv.gz", "wt", encoding="utf-8") as file:
        file.write(FACTORS)
    (path / "trade_cal_SSE.csv").write_text(CALENDAR, encoding="utf-8")
    with gzip.open(path / "stock_basic_response_1.json.gz", "wt", encoding="utf-8") as file:
        json.dump({"code": 0, "data": STOCKS}, file)
    return path


@pytest.fixture(scope="module")
def server(folder: Path, start_tushare: StartMarket) -> Iterator[TushareServer]:
    with start_tushare("--replay", str(folder)) as running:
        yield running


def test_bars_and_factors_come_as_written(server: TushareServer) -> None:
    first = server.post("daily", trade_date="20240102")["data"]["items"]
    assert first[0] == ["000001.SZ", "20240102", 9.39, 9.42, 9.21, 9.21, 9.39, -0.18, -1.9169, 1158366.45, 1075742.25]
    assert first[1][-2:] == [None, None]
    days = [row["trade_date"] for row in server.rows("daily", ts_code="000001.SZ")]
    assert days == ["20240103", "20240102"]
    assert server.rows("adj_factor", trade_date="20240102") == [
        {"ts_code": "000001.SZ", "trade_date": "20240102", "adj_factor": 116.713}
    ]


def test_columns_the_folder_lacks_are_null(server: TushareServer) -> None:
    assert server.post("daily", trade_date="20240103", fields="ts_code,ah_vol")["data"]["items"] == [
        ["000001.SZ", None]
    ]


def test_calendar_and_instruments_come_from_their_files(server: TushareServer) -> None:
    opened = server.rows("trade_cal", start_date="20240101", end_date="20240103")
    assert [(row["cal_date"], row["is_open"]) for row in opened] == [("20240103", 1), ("20240102", 1), ("20240101", 0)]
    assert [row["name"] for row in server.rows("stock_basic")] == ["平安银行"]
    assert [row["ts_code"] for row in server.rows("stock_basic", list_status="D")] == ["000003.SZ"]


@pytest.mark.parametrize("api", ["suspend_d", "stk_limit", "namechange", "daily_basic"])
def test_what_the_folder_lacks_answers_empty(server: TushareServer, api: str) -> None:
    assert server.rows(api, trade_date="20240102") == []


def test_indexes_without_lists_answer_empty(server: TushareServer) -> None:
    assert server.rows("index_weight", index_code="000300.SH") == []


def test_the_real_folder_is_served_whole(start_tushare: StartMarket) -> None:
    if not REAL.is_dir():
        pytest.skip("no real samples beside the repository")
    with gzip.open(REAL / "daily_2024_120.csv.gz", "rt", encoding="utf-8-sig") as file:
        written = {(row["ts_code"], row["trade_date"]): row for row in csv.DictReader(file)}
    with start_tushare("--replay", str(REAL)) as server:
        served = []
        for start, end in (("0101", "0331"), ("0401", "0630"), ("0701", "0930"), ("1001", "1231")):
            offset, more = 0, True
            while more:
                span = {"start_date": f"2024{start}", "end_date": f"2024{end}"}
                data = server.post("daily", offset=offset, **span)["data"]
                served += [dict(zip(data["fields"], row, strict=True)) for row in data["items"]]
                offset, more = offset + len(data["items"]), data["has_more"]
        opened = server.rows("trade_cal", start_date="20240101", end_date="20261231", is_open="1")
        assert len(server.rows("stock_basic")) == 5418
    assert len(opened) == 727
    assert len(served) == len(written) == 28_728
    for row in served:
        for name, text in written[row["ts_code"], row["trade_date"]].items():
            assert row[name] == text or row[name] == float(text)
