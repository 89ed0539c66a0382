"""The pipeline on a token that carries `daily` alone, against the same market on a token that carries everything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.features import FEATURE_VERSION, feature_names
from ljwx.core.labels.outcomes import outcomes
from ljwx.exceptions import BadToken, NoPermission, NotYetPublished
from ljwx.hooks.market import market_source
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import sse_calendar
from ljwx.stages.ingest.bars import ingest_bars
from ljwx.stages.ingest.features import compute_features
from ljwx.stages.ingest.plan import plan_ingest
from ljwx.stages.samples.dataset import build_dataset
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import FIRST, LAST, MARKET, SMALL, Database, connect, copied, database, ingest, running_tasks
from support_tasks import TaskRunner
from support_tushare import StartMarket, TushareServer

FREE, PAID = "sandbox-120", "sandbox-5000"
NO_CALENDAR, NO_FACTORS = "no-calendar", "no-factors"
SHARED = ["daily", "namechange", "stk_limit", "stock_basic", "suspend_d"]
TIERS = {
    FREE: {"apis": ["daily"]},
    PAID: {},
    NO_CALENDAR: {"apis": [*SHARED, "adj_factor"]},
    NO_FACTORS: {"apis": [*SHARED, "trade_cal"]},
}
"""What the tokens carry; their calls a minute are tested elsewhere and would only make this slow."""

ABSENT = ["adj_factor", "namechange", "stk_limit", "stock_basic", "suspend_d", "trade_cal"]
DAY = "2026-03-03"
START, END = date.fromisoformat(FIRST), date.fromisoformat(LAST)


@pytest.fixture(scope="module")
def tiers_process(start_market: StartMarket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TushareServer]:
    tokens = tmp_path_factory.mktemp("tiers") / "tokens.json"
    tokens.write_text(json.dumps(TIERS), encoding="utf-8")
    with start_market(*MARKET, "--token-file", str(tokens)) as server:
        yield server


@pytest.fixture
def tiers(tiers_process: TushareServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[TushareServer]:
    tiers_process.faults()
    use(tiers_process, FREE, monkeypatch)
    yield tiers_process
    tiers_process.faults()


def use(server: TushareServer, token: str, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", server.connection(token=token))


@pytest.fixture(scope="module")
def free_template(postgres: EmbeddedPostgres, migrated_template: str, tiers_process: TushareServer) -> str:
    """Bars and features of the whole range, fetched with the free token."""
    with database(postgres, migrated_template, keep="chain_free") as name, running_tasks() as (runner, patch):
        connect(patch, postgres.url(name))
        use(tiers_process, FREE, patch)
        runner.run(compute_features, ingest(runner, FIRST, LAST))
    return name


@pytest.fixture
def free_db(postgres: EmbeddedPostgres, free_template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    with database(postgres, free_template) as name:
        connect(monkeypatch, postgres.url(name))
        yield Database(postgres.url(name))


def both(postgres: EmbeddedPostgres, free: str, paid: str) -> Iterator[WarehouseHook]:
    """The warehouse of each tier, one after the other."""
    for template in (free, paid):
        with copied(postgres, template):
            yield WarehouseHook()


def returns(bars: pl.DataFrame) -> pl.DataFrame:
    price = pl.col("close") * pl.col("adj_factor")
    made = (price / price.shift(1).over("ts_code") - 1).alias("ret")
    return bars.sort("ts_code", "session").select("ts_code", "session", made)


def test_adjusted_returns_are_those_of_the_published_factors(
    postgres: EmbeddedPostgres, free_template: str, ingested: str
) -> None:
    free, paid = (hook.bars(START, END) for hook in both(postgres, free_template, ingested))
    assert free.select("ts_code", "session", "close").equals(paid.select("ts_code", "session", "close"))
    assert free["adj_factor"].null_count() == 0
    moved = pl.col("adj_factor") / pl.col("adj_factor").shift(1).over("ts_code") - 1
    assert paid.select((moved.abs() > 1e-3).sum()).item() >= 3  # ex-rights, or this shows nothing
    ours, theirs = returns(free)["ret"], returns(paid)["ret"]
    assert ours.is_null().equals(theirs.is_null())
    # Published factors have four decimals.
    assert float((ours - theirs).abs().max() or 0) < 1e-4  # type: ignore[arg-type]
    assert int((ours - theirs).abs().gt(1e-12).sum()) <= paid.select((moved.abs() > 1e-9).sum()).item()


def test_features_are_those_of_the_published_factors(
    postgres: EmbeddedPostgres, free_template: str, ingested: str
) -> None:
    names = list(feature_names())
    free, paid = (hook.features(names, FEATURE_VERSION, START, END) for hook in both(postgres, free_template, ingested))
    assert free.select("ts_code", "session").equals(paid.select("ts_code", "session"))
    for name in ("ret_1", "ret_5", "ret_20", "rsi_14", "boll_pct_b", "vol_20", "drawdown_60", "obv"):
        assert free[name].is_null().equals(paid[name].is_null()), name
        assert float((free[name] - paid[name]).abs().max() or 0) < 0.02, name  # type: ignore[arg-type]
    same = free["ma_60"].is_not_null()
    assert same.sum() > 500
    assert float((free["ma_60"] / paid["ma_60"] - 1).abs().max() or 0) < 1e-4  # type: ignore[arg-type]


def test_outcomes_are_those_of_the_published_factors(
    postgres: EmbeddedPostgres, free_template: str, ingested: str
) -> None:
    days, spec = sse_calendar().between(START, END), SampleSpec()
    free, paid = (
        outcomes(hook.bars(START, END), hook.instruments(), days, spec)
        for hook in both(postgres, free_template, ingested)
    )
    both_have = free.join(paid, on=["ts_code", "session"], suffix="_paid").drop_nulls(["gross", "gross_paid"])
    assert both_have.height > 0.98 * paid["gross"].drop_nulls().len()
    assert both_have.select((pl.col("gross") - pl.col("gross_paid")).abs().max()).item() < 1e-4
    assert both_have.filter(pl.col("label_end") != pl.col("label_end_paid")).is_empty()


def test_every_day_says_what_the_tier_did_not_carry(free_db: Database) -> None:
    assert free_db.column("SELECT DISTINCT absent FROM ljwx.ingest_days") == [ABSENT]
    assert free_db.value("SELECT count(*) FROM ljwx.ingest_days WHERE NOT complete") == 0
    assert free_db.value("SELECT count(*) FROM ljwx.ingest_days") == len(sse_calendar().between(START, END))
    assert free_db.value("SELECT count(*) FROM ljwx.bars WHERE adj_factor IS NOT NULL OR up_limit IS NOT NULL") == 0
    assert free_db.value("SELECT count(*) FROM ljwx.quarantine") == 0


def test_instruments_say_what_a_code_says_and_no_more(free_db: Database) -> None:
    boards = {"60": "主板", "00": "主板", "30": "创业板", "68": "科创板", "92": "北交所"}
    exchanges = {"SH": "SSE", "SZ": "SZSE", "BJ": "BSE"}
    stocks = free_db.rows("SELECT * FROM ljwx.current_instruments")
    assert sorted(row["ts_code"] for row in stocks) == sorted(free_db.column("SELECT DISTINCT ts_code FROM ljwx.bars"))
    for row in stocks:
        assert row["market"] == boards[row["ts_code"][:2]]
        assert row["exchange"] == exchanges[row["ts_code"][-2:]]
        assert [row[name] for name in ("name", "industry", "list_status", "list_date", "delist_date")] == [None] * 5


def test_a_dataset_is_made_of_them(free_db: Database, tasks: TaskRunner, data_folder: Path) -> None:
    tasks.variables["ljwx_training_config"] = SMALL
    dataset_id = tasks.run(build_dataset)
    (row,) = free_db.rows("SELECT * FROM ljwx.datasets")
    assert row["dataset_id"] == dataset_id
    counted = free_db.column("SELECT DISTINCT task FROM ljwx.samples")
    assert len(counted) == 4
    assert free_db.value("SELECT count(*) FROM ljwx.samples WHERE snapshot->>'limit' <> '未知'") == 0
    assert free_db.value("SELECT count(DISTINCT split) FROM ljwx.dataset_samples") == 3
    assert row["proof"]


def test_an_index_asked_for_on_the_free_tier_is_no_part_of_what_a_day_lacks(
    db: Database, tiers: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks.variables["ljwx_training_config"] = {"samples": {"universe": {"index": "000300.SH"}}}
    ingest(tasks, DAY, DAY)
    assert db.rows("SELECT complete, absent FROM ljwx.ingest_days") == [{"complete": True, "absent": ABSENT}]
    assert db.counts()["index_members"] == 0
    use(tiers, PAID, monkeypatch)
    ingest(tasks, DAY, DAY)
    lists = db.state("index_members")
    assert db.column("SELECT absent FROM ljwx.ingest_days") == [[]]
    assert db.counts()["index_members"] > 0
    use(tiers, FREE, monkeypatch)
    ingest(tasks, DAY, DAY)
    assert db.state("index_members") == lists


def test_a_partly_published_day_is_not_complete(db: Database, tiers: TushareServer, tasks: TaskRunner) -> None:
    (chunk,) = tasks.run(plan_ingest, partition_key=DAY)
    assert chunk == {"first": DAY, "last": DAY, "absent": "namechange,stock_basic,trade_cal"}
    before = {row["ts_code"] for row in tiers.rows("daily", token=FREE, trade_date="20260302")}
    # Only the day itself is cut: the session before is asked for after it.
    tiers.faults(daily={"kind": "partial", "share": 0.5, "count": 1})
    with pytest.raises(NotYetPublished, match=rf"{DAY}: \d+ of {len(before)} bars"):
        tasks.run(ingest_bars, chunk)
    (day,) = db.rows("SELECT complete, expected, received, missing FROM ljwx.ingest_days")
    kept = set(db.column("SELECT ts_code FROM ljwx.bars"))
    assert (day["complete"], day["expected"], day["received"]) == (False, len(before), len(kept & before))
    assert day["missing"] == sorted(before - kept)
    assert WarehouseHook().complete_sessions() == []


def test_a_day_without_a_row_is_not_complete(db: Database, tiers: TushareServer, tasks: TaskRunner) -> None:
    (chunk,) = tasks.run(plan_ingest, partition_key="2026-11-20")
    tiers.faults(daily={"kind": "late", "count": 1})
    with pytest.raises(NotYetPublished, match="2026-11-20: 0 of"):
        tasks.run(ingest_bars, chunk)
    assert db.rows("SELECT complete, received FROM ljwx.ingest_days") == [{"complete": False, "received": 0}]
    assert db.value("SELECT count(*) FROM ljwx.bars") == 0


def test_a_larger_tier_fills_in_and_a_smaller_one_takes_nothing_away(
    db: Database, tiers: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, last = "2026-03-02", "2026-03-04"
    ingest(tasks, first, last)
    bars = db.value("SELECT count(*) FROM ljwx.bars")
    use(tiers, PAID, monkeypatch)
    (chunk,) = tasks.run(plan_ingest, params={"start_date": first, "end_date": last})
    assert tasks.run(ingest_bars, chunk) == {
        "sessions": 3,
        "inserted": 0,
        "revised": bars,
        "quarantined": 0,
        "withdrawn": 0,
        "index_bars": 3,
        "index_bars_revised": 0,
    }
    assert db.column("SELECT DISTINCT absent FROM ljwx.ingest_days") == [[]]
    assert db.value("SELECT count(*) FROM ljwx.current_bars WHERE adj_factor IS NULL") == 0
    assert db.value("SELECT count(*) FROM ljwx.current_instruments WHERE list_date IS NULL") == 0
    kept = db.state("bars", "ingest_days", "instruments", "names")
    use(tiers, FREE, monkeypatch)
    (chunk,) = tasks.run(plan_ingest, params={"start_date": first, "end_date": last})
    assert tasks.run(ingest_bars, chunk) == {
        "sessions": 0,
        "inserted": 0,
        "revised": 0,
        "quarantined": 0,
        "withdrawn": 0,
        "index_bars": 0,
    }
    assert db.state("bars", "ingest_days", "instruments", "names") == kept


def test_a_tier_that_adds_one_thing_and_lacks_another_takes_nothing_away_and_drops_nothing(
    db: Database, tiers: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The calendar says no more of a complete session; published factors would become null."""
    use(tiers, NO_CALENDAR, monkeypatch)
    ingest(tasks, DAY, DAY)
    kept = db.state("bars", "ingest_days")
    assert db.column("SELECT absent FROM ljwx.ingest_days") == [["trade_cal"]]
    rows = {row["ts_code"]: row for row in tiers.rows("daily", token=FREE, trade_date=DAY.replace("-", ""))}
    use(tiers, NO_FACTORS, monkeypatch)
    (chunk,) = tasks.run(plan_ingest, partition_key=DAY)
    tiers.faults(daily={"kind": "wrong_types", "column": "close", "share": 0.5})
    assert tasks.run(ingest_bars, chunk)["sessions"] == 0
    assert db.state("bars", "ingest_days") == kept
    refused = db.rows("SELECT ts_code, session, raw->>'close' AS close FROM ljwx.quarantine")
    assert refused
    assert {f"{row['session']}" for row in refused} == {DAY}
    assert all(row["close"] == f"{rows[row['ts_code']]['close']}元" for row in refused)


