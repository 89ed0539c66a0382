"""The stage `bars` from k-lines, against the same market from TuShare's interfaces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ljwx.exceptions import BadQuery, ConfigurationError, MalformedAnswer, NotYetPublished
from ljwx.hooks.tencent import TencentHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import sse_calendar
from ljwx.services.ingesting.validation import validate_bars
from ljwx.sources.tencent.source import TencentSource
from ljwx.stages.ingest.bars import ingest_bars
from ljwx.stages.ingest.features import compute_features
from ljwx.stages.ingest.plan import plan_ingest
from ljwx.stages.samples.dataset import build_dataset
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import FIRST, LAST, SMALL, Database, connect, copied, database, ingest, running_tasks
from support_tasks import TaskRunner
from support_tushare import TushareServer

NOT_IN_KLINES = [
    "adj_factor", "amount", "namechange", "pre_close", "stk_limit", "stock_basic", "suspend_d", "trade_cal",
]  # fmt: skip
"""What k-lines lack, by its stored names."""
SAME = ["open", "high", "low", "close", "pre_close", "vol"]
START, END = date.fromisoformat(FIRST), date.fromisoformat(LAST)
DAY, BEFORE = "2026-03-03", "2026-03-02"


def stocks_of(server: TushareServer) -> list[str]:
    """Every stock that was listed by the end of the range, delisted ones included."""
    rows = [row for state in "LD" for row in server.rows("stock_basic", list_status=state)]
    return sorted(row["ts_code"] for row in rows if row["list_date"] <= f"{END:%Y%m%d}")


def connection(server: TushareServer, *stocks: str) -> str:
    return server.connection(conn_type="tencent", stocks=list(stocks), calls_per_minute=100_000)


@pytest.fixture(scope="module")
def kline_template(postgres: EmbeddedPostgres, migrated_template: str, market_process: TushareServer) -> str:
    """Bars of the whole range and their features, fetched as k-lines."""
    with database(postgres, migrated_template, keep="chain_klines") as name, running_tasks() as (runner, patch):
        connect(patch, postgres.url(name))
        patch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", connection(market_process, *stocks_of(market_process)))
        runner.run(compute_features, ingest(runner, FIRST, LAST))
    return name


@pytest.fixture
def kline_db(postgres: EmbeddedPostgres, kline_template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    with database(postgres, kline_template) as name:
        connect(monkeypatch, postgres.url(name))
        yield Database(postgres.url(name))


@pytest.fixture
def few(market: TushareServer, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Four stocks with a bar on DAY and the session before, which the connection names."""
    traded = [{row["ts_code"] for row in market.rows("daily", trade_date=day)} for day in ("20260302", "20260303")]
    chosen = tuple(sorted(traded[0] & traded[1])[:4])
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", connection(market, *chosen))
    return chosen


