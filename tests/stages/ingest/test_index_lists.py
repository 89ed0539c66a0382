"""Lists of an index's members: fetched along with bars, kept as revisions, and read as they were known."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from airflow.sdk.exceptions import AirflowSkipException

from ljwx.core.datasets.members import VALID_DAYS
from ljwx.exceptions import ConfigurationError, NotYetPublished
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.lineage import trace
from ljwx.sources.tushare.interfaces import INDEX_WEIGHT
from ljwx.stages.ingest.bars import ingest_bars
from ljwx.stages.ingest.plan import plan_ingest
from ljwx.stages.samples.dataset import build_dataset
from ljwx.warehouse.market.reference import SavedLists
from ljwx.warehouse.runs import RunRef
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import FIRST, LAST, SMALL, Database, connect, content_of, database, ingest, running_tasks
from support_tasks import TaskRunner
from support_tushare import TushareServer

INDEX = "000300.SH"
INDEXED: dict[str, Any] = {**SMALL, "samples": {**SMALL["samples"], "universe": {"index": INDEX}}}
DAY = "2026-03-03"
KEPT = ("bars", "ingest_days", "complete_days", "features", "instruments", "names", "sessions", "suspensions")
LISTS = "SELECT DISTINCT session FROM ljwx.index_members ORDER BY 1"
CURRENT = "SELECT ts_code FROM ljwx.index_members WHERE session = %s AND superseded_at IS NULL ORDER BY 1"


@pytest.fixture(scope="module")
def listed_template(postgres: EmbeddedPostgres, ingested: str, market_process: TushareServer) -> str:
    """The chain's warehouse after its range was ingested once more, with an index in the settings."""
    market_process.faults()
    with database(postgres, ingested, keep="chain_listed") as name, running_tasks() as (runner, patch):
        connect(patch, postgres.url(name))
        patch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", market_process.connection())
        runner.variables["ljwx_training_config"] = INDEXED
        before = Database(postgres.url(name)).state(*KEPT)
        ingest(runner, FIRST, LAST)
        after = Database(postgres.url(name)).state(*KEPT)
        assert {table for table in KEPT if before[table] != after[table]} <= {"ingest_days"}
    return name


@pytest.fixture
def listed_db(
    postgres: EmbeddedPostgres, listed_template: str, tasks: TaskRunner, data_folder: Path, market: TushareServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Database]:  # fmt: skip
    with database(postgres, listed_template) as name:
        connect(monkeypatch, postgres.url(name))
        tasks.variables["ljwx_training_config"] = INDEXED
        yield Database(postgres.url(name))


@pytest.fixture
def indexed(db: Database, market: TushareServer, tasks: TaskRunner) -> TaskRunner:
    """Tasks on an empty warehouse, with an index in the settings."""
    tasks.variables["ljwx_training_config"] = INDEXED
    return tasks


def wire(market: TushareServer, since: date, until: date, index: str = INDEX) -> list[dict[str, Any]]:
    return market.rows("index_weight", index_code=index, start_date=f"{since:%Y%m%d}", end_date=f"{until:%Y%m%d}")


def answer(*rows: list[Any], **more: Any) -> dict[str, Any]:
    body = {"code": 0, "msg": "", "data": {"fields": list(INDEX_WEIGHT), "items": list(rows), "has_more": False}}
    return {"kind": "literal", "body": json.dumps(body), **more}


def members_of(index: str = INDEX, **lists: list[str]) -> pl.DataFrame:
    """Lists by day: ``d20260227=["000001.SZ"]``; all weights alike."""
    rows = [
        (index, date(int(day[1:5]), int(day[5:7]), int(day[7:])), code, 100 / len(codes))
        for day, codes in lists.items()
        for code in codes
    ]
    return pl.DataFrame(rows, schema=["index_code", "session", "ts_code", "weight"], orient="row")


def save(members: pl.DataFrame, name: str = "lists") -> SavedLists:
    hook = WarehouseHook()
    return hook.save_index_members(hook.start_run(RunRef("tests", name, "save")), INDEX, members)


# -- ingest --