def test_a_token_refused_everywhere_is_not_a_small_tier(db: Database, tiers: TushareServer, tasks: TaskRunner) -> None:
    tiers.faults(**{"*": {"kind": "ip_limit"}})
    with pytest.raises(NoPermission, match="IP数量超限"):
        tasks.run(plan_ingest, partition_key=DAY)
    assert set(db.counts().values()) == {0}


def test_an_interface_that_answered_before_is_not_taken_for_absent(
    db: Database, tiers: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(tiers, PAID, monkeypatch)
    source = market_source()
    assert source.factors([date(2026, 3, 2)]) is not None
    tiers.faults(adj_factor={"kind": "ip_limit"})
    with pytest.raises(NoPermission, match="IP数量超限"):
        source.factors([date(2026, 3, 3)])
    assert source.absent == ()


def test_a_bad_token_stays_a_bad_token(
    db: Database, tiers: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(tiers, "nobody", monkeypatch)
    with pytest.raises(BadToken):
        tasks.run(plan_ingest, partition_key=DAY)
    assert set(db.counts().values()) == {0}


def test_a_hole_is_not_read_as_an_ex_right(free_db: Database, tasks: TaskRunner) -> None:
    """No feature and no label of the free tier reaches across a session that is not complete."""
    hole = date(2026, 1, 14)
    free_db.execute("UPDATE ljwx.ingest_days SET complete = false WHERE session = %s", hole)
    free_db.execute("TRUNCATE ljwx.features, ljwx.feature_marks")
    tasks.run(compute_features, [{"first": FIRST, "last": LAST}])
    assert free_db.column("SELECT DISTINCT ret_1 FROM ljwx.features WHERE session = '2026-01-15'") == [None]
    assert free_db.value("SELECT count(*) FROM ljwx.features WHERE session = '2026-01-16' AND ret_1 IS NOT NULL") > 10
    days = sse_calendar().between(START, END)
    hook = WarehouseHook()
    found = outcomes(hook.bars(START, END, reach=8), hook.instruments(), days, SampleSpec()).drop_nulls("gross")
    assert found.filter((pl.col("session") < hole) & (pl.col("label_end") > hole)).is_empty()
    assert found.filter(pl.col("session") > hole).height > 100
    assert found.filter(pl.col("session") < date(2025, 12, 1)).height > 800