def bars_of_both(postgres: EmbeddedPostgres, klines: str, tushare: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    frames = []
    for template in (klines, tushare):
        with copied(postgres, template):
            frames.append(WarehouseHook().bars(START, END).sort("ts_code", "session"))
    return frames[0], frames[1]


def test_prices_volumes_and_references_are_those_of_tushare(
    postgres: EmbeddedPostgres, kline_template: str, kline_db: Database, ingested: str
) -> None:
    ours, theirs = bars_of_both(postgres, kline_template, ingested)
    refused = kline_db.rows("SELECT session, ts_code, reasons FROM ljwx.quarantine")
    first_bars = theirs.filter(pl.col("pre_close").is_not_null()).group_by("ts_code").agg(pl.col("session").min())
    listed_within = {tuple(row) for row in first_bars.filter(pl.col("session") > START).iter_rows()}
    # A stock's very first bar has an issue price before it, which k-lines do not have.
    assert {(row["ts_code"], row["session"]) for row in refused} <= listed_within
    assert {tuple(row["reasons"]) for row in refused} <= {("reference",)}
    kept = theirs.join(pl.DataFrame(refused, schema=["session", "ts_code", "reasons"], orient="row").cast(
        {"session": pl.Date, "ts_code": pl.String}
    ), on=["ts_code", "session"], how="anti") if refused else theirs  # fmt: skip
    assert ours.select("ts_code", "session", *SAME).equals(kept.select("ts_code", "session", *SAME))
    assert ours.height > 1500
    assert ours["amount"].null_count() == ours.height


def test_chained_factors_go_over_ex_rights_as_published_ones_do(
    postgres: EmbeddedPostgres, kline_template: str, ingested: str
) -> None:
    ours, theirs = bars_of_both(postgres, kline_template, ingested)
    both = ours.join(theirs, on=["ts_code", "session"], suffix="_paid").sort("ts_code", "session")
    step = [(pl.col(name) / pl.col(name).shift(1).over("ts_code") - 1).alias(name) for name in FACTORS]
    moves = both.select("ts_code", "session", *step).drop_nulls()
    assert moves.select((pl.col("adj_factor_paid").abs() > 1e-3).sum()).item() >= 3  # ex-rights, or this shows nothing
    # Published factors have four decimals.
    assert moves.select((pl.col("adj_factor") - pl.col("adj_factor_paid")).abs().max()).item() < 1e-4


FACTORS = ("adj_factor", "adj_factor_paid")


def test_every_day_says_what_k_lines_lack(kline_db: Database) -> None:
    assert kline_db.column("SELECT DISTINCT absent FROM ljwx.ingest_days") == [NOT_IN_KLINES]
    assert kline_db.value("SELECT count(*) FROM ljwx.ingest_days WHERE NOT complete") == 0
    assert kline_db.value("SELECT count(*) FROM ljwx.ingest_days") == len(sse_calendar().between(START, END))
    assert kline_db.value("SELECT count(*) FROM ljwx.bars WHERE amount IS NOT NULL OR adj_factor IS NOT NULL") == 0
    assert kline_db.value("SELECT count(*) FROM ljwx.bars WHERE cardinality(array_remove(flags, 'no_factor')) > 0") == 0


def test_features_are_computed_from_them(kline_db: Database) -> None:
    assert kline_db.value("SELECT count(*) FROM ljwx.features WHERE ma_60 IS NOT NULL") > 500


def test_a_second_run_changes_nothing(
    kline_db: Database, tasks: TaskRunner, market: TushareServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", connection(market, *stocks_of(market)))
    before = kline_db.state("bars", "quarantine", "instruments")
    (chunk,) = ingest(tasks, "2026-03-02", "2026-03-06")
    assert chunk["absent"] == ",".join(NOT_IN_KLINES)
    assert kline_db.state("bars", "quarantine", "instruments") == before


def test_one_request_a_stock_serves_a_whole_range(
    db: Database, few: tuple[str, ...], market: TushareServer, tasks: TaskRunner
) -> None:
    before = market.stats()["calls"].get("fqkline", 0)
    ingest(tasks, "2026-03-02", "2026-03-20")
    assert market.stats()["calls"]["fqkline"] - before == len(few)
    assert sorted(db.column("SELECT DISTINCT ts_code FROM ljwx.bars")) == sorted(few)


def test_k_lines_take_nothing_away_from_tushares_days_and_tushare_fills_in(
    db: Database, few: tuple[str, ...], market: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(tasks, DAY, DAY)
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", market.connection())
    ingest(tasks, DAY, DAY)
    assert db.value("SELECT count(*) FROM ljwx.current_bars WHERE amount IS NULL OR adj_factor IS NULL") == 0
    assert db.value("SELECT count(*) FROM ljwx.current_bars") > len(few)
    assert db.column("SELECT absent FROM ljwx.ingest_days") == [[]]
    whole = db.state("bars", "ingest_days", "instruments")
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", connection(market, *few))
    ingest(tasks, DAY, DAY)
    assert db.state("bars", "ingest_days", "instruments") == whole


def test_without_a_list_of_stocks_nothing_is_fetched_or_written(
    db: Database, market: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", market.connection(conn_type="tencent"))
    with pytest.raises(ConfigurationError, match="name the stocks to fetch in its extra"):
        tasks.run(plan_ingest, partition_key=DAY)
    assert set(db.counts().values()) == {0}


def test_a_day_that_is_not_there_yet_is_waited_for(
    db: Database, few: tuple[str, ...], market: TushareServer, tasks: TaskRunner
) -> None:
    (chunk,) = tasks.run(plan_ingest, partition_key="2026-11-20")
    market.faults(fqkline={"kind": "late"})
    with pytest.raises(NotYetPublished, match="2026-11-20: 0 of"):
        tasks.run(ingest_bars, chunk)
    assert db.rows("SELECT complete, received FROM ljwx.ingest_days") == [{"complete": False, "received": 0}]


def row(day: str, *values: str, event: dict[str, str] | None = None) -> list[object]:
    return [day, *(values or ("10.000", "10.100", "10.200", "9.900", "1000.000")), *([event] if event else [])]


def literal(code: str, *rows: list[object]) -> dict[str, object]:
    symbol = code[-2:].lower() + code[:6]
    plain = [row(f"2026-02-{day}") for day in ("04", "05", "06", "09", "10", "11", "12", "13")]
    body = {"code": 0, "msg": "", "data": {symbol: {"day": [*plain, *rows]}}}
    return {"kind": "literal", "body": json.dumps(body)}


BAD_ROWS = {
    "negative price": (row(DAY, "10.000", "10.100", "10.200", "-9.900", "1000.000"), {"positive", "reference"}),
    "text in place of a price": (row(DAY, "10.000", "--", "10.200", "9.900", "1000.000"), {"types"}),
    "no price": (row(DAY, "10.000", "", "10.200", "9.900", "1000.000"), {"types"}),
    "high below the close": (row(DAY, "10.000", "10.100", "10.050", "9.900", "1000.000"), {"order"}),
    "negative volume": (row(DAY, "10.000", "10.100", "10.200", "9.900", "-1.000"), {"positive"}),
    "rights issue": (row(DAY, event={"FHcontent": "10配3股", "fh_sh": "0", "cqr": DAY}), {"reference"}),
    "event of another day": (row(DAY, event={"FHcontent": "10派1元", "cqr": BEFORE}), {"reference"}),
    "cash that disagrees": (row(DAY, event={"FHcontent": "10派1元", "fh_sh": "2", "cqr": DAY}), {"reference"}),
    "empty announcement": (row(DAY, event={"FHcontent": "", "fh_sh": "0", "cqr": DAY}), {"reference"}),
    "gap with no ex-right announced": (row(DAY, "6.000", "6.100", "6.200", "5.900", "1000.000"), {"reference"}),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_row_goes_to_quarantine_with_its_reasons(
    case: str, db: Database, market: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, expected = BAD_ROWS[case]
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", connection(market, "000001.SZ"))
    market.faults(fqkline=literal("000001.SZ", row(BEFORE), bad))
    (chunk,) = tasks.run(plan_ingest, partition_key=DAY)
    with pytest.raises(NotYetPublished, match="1 in quarantine"):
        tasks.run(ingest_bars, chunk)
    (refused,) = db.rows("SELECT ts_code, session, reasons, raw FROM ljwx.quarantine")
    assert (refused["ts_code"], refused["session"].isoformat()) == ("000001.SZ", DAY)
    assert set(refused["reasons"]) == expected
    assert db.value("SELECT count(*) FROM ljwx.bars") == 0


def test_an_announced_ex_right_makes_the_reference(
    db: Database, market: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(10.10 - 0.25) / 1.4 = 7.0357."""
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", connection(market, "000001.SZ"))
    event = {"nd": "2025", "fh_sh": "2.5", "djr": BEFORE, "cqr": DAY, "FHcontent": "10转4股, 10派2.5元"}
    ex = row(DAY, "7.100", "7.200", "7.300", "7.000", "1234.000", event=event)
    market.faults(fqkline=literal("000001.SZ", row(BEFORE), ex))
    ingest(tasks, BEFORE, DAY)
    kept = db.rows("SELECT open, high, low, close, pre_close, vol, amount FROM ljwx.bars WHERE session = %s", DAY)
    assert kept == [
        {"open": 7.1, "high": 7.3, "low": 7.0, "close": 7.2, "pre_close": 7.04, "vol": 1234.0, "amount": None}
    ]


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        ("<html>busy</html>", MalformedAnswer, "is not a JSON object"),
        (
            '{"code":0,"msg":"","data":{"sz000001":{"day":[["2026-03-03","10.0"]]}}}',
            MalformedAnswer,
            "has not 6 values",
        ),
        ('{"code":0,"msg":"","data":[]}', BadQuery, "does not know this stock"),
    ],
)
def test_a_bad_answer_is_one_clear_error_and_writes_no_bar(
    body: str,
    error: type[Exception],
    message: str,
    db: Database,
    market: TushareServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", connection(market, "000001.SZ"))
    market.faults(fqkline={"kind": "literal", "body": body})
    source = TencentSource(TencentHook(retry_budget=0.0).client)
    with pytest.raises(error, match=f"000001.SZ: .*{message}"):
        validate_bars(source, WarehouseHook(), [date.fromisoformat(DAY)])
    assert set(db.counts().values()) == {0}


def test_a_dataset_is_made_of_them_and_its_snapshots_have_no_rank_by_amount(
    kline_db: Database, tasks: TaskRunner, data_folder: Path
) -> None:
    tasks.variables["ljwx_training_config"] = SMALL
    dataset_id = tasks.run(build_dataset)
    snapshots = kline_db.column(
        "SELECT snapshot FROM ljwx.samples JOIN ljwx.dataset_samples USING (sample_id) WHERE dataset_id = %s",
        dataset_id,
    )
    assert len(snapshots) > 400
    assert {snapshot["ranks"]["amount"] for snapshot in snapshots} == {None}
    assert {snapshot["limit"] for snapshot in snapshots} == {"未知"}
    assert None not in {snapshot["ranks"]["ret_5"] for snapshot in snapshots}