def test_an_ingest_saves_the_lists_that_its_sessions_look_back_to(
    db: Database, market: TushareServer, indexed: TaskRunner
) -> None:
    (chunk,) = indexed.run(plan_ingest, partition_key=DAY)
    found = indexed.run(ingest_bars, chunk)
    until = date.fromisoformat(DAY)
    rows = wire(market, until - timedelta(days=VALID_DAYS), until)
    assert {row["trade_date"] for row in rows} == {"20251231", "20260130", "20260227"}
    stored = db.rows("SELECT index_code, ts_code, to_char(session, 'YYYYMMDD') AS day, weight FROM ljwx.index_members")
    assert sorted(tuple(row.values()) for row in stored) == sorted(tuple(row.values()) for row in rows)
    assert found["index_lists"] == 3
    assert found["members_inserted"] == len(rows)
    (run,) = db.rows("SELECT * FROM ljwx.runs WHERE run_key IN (SELECT run_key FROM ljwx.index_members)")
    assert (run["task_id"], run["outputs"]["index_lists"]) == ("ingest_bars", 3)


def test_months_of_a_range_bring_every_list_once(listed_db: Database, market: TushareServer) -> None:
    first, last = date.fromisoformat(FIRST), date.fromisoformat(LAST)
    rows = wire(market, first - timedelta(days=VALID_DAYS), last)
    days = sorted({row["trade_date"] for row in rows})
    assert [f"{day:%Y%m%d}" for day in listed_db.column(LISTS)] == days
    assert len(days) == 8
    assert listed_db.value("SELECT count(*) FROM ljwx.index_members") == len(rows)
    assert listed_db.value("SELECT max(revision) FROM ljwx.index_members") == 1


def test_the_same_ingest_again_changes_nothing(listed_db: Database, tasks: TaskRunner) -> None:
    before = listed_db.state("index_members")
    ingest(tasks, FIRST, LAST)
    assert listed_db.state("index_members") == before


def test_without_an_index_no_list_is_asked_for(db: Database, market: TushareServer, tasks: TaskRunner) -> None:
    asked = market.stats()["calls"].get("index_weight", 0)
    tasks.variables["ljwx_training_config"] = {"samples": {"universe": ["000001.SZ"]}}
    (chunk,) = tasks.run(plan_ingest, partition_key=DAY)
    assert "index_lists" not in tasks.run(ingest_bars, chunk)
    assert market.stats()["calls"].get("index_weight", 0) == asked
    assert db.counts()["index_members"] == 0


def test_a_session_that_is_incomplete_leaves_its_lists(
    db: Database, market: TushareServer, indexed: TaskRunner
) -> None:
    (chunk,) = indexed.run(plan_ingest, partition_key=DAY)
    market.faults(daily={"kind": "partial", "share": 0.5, "count": 1})
    with pytest.raises(NotYetPublished):
        indexed.run(ingest_bars, chunk)
    assert len(db.column(LISTS)) == 3


def test_an_unknown_index_is_told_and_fails_no_ingest(
    db: Database, tasks: TaskRunner, market: TushareServer, caplog: pytest.LogCaptureFixture
) -> None:
    tasks.variables["ljwx_training_config"] = {"samples": {"universe": {"index": "999999.SH"}}}
    (chunk,) = tasks.run(plan_ingest, partition_key=DAY)
    with caplog.at_level(logging.WARNING):
        assert tasks.run(ingest_bars, chunk)["index_lists"] == 0
    says = f"samples.universe.index: no list of members of 999999.SH from 2025-12-31 to {DAY} came"
    assert says in caplog.messages
    assert db.column("SELECT complete FROM ljwx.ingest_days") == [True]


def test_a_list_that_changed_is_revised_and_the_old_one_stays_known(
    db: Database, market: TushareServer, indexed: TaskRunner
) -> None:
    (chunk,) = indexed.run(plan_ingest, partition_key=DAY)
    indexed.run(ingest_bars, chunk)
    rows = wire(market, date(2026, 2, 1), date(2026, 2, 28))
    items = [list(row.values()) for row in rows]
    (was,) = {row["trade_date"] for row in rows}
    then = WarehouseHook().moment()
    gone, weighed = items[0][1], items[1][1]
    items[0][1] = "920009.BJ"
    items[1][3], items[2][3] = items[1][3] + 0.5, items[2][3] - 0.5
    market.faults(index_weight=answer(*items))
    found = indexed.run(ingest_bars, chunk)
    counts = {name: found[name] for name in ("index_lists", "members_inserted", "members_revised", "members_withdrawn")}
    assert list(counts.values()) == [1, 1, 2, 1]
    assert db.column(CURRENT, was) == sorted(item[1] for item in items)
    assert len(db.column(LISTS)) == 3
    hook, day = WarehouseHook(), pl.col("session") == date(2026, 2, 27)
    before, now = (set(hook.members_as_of(INDEX, at).filter(day)["ts_code"]) for at in (then, hook.moment()))
    assert before - now == {gone}
    assert now - before == {"920009.BJ"}
    revisions = "SELECT revision, weight FROM ljwx.index_members WHERE ts_code = %s AND session = %s ORDER BY 1"
    assert [row["weight"] for row in db.rows(revisions, weighed, was)] == [rows[1]["weight"], items[1][3]]
    market.faults()
    indexed.run(ingest_bars, chunk)
    assert db.column(CURRENT, was) == sorted(row["con_code"] for row in rows)


