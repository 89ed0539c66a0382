"""Codes that change while the pipeline runs, against the same market without a rename: only the codes may differ.

Until 2026-01-09 the source knows of no rename. On 2026-01-12 the stocks of the Beijing exchange change to 920xxx, and
000003.SZ becomes 001872.SZ with another name; on 2026-02-02 000007.SZ becomes 001979.SZ, and no mapping says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ljwx.core.features import FEATURE_VERSION, feature_names
from ljwx.exceptions import NotYetPublished
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.sources.tushare.client import TushareClient
from ljwx.stages.ingest.bars import ingest_bars
from ljwx.stages.ingest.features import compute_features
from ljwx.stages.ingest.plan import plan_ingest
from ljwx.stages.samples.as_of import AsOf, parts_as_of, sessions_as_of
from ljwx.stages.samples.dataset import build_dataset
from ljwx.warehouse.market.bars import IngestDay
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import Database, connect, database, ingest, running_tasks
from support_tasks import TaskRunner
from support_tushare import REPOSITORY, StartMarket, TushareServer

FIRST, BEFORE, AFTER, LAST = "2025-09-01", "2026-01-09", "2026-01-12", "2026-03-20"
SECOND = "2026-02-02"
MARKET = (
    "--stocks", "36", "--seed", "1", "--effect", "0.3", "--origin", "2025-01-01",
    "--sessions", str(REPOSITORY / "include" / "sessions" / "sse.txt"),
)  # fmt: skip
RENAMES = (
    "--rename-bse", AFTER,
    "--rename", f"000003.SZ=001872.SZ@{AFTER}@沙盒港口", "--rename", f"000007.SZ=001979.SZ@{SECOND}",
)  # fmt: skip
NEWEST = {"000003.SZ": "001872.SZ", "000007.SZ": "001979.SZ", "830001.BJ": "920001.BJ", "430002.BJ": "920002.BJ"}
PLAIN = {"001872.SZ": "000003.SZ", "001979.SZ": "000007.SZ", "830001.BJ": "920001.BJ", "430002.BJ": "920002.BJ"}
"""The code that a market without renames has, by the others."""
EVERYTHING = {
    "samples": {"thin_gap": 1, "class_ratio": 1000, "min_market_stocks": 1},
    "model": {"base": "smollm2:135m"},
}
START, END = date.fromisoformat(FIRST), date.fromisoformat(LAST)
RENAMED_ON = date.fromisoformat(AFTER)
ENDS = "SELECT ts_code, delist_date, end_reason, renamed_to FROM ljwx.current_instruments WHERE end_reason IS NOT NULL"
FORGET = "TRUNCATE ljwx.kept_answers"
"""Let reference data be asked for anew, as it is after the next close."""
BEIJING = "SELECT ts_code FROM ljwx.current_bars WHERE session = %s AND ts_code LIKE '%%.BJ'"
INCOMPLETE = "SELECT session FROM ljwx.ingest_days WHERE NOT complete ORDER BY 1"


@pytest.fixture(scope="module")
def servers(start_market: StartMarket) -> Iterator[dict[str, TushareServer]]:
    """The market without renames, and with them: as of the day before, and as of later with history of both kinds."""
    with (
        start_market(*MARKET, "--to", "2026-11-20") as plain,
        start_market(*MARKET, *RENAMES, "--to", BEFORE) as before,
        start_market(*MARKET, *RENAMES, "--to", "2026-11-20") as new,
        start_market(*MARKET, *RENAMES, "--to", "2026-11-20", "--history", "old") as old,
    ):
        yield {"plain": plain, "before": before, "new": new, "old": old}


@pytest.fixture(scope="module")
def templates(
    postgres: EmbeddedPostgres, migrated_template: str, servers: dict[str, TushareServer]
) -> Iterator[dict[str, str]]:
    """Bars and features of the plain market, and of the other up to the day before the renames."""
    made = {}
    for name, parts in (("plain", ((FIRST, BEFORE), (AFTER, LAST))), ("before", ((FIRST, BEFORE),))):
        with (
            database(postgres, migrated_template, keep=f"codes_{name}") as template,
            running_tasks() as (runner, patch),
        ):
            connect(patch, postgres.url(template))
            use(servers[name], patch)
            for first, last in parts:
                runner.run(compute_features, ingest(runner, first, last))
        made[name] = template
    return made


def use(server: TushareServer, patch: pytest.MonkeyPatch) -> None:
    server.faults()
    patch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", server.connection())


@pytest.fixture
def running(
    postgres: EmbeddedPostgres, templates: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    """A warehouse that knows of no rename yet."""
    with database(postgres, templates["before"]) as name:
        connect(monkeypatch, postgres.url(name))
        yield Database(postgres.url(name))


@pytest.fixture
def plain(postgres: EmbeddedPostgres, templates: dict[str, str]) -> Iterator[str]:
    with database(postgres, templates["plain"]) as name:
        yield postgres.url(name)


def features_of(url: str | None = None) -> pl.DataFrame:
    """Every feature row, under the codes of the market without renames."""
    with pytest.MonkeyPatch.context() as patch:
        if url is not None:
            connect(patch, url)
        rows = WarehouseHook().features(feature_names(), FEATURE_VERSION, START, END)
    return rows.with_columns(pl.col("ts_code").replace(PLAIN)).sort("ts_code", "session")


def assert_same_features(plain: str) -> None:
    assert_frame_equal(features_of(), features_of(plain), rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize("history", ["new", "old"])
def test_a_market_with_renamed_codes_runs_to_samples_that_differ_by_their_codes_alone(
    running: Database,
    plain: str,
    servers: dict[str, TushareServer],
    tasks: TaskRunner,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    history: str,
) -> None:
    use(servers[history], monkeypatch)
    tasks.run(compute_features, ingest(tasks, AFTER, LAST))
    assert running.column(INCOMPLETE) == []
    ends = {row["ts_code"]: (row["end_reason"], row["renamed_to"]) for row in running.rows(ENDS)}
    assert ends == {code: ("renamed", newest) for code, newest in NEWEST.items()}
    traded = running.rows("SELECT ts_code, min(session), max(session) FROM ljwx.current_bars GROUP BY 1 ORDER BY 1")
    spans = {row["ts_code"]: (f"{row['min']}", f"{row['max']}") for row in traded}
    assert spans["830001.BJ"] == (FIRST, BEFORE)
    assert spans["920001.BJ"] == (AFTER, LAST)
    assert_same_features(plain)

    tasks.variables["ljwx_training_config"] = EVERYTHING
    monkeypatch.setenv("LJWX_DATA", str(tmp_path))
    ours = samples(running, tasks.run(build_dataset))
    assert_lineage_reaches_over_the_rename(running)
    assert_a_corrected_bar_under_the_new_code_is_named_as_the_cause(running, tasks)
    connect(monkeypatch, plain)
    theirs = samples(Database(plain), tasks.run(build_dataset))
    assert ours == theirs
    over = [
        key for key, sample in ours.items() if key[1] < RENAMED_ON <= sample["label_end"] and key[0] in PLAIN.values()
    ]
    assert over


def assert_lineage_reaches_over_the_rename(db: Database) -> None:
    query = "SELECT sample_id, bars_from FROM ljwx.samples WHERE ts_code = '920001.BJ' AND bars_from < %s LIMIT 1"
    (sample,) = db.rows(query, AFTER)
    assert min(run.first for run in WarehouseHook().bars_of(sample["sample_id"])) == sample["bars_from"]


def assert_a_corrected_bar_under_the_new_code_is_named_as_the_cause(db: Database, tasks: TaskRunner) -> None:
    hook, session = WarehouseHook(), date(2026, 1, 14)
    dearer = pl.when(pl.col("ts_code") == "920001.BJ").then(1.5).otherwise(1.0)
    bars = hook.bars(session, session).with_columns(pl.col("open", "high", "low", "close") * dearer)
    day = IngestDay(session, complete=True, expected=len(bars), received=len(bars), quarantined=0, suspended=0)
    hook.save_day(db.value("SELECT min(run_key) FROM ljwx.runs"), day, bars)
    tasks.run(compute_features, [{"first": AFTER, "last": LAST}])
    causes = db.rows(
        "SELECT DISTINCT p.cause, p.bar_session FROM ljwx.sample_supersessions p "
        "JOIN ljwx.samples s ON s.sample_id = p.old_sample_id WHERE s.ts_code = '830001.BJ' AND p.dataset_id = %s",
        tasks.run(build_dataset),
    )  # fmt: skip
    assert {"cause": "bar", "bar_session": session} in causes


def samples(db: Database, dataset_id: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Everything about each sample but its code and name, by the code that the plain market has."""
    rows = db.rows(
        "SELECT s.ts_code, session, task, label, label_end, bars_from, snapshot, split, previous_label "
        "FROM ljwx.samples s JOIN ljwx.dataset_samples d USING (sample_id) WHERE dataset_id = %s", dataset_id,
    )  # fmt: skip
    found = {}
    for row in rows:
        code = row.pop("ts_code")
        assert row["snapshot"].pop("ts_code") == code
        assert row["snapshot"].pop("name")
        found[PLAIN.get(code, code), row["session"], row["task"]] = row
    return found