BAD_ROWS: dict[str, tuple[list[list[Any]], str]] = {
    "a member of another index": ([["000905.SH", "000001.SZ", "20260227", 1.0]], "kind"),
    "nobody": ([[INDEX, None, "20260227", 1.0]], "keys"),
    "a day that is none": ([[INDEX, "000001.SZ", "20260231", 1.0]], "type"),
    "a weight as a text": ([[INDEX, "000001.SZ", "20260227", "much"]], "type"),
    "two weights": ([[INDEX, "000001.SZ", "20260227", 1.0], [INDEX, "000001.SZ", "20260227", 2.0]], "duplicate"),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_row_of_a_list_that_cannot_be_used_is_in_quarantine_as_it_came(
    db: Database, market: TushareServer, indexed: TaskRunner, name: str
) -> None:
    rows, reason = BAD_ROWS[name]
    good = [INDEX, "600000.SH", "20260130", 100.0]
    (chunk,) = indexed.run(plan_ingest, partition_key=DAY)
    market.faults(index_weight=answer(good, good, *rows))
    assert indexed.run(ingest_bars, chunk)["members_inserted"] == 1
    assert db.column("SELECT ts_code FROM ljwx.index_members") == ["600000.SH"]
    refused = db.rows("SELECT ts_code, reasons, raw FROM ljwx.quarantine ORDER BY quarantine_id")
    assert [row["raw"] for row in refused] == [dict(zip(INDEX_WEIGHT, row, strict=True)) for row in rows]
    assert all(f"index_weight:{reason}" in row["reasons"] for row in refused)
    # It is no row of the stock's session: its last bar is still its last one.
    assert {row["ts_code"] for row in refused} == {None}
    assert db.column("SELECT quarantined FROM ljwx.ingest_days") == [0]


LACKING: dict[str, Any] = {
    "a part of it": lambda items: items[: len(items) // 2],
    "a row less that is refused": lambda items: [*items[1:], [*items[0][:3], "much"]],
    "a member twice, weighed otherwise": lambda items: [*items, [*items[0][:3], items[0][3] + 0.1]],
    "a row of the day that is another index's": lambda items: [*items, ["000905.SH", *items[0][1:]]],
}


@pytest.mark.parametrize("name", LACKING)
def test_a_list_that_is_not_whole_takes_nobody_out_of_the_index(
    db: Database, market: TushareServer, indexed: TaskRunner, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    (chunk,) = indexed.run(plan_ingest, partition_key=DAY)
    indexed.run(ingest_bars, chunk)
    lists = db.state("index_members")
    items = [list(row.values()) for row in wire(market, date(2026, 2, 1), date(2026, 2, 28))]
    market.faults(index_weight=answer(*LACKING[name](items)))
    with caplog.at_level(logging.WARNING):
        found = indexed.run(ingest_bars, chunk)
    assert (found["index_lists"], found["index_lists_refused"]) == (0, 1)
    assert any("the list of 000300.SH of 2026-02-27 is not whole" in text for text in caplog.messages)
    assert db.state("index_members") == lists
    assert db.column("SELECT complete FROM ljwx.ingest_days") == [True]


def test_a_limit_that_is_used_up_for_lists_alone_fails_no_session(
    db: Database, market: TushareServer, indexed: TaskRunner, caplog: pytest.LogCaptureFixture
) -> None:
    (chunk,) = indexed.run(plan_ingest, partition_key=DAY)
    market.faults(index_weight={"kind": "hour_limit"})
    with caplog.at_level(logging.WARNING):
        assert indexed.run(ingest_bars, chunk)["index_lists"] == 0
    assert any(f"no list of members of {INDEX} for now" in text for text in caplog.messages)
    assert db.column("SELECT complete FROM ljwx.ingest_days") == [True]


def test_a_weight_that_is_not_told_is_null(db: Database, market: TushareServer, indexed: TaskRunner) -> None:
    (chunk,) = indexed.run(plan_ingest, partition_key=DAY)
    market.faults(index_weight=answer([INDEX, "600000.SH", "20260227", None], [INDEX, "00700.HK", "20260227", 100]))
    for inserted in (2, 0):
        found = indexed.run(ingest_bars, chunk)
        assert (found["members_inserted"], found["members_revised"]) == (inserted, 0)
    assert db.column("SELECT weight FROM ljwx.index_members ORDER BY ts_code") == [100.0, None]


def test_lists_written_at_once_are_there_once(db: Database) -> None:
    lists = members_of(d20260130=["000001.SZ", "600000.SH"], d20260227=["000001.SZ"])
    with ThreadPoolExecutor(4) as pool:
        saved = list(pool.map(lambda at: save(lists, f"run {at}"), range(4)))
    assert sum(each.inserted for each in saved) == 3
    assert {(each.lists, each.revised, each.withdrawn) for each in saved} == {(2, 0, 0)}
    assert db.counts()["index_members"] == 3


def test_lists_of_other_indexes_are_another_matter(db: Database) -> None:
    save(members_of(d20260227=["000001.SZ"]))
    hook = WarehouseHook()
    other = members_of("000905.SH", d20260227=["600000.SH"])
    hook.save_index_members(hook.start_run(RunRef("tests", "other", "save")), "000905.SH", other)
    for index, code in ((INDEX, "000001.SZ"), ("000905.SH", "600000.SH")):
        assert hook.members_as_of(index, hook.moment()).rows() == [(date(2026, 2, 27), code)]


# -- a source without lists --


def test_a_tier_without_lists_loses_no_day_and_a_larger_one_adds_them_and_opens_none(
    db: Database, market: TushareServer, indexed: TaskRunner, caplog: pytest.LogCaptureFixture
) -> None:
    market.faults(index_weight={"kind": "old_no_permission"})
    (chunk,) = indexed.run(plan_ingest, partition_key=DAY)
    with caplog.at_level(logging.WARNING):
        assert indexed.run(ingest_bars, chunk)["index_lists"] == 0
    assert any("going on without index_weight" in text for text in caplog.messages)
    assert db.rows("SELECT complete, absent FROM ljwx.ingest_days") == [{"complete": True, "absent": []}]
    kept = db.state("bars", "complete_days")
    market.faults()
    found = indexed.run(ingest_bars, chunk)
    assert (found["index_lists"], found["inserted"], found["revised"]) == (3, 0, 0)
    lists = db.state("index_members")
    market.faults(index_weight={"kind": "old_no_permission"})
    found = indexed.run(ingest_bars, chunk)
    # The session is written again as the one it is: lists are no part of what it has.
    assert (found["sessions"], found["index_lists"]) == (1, 0)
    assert db.state("bars", "complete_days") == kept
    assert db.state("index_members") == lists


def test_k_lines_have_no_lists_which_is_told_and_no_part_of_what_a_day_lacks(
    db: Database, market: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setenv(
        "AIRFLOW_CONN_TUSHARE_DEFAULT", market.connection(conn_type="tencent", stocks=["000001.SZ", "600000.SH"])
    )
    tasks.variables["ljwx_training_config"] = INDEXED
    (chunk,) = tasks.run(plan_ingest, partition_key=DAY)
    with caplog.at_level(logging.WARNING):
        assert tasks.run(ingest_bars, chunk)["index_lists"] == 0
    assert f"samples.universe.index: no list of members of {INDEX}, which this source does not carry" in caplog.messages
    ((absent, complete),) = (row.values() for row in db.rows("SELECT absent, complete FROM ljwx.ingest_days"))
    assert "index_weight" not in absent
    assert complete


# -- samples --


def samples(db: Database, dataset_id: str) -> list[dict[str, Any]]:
    return db.rows(
        "SELECT ts_code, session, sample_id FROM ljwx.samples JOIN ljwx.dataset_samples USING (sample_id) "
        "WHERE dataset_id = %s", dataset_id,
    )  # fmt: skip


def row_of(db: Database, dataset_id: str) -> dict[str, Any]:
    (row,) = db.rows("SELECT * FROM ljwx.datasets WHERE dataset_id = %s", dataset_id)
    return row


def replace_lists(db: Database, **lists: list[str]) -> None:
    db.execute("DELETE FROM ljwx.index_members")
    save(members_of(**lists))


def test_a_dataset_has_samples_of_the_members_alone(listed_db: Database, tasks: TaskRunner) -> None:
    dataset_id = tasks.run(build_dataset)
    members = set(listed_db.column("SELECT DISTINCT ts_code FROM ljwx.index_members"))
    assert {row["ts_code"] for row in samples(listed_db, dataset_id)} == members
    row = row_of(listed_db, dataset_id)
    assert row["spec"]["universe"] == {"index": INDEX}
    reasons = {each["reason"] for each in row["exclusions"]}
    assert "not_in_universe" in reasons
    assert "no_index_list" not in reasons
    card = json.loads((Path(row["folder"]) / "card.json").read_text(encoding="utf-8"))
    assert card["index"]["code"] == INDEX
    assert (card["index"]["smallest"], card["index"]["members"]) == (len(members), len(members))
    found = (Path(row["folder"]) / "README.md").read_text(encoding="utf-8")
    assert f"Members of {INDEX} as of each session: " in found


def test_a_dataset_leads_to_who_fetched_the_lists_that_it_was_made_by(listed_db: Database, tasks: TaskRunner) -> None:
    dataset_id = tasks.run(build_dataset)
    save(members_of(d20260227=["000001.SZ"]), "later")
    found = [node for node in trace(dataset_id).made_from if node.kind == "index"]
    assert {node.name for node in found} == {INDEX}
    assert {run.name.split("[")[0] for node in found for run in node.made_from} == {"tests.ingest_bars"}
    since = row_of(listed_db, dataset_id)["first_session"] - timedelta(days=VALID_DAYS)
    fetched = """SELECT count(*) FROM ljwx.index_members JOIN ljwx.runs USING (run_key)
                 WHERE task_id = 'ingest_bars' AND session >= %s"""
    assert sum(node.facts["members"] for node in found) == listed_db.value(fetched, since) > 0


STAY = ["000001.SZ", "600000.SH", "300001.SZ", "000002.SZ", "600001.SH"]
LEAVER, JOINER = "600002.SH", "000003.SZ"
MONTHS = ("d20250829", "d20250930", "d20251031", "d20251128", "d20251231", "d20260130", "d20260227")


def test_who_leaves_has_samples_up_to_the_next_list_and_who_joins_from_it_on(
    listed_db: Database, tasks: TaskRunner
) -> None:
    before, after = [*STAY, LEAVER], [*STAY, JOINER]
    replace_lists(listed_db, **{day: before if day < "d20251231" else after for day in MONTHS})
    made = samples(listed_db, tasks.run(build_dataset))
    sessions = {code: sorted(row["session"] for row in made if row["ts_code"] == code) for code in (LEAVER, JOINER)}
    assert sessions[LEAVER][-1] < date(2025, 12, 31) <= sessions[JOINER][0]
    assert len(sessions[LEAVER]) > 5
    assert len(sessions[JOINER]) > 5


def test_a_list_that_came_later_changes_no_dataset_as_known_before_it(listed_db: Database, tasks: TaskRunner) -> None:
    then = tasks.run(build_dataset)
    grow_old(listed_db)
    hashes, files = row_of(listed_db, then)["sha256"], content_of(Path(row_of(listed_db, then)["folder"]))
    members = WarehouseHook().members_as_of(INDEX, WarehouseHook().moment())["ts_code"].unique().to_list()
    save(members_of(**dict.fromkeys(MONTHS, members[1:])))
    now = tasks.run(build_dataset)
    assert now != then
    assert members[0] not in {row["ts_code"] for row in samples(listed_db, now)}
    forget(listed_db, then)
    day = listed_db.value("SELECT ((now() AT TIME ZONE 'Asia/Shanghai')::date - 5)::text")
    assert tasks.run(build_dataset, params={"known_on": day}) == then
    row = row_of(listed_db, then)
    assert row["sha256"] == hashes
    assert content_of(Path(row["folder"])) == files
    with pytest.raises(AirflowSkipException, match="is there already: what was known then"):
        tasks.run(build_dataset, params={"known_on": day})


def grow_old(db: Database, days: int = 10) -> None:
    for table, column in (
        *((table, "first_seen") for table in ("bars", "features", "instruments", "names", "index_members")),
        ("ingest_days", "checked_at"), ("complete_days", "complete_from"), ("feature_marks", "computed_at"),
        ("datasets", "known_at"), ("datasets", "created_at"),
    ):  # fmt: skip
        db.execute(f"UPDATE ljwx.{table} SET {column} = {column} - make_interval(days => {days:d})")


def forget(db: Database, dataset_id: str) -> None:
    db.execute("UPDATE ljwx.datasets SET parent_id = NULL")
    for table in ("sample_supersessions", "dataset_samples"):
        db.execute(f"DELETE FROM ljwx.{table}")
    db.execute("DELETE FROM ljwx.datasets WHERE dataset_id = %s", dataset_id)


def test_a_list_of_a_later_day_changes_no_sample_before_it(listed_db: Database, tasks: TaskRunner) -> None:
    """The last list alone is another one: `until` the session before it, both datasets are the same."""
    params = {"until": "2026-02-26"}
    first = tasks.run(build_dataset, params=params)
    save(members_of(d20260227=["920000.BJ"]))
    with pytest.raises(AirflowSkipException, match=f"dataset {first} is there already"):
        tasks.run(build_dataset, params=params)


def test_sessions_without_a_list_are_left_out_and_told(
    listed_db: Database, tasks: TaskRunner, caplog: pytest.LogCaptureFixture
) -> None:
    replace_lists(listed_db, **dict.fromkeys(MONTHS[3:], STAY))
    with caplog.at_level(logging.WARNING):
        dataset_id = tasks.run(build_dataset)
    assert min(row["session"] for row in samples(listed_db, dataset_id)) >= date(2025, 11, 28)
    left_out = {each["reason"]: each["count"] for each in row_of(listed_db, dataset_id)["exclusions"]}
    bars = "SELECT count(*) FROM ljwx.current_bars WHERE session < '2025-11-28'"
    assert left_out["no_index_list"] == listed_db.value(bars)
    days = listed_db.value("SELECT count(*) FROM ljwx.ingest_days WHERE session < '2025-11-28'")
    assert any(
        f"no valid list of members of {INDEX} at {days} of " in text
        and "2025-09-01 to 2025-11-27: left out as no_index_list; run ljwx_daily_ingest over the dates" in text
        for text in caplog.messages
    )


@pytest.mark.parametrize(
    ("lists", "says"),
    [
        ({}, f"no list of members of {INDEX} was known; run ljwx_daily_ingest over the dates"),
        (
            {"d20250601": STAY},
            "before; the lists known are of 2025-06-01 to 2025-06-01; run ljwx_daily_ingest over the dates",
        ),
        (
            {"d20260401": STAY},
            f"no session from 2025-09-01 to 2026-03-20 has a list of members of {INDEX} of at most 62 days before",
        ),
        ({day: ["00700.HK"] for day in MONTHS}, "not_in_universe"),
        (dict.fromkeys(MONTHS[-1:], STAY), "no_index_list"),
    ],
)
def test_an_index_without_what_a_dataset_needs_ends_in_one_clear_line(
    listed_db: Database, tasks: TaskRunner, lists: dict[str, list[str]], says: str
) -> None:
    listed_db.execute("DELETE FROM ljwx.index_members")
    if lists:
        save(members_of(**lists))
    for run_type in ("manual", "asset_triggered"):
        with pytest.raises(ConfigurationError) as refused:
            tasks.run(build_dataset, run_type=run_type)
        assert refused.type is ConfigurationError
        assert says in str(refused.value)
        assert len(str(refused.value).splitlines()) == 1
    assert listed_db.counts()["datasets"] == 0


def test_what_was_not_known_on_the_day_is_said(listed_db: Database, tasks: TaskRunner) -> None:
    """Bars were there, and lists came later."""
    grow_old(listed_db)
    listed_db.execute("UPDATE ljwx.index_members SET first_seen = now()")
    day = listed_db.value("SELECT ((now() AT TIME ZONE 'Asia/Shanghai')::date - 5)::text")
    with pytest.raises(ConfigurationError, match=f"no list of members of {INDEX} was known on {day}; run"):
        tasks.run(build_dataset, params={"known_on": day})