def test_a_code_that_is_renamed_ends_after_its_last_bar_as_a_revision_and_was_listed_as_far_as_was_known(
    running: Database, servers: dict[str, TushareServer], tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = WarehouseHook()
    then = hook.moment()
    known = as_known(hook, then)
    use(servers["new"], monkeypatch)
    tasks.run(compute_features, ingest(tasks, BEFORE, AFTER))
    history = running.rows("SELECT revision, delist_date, end_reason FROM ljwx.instruments WHERE ts_code = '830001.BJ'")
    assert [tuple(row.values()) for row in history][:2] == [(1, None, None), (2, RENAMED_ON, "renamed")]
    assert hook.codes().newest == NEWEST
    assert hook.codes(then).newest == {}
    assert [before.equals(now) for before, now in zip(known, as_known(hook, then), strict=True)] == [True] * len(known)
    assert hook.instruments_as_of(hook.moment()).filter(ts_code="830001.BJ")["delist_date"].to_list() == [None]


def as_known(hook: WarehouseHook, moment: datetime) -> tuple[pl.DataFrame, ...]:
    """Everything that a dataset is made of, as it was known at a moment."""
    about = (hook.instruments_as_of(moment), hook.names_as_of(moment), hook.industries_as_of(moment))
    as_of = AsOf(moment)
    parts = list(parts_as_of(hook, as_of, sessions_as_of(hook, as_of)))
    return (pl.concat([part.bars for part in parts]), pl.concat([part.features for part in parts]), *about)


@pytest.fixture
def stuck(
    running: Database, servers: dict[str, TushareServer], tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> Database:
    """A warehouse that waits for the renamed codes since the day of the rename, as earlier versions did."""
    use(servers["new"], monkeypatch)
    ingest(tasks, AFTER, "2026-01-14")
    codes = list(NEWEST)
    running.execute("DELETE FROM ljwx.instruments WHERE end_reason IS NOT NULL")
    running.execute("UPDATE ljwx.instruments SET superseded_at = NULL WHERE ts_code = ANY (%s)", codes)
    running.execute(
        "UPDATE ljwx.ingest_days SET complete = false, expected = expected + 4, missing = %s WHERE session >= %s",
        codes, AFTER,
    )  # fmt: skip
    running.execute("DELETE FROM ljwx.complete_days WHERE session >= %s", AFTER)
    return running


def test_a_warehouse_that_waits_for_renamed_codes_heals_with_the_next_session(
    stuck: Database, plain: str, tasks: TaskRunner
) -> None:
    assert len(stuck.column(INCOMPLETE)) == 3
    (chunk,) = tasks.run(plan_ingest, partition_key="2026-01-15")
    assert stuck.column(INCOMPLETE) == []
    assert stuck.column("SELECT outputs -> 'sessions_completed' FROM ljwx.runs ORDER BY run_key DESC LIMIT 1") == [3]
    tasks.run(ingest_bars, chunk)
    tasks.run(compute_features, [chunk])
    assert f"{WarehouseHook().complete_sessions()[-1]}" == "2026-01-15"
    session = date(2026, 1, 15)
    ours, theirs = (rows.filter(session=session) for rows in (features_of(), features_of(plain)))
    assert_frame_equal(ours, theirs, rel_tol=1e-9, abs_tol=1e-9)


def test_planning_again_changes_nothing(
    running: Database, servers: dict[str, TushareServer], tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(servers["new"], monkeypatch)
    (chunk,) = ingest(tasks, AFTER, AFTER)
    before = running.state("instruments", "names", "bars", "ingest_days", "complete_days")
    assert ingest(tasks, AFTER, AFTER) == [chunk]
    after = running.state("instruments", "names", "bars", "ingest_days", "complete_days")
    assert {name for name in before if before[name] != after[name]} <= {"ingest_days"}


def test_a_bar_that_is_stored_under_an_old_code_is_withdrawn_when_the_source_has_it_under_the_new_one(
    running: Database, servers: dict[str, TushareServer], tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(servers["new"], monkeypatch)
    ingest(tasks, BEFORE, BEFORE)
    count = "SELECT count(*) FROM ljwx.current_bars WHERE session = %s AND ts_code = ANY (%s)"
    assert running.value(count, BEFORE, list(NEWEST)) == 0
    assert running.value(count, BEFORE, list(NEWEST.values())) == 4
    assert running.column(INCOMPLETE) == []
    assert WarehouseHook().bars(date(2026, 1, 8), date(2026, 1, 8)).filter(ts_code="830001.BJ").height == 1


def test_a_bar_under_an_old_code_stays_while_the_stock_is_merely_missing(
    running: Database, servers: dict[str, TushareServer], tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(servers["new"], monkeypatch)
    tasks.variables["ljwx_training_config"] = {"ingest": {"tolerance": 0.05}}
    rows = servers["new"].rows("daily", trade_date="20260109")
    (chunk,) = tasks.run(plan_ingest, partition_key=BEFORE)
    kept = [row for row in rows if row["ts_code"] != "920001.BJ"]
    data = {
        "fields": [*rows[0], "ah_vol", "ah_amount"],
        "items": [[*row.values(), None, None] for row in kept],
        "has_more": False,
    }
    body = json.dumps({"code": 0, "data": data, "msg": ""})
    servers["new"].faults(daily={"kind": "literal", "body": body, "count": 1})
    tasks.run(ingest_bars, chunk)
    assert running.value("SELECT missing FROM ljwx.ingest_days WHERE session = %s", BEFORE) == ["920001.BJ"]
    current = running.column(
        "SELECT ts_code FROM ljwx.current_bars WHERE session = %s AND ts_code LIKE '%%.BJ'", BEFORE
    )
    assert sorted(current) == ["830001.BJ", "920002.BJ"]


def test_a_list_that_comes_short_ends_no_stock_and_the_day_waits_for_those_it_lacks(
    running: Database,
    servers: dict[str, TushareServer],
    tasks: TaskRunner,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    use(servers["before"], monkeypatch)
    running.execute(FORGET)
    servers["before"].faults(stock_basic={"kind": "partial", "share": 0.5})
    (chunk,) = tasks.run(plan_ingest, partition_key=BEFORE)
    assert running.rows(ENDS) == []
    assert "too many to be believed, they stay listed and expected" in caplog.text
    assert running.column("SELECT query FROM ljwx.kept_answers WHERE query LIKE '%% stock_basic %%'") == []
    servers["before"].faults(daily={"kind": "partial", "share": 0.5})
    with pytest.raises(NotYetPublished):
        tasks.run(ingest_bars, chunk)


def test_a_stock_that_is_not_listed_any_more_ends_and_its_bars_are_kept_if_they_come_all_the_same(
    running: Database, servers: dict[str, TushareServer], tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows what became of it: it is no delisting, at which a holder is known to have sold."""
    use(servers["before"], monkeypatch)
    fields = "ts_code,symbol,name,area,industry,market,exchange,list_status,list_date,delist_date,is_hs"
    rows = [row for row in servers["before"].rows("stock_basic", fields=fields) if row["ts_code"] != "000003.SZ"]
    data = {"fields": fields.split(","), "items": [list(row.values()) for row in rows], "has_more": False}
    body = json.dumps({"code": 0, "data": data, "msg": ""})
    running.execute(FORGET)
    servers["before"].faults(stock_basic={"kind": "literal", "body": body})
    (chunk,) = tasks.run(plan_ingest, partition_key="2026-01-08")
    assert running.rows(ENDS) == [
        {"ts_code": "000003.SZ", "delist_date": RENAMED_ON, "end_reason": "gone", "renamed_to": None}
    ]
    hook = WarehouseHook()
    assert hook.instruments_as_of(hook.moment()).filter(ts_code="000003.SZ")["delist_date"].to_list() == [None]
    running.execute("DELETE FROM ljwx.bars WHERE ts_code = '000003.SZ' AND session >= '2026-01-07'")
    tasks.run(plan_ingest, partition_key="2026-01-08")
    assert [f"{row['delist_date']}" for row in running.rows(ENDS)] == ["2026-01-07"]
    tasks.run(ingest_bars, chunk)
    assert running.column("SELECT reasons FROM ljwx.quarantine") == []
    assert running.column(INCOMPLETE) == []
    tasks.run(plan_ingest, partition_key="2026-01-08")
    assert [f"{row['delist_date']}" for row in running.rows(ENDS)] == ["2026-01-09"]
    servers["before"].faults()
    running.execute(FORGET)
    tasks.run(plan_ingest, partition_key="2026-01-08")
    assert running.rows(ENDS) == []


@pytest.mark.parametrize("history", ["new", "old"])
def test_a_fresh_warehouse_takes_history_under_either_code_of_a_mapped_stock(
    warehouse_url: str,
    servers: dict[str, TushareServer],
    tasks: TaskRunner,
    monkeypatch: pytest.MonkeyPatch,
    history: str,
) -> None:
    """Of the others the source does not say what they were called before: only their new codes can be taken."""
    use(servers[history], monkeypatch)
    db = Database(warehouse_url)
    day = BEFORE if history == "new" else "2026-02-03"
    ingest(tasks, day, day)
    assert db.column(INCOMPLETE) == []
    if history == "old":
        with pytest.raises(NotYetPublished, match=r"missing 001872\.SZ, 001979\.SZ$"):
            ingest(tasks, BEFORE, BEFORE)
        assert sorted(db.column(BEIJING, BEFORE)) == ["430002.BJ", "830001.BJ"]


BATCHES = (("2026-01-07", BEFORE), (AFTER, "2026-01-13"), ("2026-01-30", "2026-01-30"), (SECOND, "2026-02-03"))


def test_old_codes_that_nothing_maps_are_found_by_their_price_and_their_sessions_become_whole(
    warehouse_url: str,
    plain: str,
    servers: dict[str, TushareServer],
    tasks: TaskRunner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """First fetched after both renames: of one in the run that sees it, of the other before the run that does."""
    use(servers["old"], monkeypatch)
    db, unmapped = Database(warehouse_url), {code: NEWEST[code] for code in ("000003.SZ", "000007.SZ")}
    assert [whole(tasks, *batch) for batch in BATCHES] == [False, False, False, True]
    links = "SELECT ts_code, renamed_to FROM ljwx.current_instruments WHERE ts_code = ANY (%s)"
    assert [row["ts_code"] for row in db.rows(links, list(unmapped))] == ["000003.SZ"]
    assert db.value("SELECT count(*) FROM ljwx.quarantine WHERE ts_code = ANY (%s)", list(unmapped)) > 0

    assert [whole(tasks, *batch) for batch in reversed(BATCHES)] == [True] * 4
    assert {row["ts_code"]: row["renamed_to"] for row in db.rows(links, list(unmapped))} == unmapped
    assert db.column(INCOMPLETE) == []
    assert_frame_equal(bars_of_batches(), bars_of_batches(plain), rel_tol=1e-9)
    tasks.run(plan_ingest, partition_key="2026-02-03")
    ended = "SELECT ts_code, delist_date FROM ljwx.current_instruments WHERE ts_code = ANY (%s) ORDER BY 1"
    assert [f"{row['delist_date']}" for row in db.rows(ended, list(unmapped))] == [AFTER, SECOND]
    assert {row["ts_code"]: row["renamed_to"] for row in db.rows(links, list(unmapped))} == unmapped

    gone = "UPDATE ljwx.instruments SET name = '旧名', end_reason = 'gone', renamed_to = NULL WHERE ts_code = %s"
    db.execute(f"{gone} AND superseded_at IS NULL", "000007.SZ")
    tasks.run(plan_ingest, partition_key=BATCHES[2][0])
    assert db.rows(links, ["000007.SZ"]) == [{"ts_code": "000007.SZ", "renamed_to": None}]
    assert whole(tasks, *BATCHES[2])
    assert {row["ts_code"]: row["renamed_to"] for row in db.rows(links, list(unmapped))} == unmapped


def whole(tasks: TaskRunner, first: str, last: str) -> bool:
    try:
        ingest(tasks, first, last)
    except NotYetPublished:
        return False
    return True


def bars_of_batches(url: str | None = None) -> pl.DataFrame:
    """The sessions' bars, under the codes of the market without renames."""
    with pytest.MonkeyPatch.context() as patch:
        if url is not None:
            connect(patch, url)
        parts = [WarehouseHook().bars(date.fromisoformat(a), date.fromisoformat(b)) for a, b in BATCHES]
    rows = pl.concat(parts).with_columns(pl.col("ts_code").replace(PLAIN))
    return rows.drop("flags").sort("ts_code", "session")


@pytest.mark.parametrize("what", ["price", "factor", "hole"])
def test_a_code_is_not_taken_for_the_old_one_of_another_while_anything_speaks_against_it(
    warehouse_url: str, servers: dict[str, TushareServer], tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    use(servers["old"], monkeypatch)
    db = Database(warehouse_url)
    whole(tasks, BEFORE, BEFORE)
    whole(tasks, AFTER if what != "hole" else "2026-01-13", "2026-01-13")
    assert db.value("SELECT count(*) FROM ljwx.current_instruments WHERE ts_code = '000003.SZ'") == (what != "hole")
    db.execute("DELETE FROM ljwx.instruments WHERE ts_code = '000003.SZ'")
    column = {"price": "pre_close", "factor": "adj_factor"}.get(what)
    if column is not None:
        db.execute(f"UPDATE ljwx.bars SET {column} = {column} * 1.01 WHERE ts_code = '001872.SZ'")
    assert not whole(tasks, BEFORE, BEFORE)
    assert db.value("SELECT count(*) FROM ljwx.current_instruments WHERE ts_code = '000003.SZ'") == 0


def test_without_permission_for_the_mapping_names_and_listing_days_say_what_became_of_codes(
    running: Database,
    servers: dict[str, TushareServer],
    tasks: TaskRunner,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    use(servers["new"], monkeypatch)
    servers["new"].faults(bse_mapping={"kind": "server_error"})
    impatient = {**(TushareClient.__init__.__kwdefaults__ or {}), "retry_budget": 0.0}
    monkeypatch.setattr(TushareClient.__init__, "__kwdefaults__", impatient)
    ingest(tasks, AFTER, AFTER)
    assert "no mapping of renamed codes for now" in caplog.text
    assert {row["ts_code"]: row["renamed_to"] for row in running.rows(ENDS)} == NEWEST
    assert running.column(INCOMPLETE) == []


def test_on_a_token_of_daily_alone_a_new_code_takes_the_place_of_the_one_whose_close_it_goes_on_from(
    warehouse_url: str, servers: dict[str, TushareServer], tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers["old"].faults()
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", servers["old"].connection(token="sandbox-120"))
    ingest(tasks, BEFORE, AFTER)
    days = Database(warehouse_url).rows("SELECT complete, expected - received AS lacking FROM ljwx.ingest_days")
    assert days == [{"complete": True, "lacking": 0}] * 2
