"""The ingest on tokens that TuShare answers a few times an hour: what is asked, what is kept, what is filled in."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta, timezone
from itertools import count
from threading import Barrier
from typing import Any

import pytest
from airflow.sdk import Connection

from ljwx.exceptions import NotYetPublished, RateLimited
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.ingesting.doubts import is_worth_a_call
from ljwx.sources.tushare.client import TushareClient
from ljwx.sources.tushare.endpoint import read_endpoint
from ljwx.sources.tushare.interfaces import NAMES, STOCKS
from ljwx.stages.ingest.announcing import announce_bars
from ljwx.stages.ingest.bars import ingest_bars
from ljwx.stages.ingest.features import compute_features
from ljwx.stages.ingest.plan import plan_ingest
from ljwx.warehouse.market.sources import WarehouseKeeper
from ljwx_sandbox.tushare.limits import SANDBOX_TOKENS
from support_chain import FIRST, LAST, SMALL, Database, ingest, to_decision, to_questions
from support_ollama import OllamaServer
from support_tasks import TaskRunner
from support_tushare import REPOSITORY, StartMarket, TushareServer

MARKET = (
    "--stocks", "40", "--seed", "9", "--effect", "0.3", "--origin", "2025-01-01", "--to", "2026-11-20",
    "--sessions", str(REPOSITORY / "include" / "sessions" / "sse.txt"),
)  # fmt: skip
"""One of its stocks was delisted, as some are in every real market: one query tells all list states."""
SELDOM = {"per_hour": 1, "per_day": 5}
REFERENCE = {"stock_basic", "trade_cal"}
TIERS: dict[str, dict[str, Any]] = {
    "small": {"apis": ["daily", *REFERENCE], "rare": dict.fromkeys(REFERENCE, SELDOM)},
    "factors": {"rare": {"adj_factor": SELDOM}},
    "two_factors": {"rare": {"adj_factor": {"per_hour": 2}}},
    "halts": {"rare": {"suspend_d": SELDOM}},
    "bars": {"rare": {"daily": {"per_day": 1}}},
    "paid": {},
}
REFUSED = ["adj_factor", "namechange", "stk_limit", "suspend_d"]
"""What the small token has no access to at all."""
MONDAY, TUESDAY, WEDNESDAY = "2026-03-02", "2026-03-03", "2026-03-04"
DAYS = "SELECT session::text, complete, absent, deferred FROM ljwx.ingest_days ORDER BY session"


class Market:
    """The server, with as many tokens of each tier as are asked for: a new one has its hour before it."""

    def __init__(self, server: TushareServer, patch: pytest.MonkeyPatch, numbers: Iterator[int]) -> None:
        self.server = server
        self.token = ""
        self._patch = patch
        self._numbers = numbers

    def an_hour_later(self, tier: str = "small") -> None:
        """Let limits have room again."""
        self.token = f"{tier}-{next(self._numbers)}"
        self._patch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", self.server.connection(token=self.token))

    def use_up(self, *apis: str) -> None:
        """Let somebody else ask with this hour's token."""
        for api in apis:
            assert self.server.post(api, token=self.token, limit=1, trade_date="20260105")["code"] == 0

    def calls(self, *apis: str) -> list[int]:
        made = self.server.stats()["calls"]
        return [made.get(api, 0) for api in apis]


@pytest.fixture(scope="module")
def process(start_market: StartMarket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TushareServer]:
    path = tmp_path_factory.mktemp("rare") / "tokens.json"
    path.write_text(json.dumps({f"{tier}-{n}": given for tier, given in TIERS.items() for n in range(99)}))
    with start_market(*MARKET, "--token-file", str(path)) as server:
        yield server


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    return count()


@pytest.fixture
def market(process: TushareServer, numbers: Iterator[int], monkeypatch: pytest.MonkeyPatch) -> Iterator[Market]:
    """A small token that has asked nothing yet."""
    process.faults()
    made = Market(process, monkeypatch, numbers)
    made.an_hour_later()
    yield made
    process.faults()


def day(session: str, *absent: str, deferred: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"session": session, "complete": True, "absent": list(absent), "deferred": list(deferred)}


def scheduled(tasks: TaskRunner, session: str) -> list[str]:
    """Let the clock start the run of a session, and return what it announces."""
    run = {"partition_key": session, "run_type": "scheduled", "run_id": f"scheduled__{session}"}
    chunks = tasks.run(plan_ingest, **run)
    for chunk in chunks:
        tasks.run(ingest_bars, chunk, **run)
    tasks.run(compute_features, chunks, **run)
    tasks.outlets.clear()
    tasks.run(announce_bars, chunks, **run)
    (event,) = tasks.outlets.values()
    return list(event.partitions)


def test_the_small_tier_here_is_the_one_of_the_sandbox() -> None:
    tier = SANDBOX_TOKENS["sandbox-rare"]
    assert sorted(tier.apis or ()) == sorted(TIERS["small"]["apis"])
    assert {api: vars(limits) for api, limits in tier.rare.items()} == TIERS["small"]["rare"]


def test_a_small_token_has_what_daily_has_and_the_list_of_stocks_by_one_question(
    db: Database, market: Market, tasks: TaskRunner
) -> None:
    before = market.calls("stock_basic", "trade_cal")
    (chunk,) = ingest(tasks, MONDAY, WEDNESDAY)
    assert chunk == {"first": MONDAY, "last": WEDNESDAY, "absent": "namechange"}
    assert market.calls("stock_basic", "trade_cal") == [made + 1 for made in before]
    assert db.rows(DAYS) == [day(session, *REFUSED) for session in (MONDAY, TUESDAY, WEDNESDAY)]
    stocks = db.column("SELECT DISTINCT list_status FROM ljwx.current_instruments WHERE list_date IS NOT NULL")
    assert sorted(stocks) == ["D", "L"]


def test_a_suspended_stock_keeps_no_day_incomplete_where_suspensions_are_not_told(
    db: Database, market: Market, tasks: TaskRunner
) -> None:
    halts = market.server.rows("suspend_d", token="paid-0", suspend_type="S", start_date="20250901")
    code, session = next((row["ts_code"], date.fromisoformat(row["trade_date"])) for row in halts)
    ingest(tasks, f"{session}", f"{session}")
    assert db.rows("SELECT complete, suspended, missing FROM ljwx.ingest_days") == [
        {"complete": True, "suspended": 0, "missing": [code]}
    ]


def test_a_retry_and_the_runs_of_a_backfill_ask_for_no_reference_data_again(
    db: Database, market: Market, tasks: TaskRunner
) -> None:
    first = tasks.run(plan_ingest, partition_key=MONDAY, run_type="backfill")
    asked = market.calls("stock_basic", "trade_cal")
    assert tasks.run(plan_ingest, partition_key=MONDAY, run_type="backfill", again=True) == first
    for session in (TUESDAY, WEDNESDAY):
        (chunk,) = tasks.run(plan_ingest, partition_key=session, run_type="backfill")
        assert chunk == {"first": session, "last": session, "absent": "namechange"}
    assert market.calls("stock_basic", "trade_cal") == asked


def test_on_a_large_tier_names_are_asked_for_once_too(db: Database, market: Market, tasks: TaskRunner) -> None:
    market.an_hour_later("paid")
    tasks.run(plan_ingest, partition_key=MONDAY)
    asked, names = market.calls("stock_basic", "trade_cal", "namechange"), db.state("names")
    tasks.run(plan_ingest, partition_key=TUESDAY)
    assert market.calls("stock_basic", "trade_cal", "namechange") == asked
    assert db.state("names") == names


def test_after_the_next_close_they_are_asked_for_again(db: Database, market: Market, tasks: TaskRunner) -> None:
    tasks.run(plan_ingest, partition_key=MONDAY)
    asked = market.calls("stock_basic", "trade_cal")
    db.execute("UPDATE ljwx.kept_answers SET asked_at = asked_at - interval '1 day'")
    market.an_hour_later()
    tasks.run(plan_ingest, partition_key=TUESDAY)
    assert market.calls("stock_basic", "trade_cal") == [made + 1 for made in asked]


def test_a_limit_of_an_hour_makes_an_interface_absent_for_now_and_a_later_scheduled_run_fills_it_in(
    db: Database, market: Market, tasks: TaskRunner, caplog: pytest.LogCaptureFixture
) -> None:
    market.use_up(*REFERENCE)
    with caplog.at_level(logging.WARNING):
        (chunk,) = ingest(tasks, MONDAY, MONDAY)
    assert chunk == {
        "first": MONDAY, "last": MONDAY, "absent": "namechange,stock_basic,trade_cal",
        "deferred": "stock_basic,trade_cal",
    }  # fmt: skip
    assert any("going on without stock_basic for now, a later run fills it in" in text for text in caplog.messages)
    lacking = [*REFUSED, "stock_basic", "trade_cal"]
    assert db.rows(DAYS) == [day(MONDAY, *sorted(lacking), deferred=("stock_basic", "trade_cal"))]
    assert db.column("SELECT DISTINCT list_date FROM ljwx.current_instruments") == [None]

    assert scheduled(tasks, TUESDAY) == [TUESDAY], "there is no room for it yet"
    market.an_hour_later()
    assert scheduled(tasks, WEDNESDAY) == [MONDAY, TUESDAY, WEDNESDAY]
    assert db.rows(DAYS) == [day(session, *REFUSED) for session in (MONDAY, TUESDAY, WEDNESDAY)]
    assert db.value("SELECT count(*) FROM ljwx.current_instruments WHERE list_date IS NULL") == 0
    assert scheduled(tasks, "2026-03-05") == ["2026-03-05"], "nothing is left to be filled in"


def test_what_is_refused_is_not_waited_for(db: Database, market: Market, tasks: TaskRunner) -> None:
    ingest(tasks, MONDAY, MONDAY)
    assert scheduled(tasks, TUESDAY) == [TUESDAY]


def test_a_complete_session_that_has_the_list_is_left_alone_while_there_is_no_room_for_it(
    db: Database, market: Market, tasks: TaskRunner
) -> None:
    ingest(tasks, MONDAY, MONDAY)
    kept = db.state("bars", "ingest_days", "instruments")
    db.execute("DELETE FROM ljwx.kept_answers")
    (chunk,) = tasks.run(plan_ingest, partition_key=MONDAY)
    assert chunk["deferred"] == "stock_basic,trade_cal"
    assert tasks.run(ingest_bars, chunk)["sessions"] == 0
    assert db.state("bars", "ingest_days", "instruments") == kept


def test_a_complete_session_gains_the_list_although_there_is_no_room_for_the_calendar(
    db: Database, market: Market, tasks: TaskRunner
) -> None:
    market.use_up("stock_basic")
    ingest(tasks, MONDAY, MONDAY)
    db.execute("DELETE FROM ljwx.kept_answers")
    market.an_hour_later()
    market.use_up("trade_cal")
    (chunk,) = tasks.run(plan_ingest, partition_key=MONDAY)
    assert chunk["deferred"] == "trade_cal"
    assert tasks.run(ingest_bars, chunk)["sessions"] == 1
    assert "stock_basic" not in db.rows(DAYS)[0]["absent"]


def test_a_server_that_takes_one_list_state_at_a_time_is_asked_for_one_an_hour_and_what_came_is_kept(
    db: Database, market: Market, tasks: TaskRunner
) -> None:
    fields = list(STOCKS)
    rows = market.server.rows("stock_basic", token="paid-0", fields=",".join(fields), list_status="L")
    data = {"fields": fields, "items": [list(row.values()) for row in rows], "has_more": False}
    only_listed = {"kind": "literal", "body": json.dumps({"code": 0, "data": data, "msg": ""}), "count": 1}
    market.server.faults(stock_basic=only_listed)
    lacking = []
    for _ in range(4):
        (chunk,) = tasks.run(plan_ingest, partition_key=MONDAY)
        lacking.append(chunk.get("deferred"))
        market.an_hour_later()
    assert lacking == ["stock_basic", "stock_basic", "stock_basic", None]
    states = db.column("SELECT DISTINCT list_status FROM ljwx.current_instruments ORDER BY 1")
    assert states == ["D", "L"]


def test_a_list_longer_than_a_page_comes_page_by_page_and_hour_by_hour(
    db: Database, market: Market, tasks: TaskRunner
) -> None:
    rows = market.server.rows("stock_basic", token="paid-0", fields=",".join(STOCKS), list_status="L,D")
    codes = sorted(str(row["ts_code"]) for row in rows)
    for part, more in ((rows[:30], True), (rows[30:], False)):
        data = {"fields": list(STOCKS), "items": [list(row.values()) for row in part], "has_more": more}
        page = {"kind": "literal", "body": json.dumps({"code": 0, "data": data, "msg": ""}), "count": 1}
        market.server.faults(stock_basic=page)
        (chunk,) = tasks.run(plan_ingest, partition_key=MONDAY)
        assert chunk.get("deferred") == ("stock_basic" if more else None)
        assert db.column("SELECT ts_code FROM ljwx.current_instruments ORDER BY 1") == ([] if more else codes)
        market.an_hour_later()


def test_a_list_that_needs_two_calls_is_whole_after_two_scheduled_days(
    db: Database, market: Market, tasks: TaskRunner
) -> None:
    rows = market.server.rows("stock_basic", token="paid-0", fields=",".join(STOCKS), list_status="L,D")
    for session, part, more in ((MONDAY, rows[:30], True), (TUESDAY, rows[30:], False)):
        data = {"fields": list(STOCKS), "items": [list(row.values()) for row in part], "has_more": more}
        page = {"kind": "literal", "body": json.dumps({"code": 0, "data": data, "msg": ""}), "count": 1}
        market.server.faults(stock_basic=page)
        (chunk,) = tasks.run(plan_ingest, partition_key=session, run_type="scheduled")
        market.an_hour_later()
        db.execute("UPDATE ljwx.kept_answers SET asked_at = asked_at - interval '1 day' WHERE %s", more)
    assert "deferred" not in chunk
    assert db.value("SELECT count(*) FROM ljwx.current_instruments") == len(rows)
    asked = market.calls("stock_basic")
    tasks.run(plan_ingest, partition_key=TUESDAY)
    assert market.calls("stock_basic") == asked, "the first page too is good for a day from then on"
    db.execute("UPDATE ljwx.kept_answers SET asked_at = asked_at - interval '1 day'")
    tasks.run(plan_ingest, partition_key=WEDNESDAY)
    assert market.calls("stock_basic") == [asked[0] + 1]


def test_two_workers_that_miss_an_answer_at_once_ask_for_it_once(db: Database, market: Market) -> None:
    both_looked, connection = Barrier(2), Connection.from_json(market.server.connection(token="paid-0"))

    class Keeper(WarehouseKeeper):
        first = True

        def kept(self, query: str) -> str | None:
            found = super().kept(query)
            if self.first:
                self.first = False
                both_looked.wait(30)
            return found

    def names() -> int:
        client = TushareClient(read_endpoint(connection))
        client.keeper = Keeper(WarehouseHook())
        return len(client.namechange().rows)

    asked = market.calls("namechange")
    with ThreadPoolExecutor(2) as workers:
        first, second = (worker.result() for worker in [workers.submit(names), workers.submit(names)])
    assert first == second > 0
    assert market.calls("namechange") == [asked[0] + 1]


def test_a_broken_answer_is_not_kept(db: Database, market: Market, tasks: TaskRunner) -> None:
    market.an_hour_later("paid")
    market.server.faults(stock_basic={"kind": "wrong_types", "column": "list_date", "share": 0.5, "count": 1})
    tasks.run(plan_ingest, partition_key=MONDAY)
    assert db.value("SELECT count(*) FROM ljwx.quarantine") > 0
    asked = market.calls("stock_basic", "trade_cal")
    tasks.run(plan_ingest, partition_key=MONDAY)
    assert market.calls("stock_basic", "trade_cal") == [asked[0] + 1, asked[1]]


def without(market: Market, codes: list[str]) -> None:
    """Let the list of stocks lack some."""
    fields = list(STOCKS)
    rows = market.server.rows("stock_basic", token="paid-0", fields=",".join(fields), list_status="L,D,P")
    items = [list(row.values()) for row in rows if row["ts_code"] not in codes]
    body = json.dumps({"code": 0, "data": {"fields": fields, "items": items, "has_more": False}, "msg": ""})
    market.server.faults(stock_basic={"kind": "literal", "body": body})


def test_a_list_that_is_doubted_is_asked_for_again_once_until_the_next_close(
    db: Database, market: Market, tasks: TaskRunner
) -> None:
    market.an_hour_later("paid")
    tasks.run(plan_ingest, partition_key=MONDAY)
    without(market, db.column("SELECT ts_code FROM ljwx.current_instruments WHERE list_status = 'L' LIMIT 8"))
    db.execute("TRUNCATE ljwx.kept_answers")
    asked = []
    for _ in range(3):
        before = market.calls("stock_basic")[0]
        tasks.run(plan_ingest, partition_key=TUESDAY)
        asked.append(market.calls("stock_basic")[0] - before)
    assert asked == [1, 1, 0]
    doubted = db.column("SELECT outputs -> 'codes_doubted' FROM ljwx.runs WHERE outputs ? 'codes_doubted'")
    assert set(doubted) == {8}


A_DAY_LATER = (
    "UPDATE ljwx.kept_answers SET asked_at = asked_at - interval '1 day'",
    "UPDATE ljwx.runs SET started_at = started_at - interval '1 day', finished_at = finished_at - interval '1 day'",
)


@pytest.mark.parametrize("about", ["stock_basic", "namechange"])
def test_a_doubt_that_lasts_costs_a_second_call_ever_more_seldom_until_an_answer_settles_it(
    db: Database, market: Market, tasks: TaskRunner, about: str
) -> None:
    def settle() -> None:
        name_one(market, times=8)

    def calls_of_a_day() -> int:
        for query in A_DAY_LATER:
            db.execute(query)
        before = market.calls(about)[0]
        for _ in range(2):
            tasks.run(plan_ingest, partition_key=TUESDAY)
        return market.calls(about)[0] - before

    market.an_hour_later("paid")
    settle()
    tasks.run(plan_ingest, partition_key=MONDAY)
    listed = db.column("SELECT ts_code FROM ljwx.current_instruments WHERE list_status = 'L' LIMIT 8")
    doubt = {"stock_basic": lambda: without(market, listed), "namechange": lambda: name_one(market, times=1)}[about]
    doubt()
    assert [calls_of_a_day() for _ in range(4)] == [2, 2, 1, 2]
    settle()
    assert calls_of_a_day() == 1
    doubt()
    assert calls_of_a_day() == 2


def name_one(market: Market, times: int) -> None:
    """Let a stock have been called otherwise so often, and the source have all that it lists."""
    market.server.faults()
    rows = market.server.rows("namechange", token="paid-0", fields=",".join(NAMES))
    named = {**rows[0], "end_date": None, "ann_date": None}
    more = [{**named, "name": f"名{at}", "start_date": f"2020010{at}"} for at in range(1, times + 1)]
    items = [list(row.values()) for row in (*rows, *more)]
    body = json.dumps({"code": 0, "data": {"fields": list(rows[0]), "items": items, "has_more": False}, "msg": ""})
    market.server.faults(namechange={"kind": "literal", "body": body})


@pytest.mark.parametrize(
    ("days_ago", "worth_it"),
    [
        ([], True),
        ([0], False),
        ([1], True),
        ([2, 1], False),
        ([3, 2, 1], True),
        ([3, 3, 2, 2, 1, 0], False),
        (range(1, 7), False),
        (range(1, 8), True),
        (range(1, 250), False),
        (range(1, 256), True),
    ],
)
def test_a_doubt_costs_a_call_on_its_first_second_fourth_eighth_day_and_so_on(
    days_ago: Iterable[int], worth_it: bool
) -> None:
    now = datetime(2026, 3, 3, 10, tzinfo=timezone.utc)
    assert is_worth_a_call([now - timedelta(days=each, hours=1) for each in days_ago], now) is worth_it


def test_codes_that_the_list_lacks_end_after_five_sessions_without_a_bar_and_those_sessions_are_whole(
    db: Database, market: Market, tasks: TaskRunner
) -> None:
    market.an_hour_later("paid")
    ingest(tasks, MONDAY, "2026-03-06")
    codes = db.column("SELECT ts_code FROM ljwx.bars WHERE session = %s ORDER BY 1 LIMIT 8", MONDAY)
    db.execute("DELETE FROM ljwx.bars WHERE ts_code = ANY (%s)", codes)
    db.execute("UPDATE ljwx.ingest_days SET complete = false, received = received - 8, missing = %s", codes)
    db.execute("DELETE FROM ljwx.complete_days")
    without(market, codes)
    db.execute("TRUNCATE ljwx.kept_answers")
    db.execute("UPDATE ljwx.ingest_days SET missing = '{}' WHERE session = %s", MONDAY)
    tasks.run(plan_ingest, partition_key="2026-03-09")
    gone = "SELECT ts_code FROM ljwx.current_instruments WHERE end_reason = 'gone' ORDER BY 1"
    assert db.column(gone) == []
    db.execute("UPDATE ljwx.ingest_days SET missing = %s WHERE session = %s", codes, MONDAY)
    tasks.run(plan_ingest, partition_key="2026-03-09")
    assert db.column(gone) == codes
    assert db.column("SELECT session FROM ljwx.ingest_days WHERE NOT complete") == []


def test_no_token_is_kept_with_an_answer(db: Database, market: Market, tasks: TaskRunner) -> None:
    tasks.run(plan_ingest, partition_key=MONDAY)
    kept = db.column("SELECT query || answer FROM ljwx.kept_answers")
    assert kept
    assert not any(market.token in text for text in kept)


def test_a_session_needs_one_call_for_its_factors(db: Database, market: Market, tasks: TaskRunner) -> None:
    """The factors of the session before serve a rule that only flags: they are taken where they are, or left out."""
    market.an_hour_later("factors")
    assert scheduled(tasks, MONDAY) == [MONDAY]
    assert db.rows(DAYS) == [day(MONDAY)]
    assert db.value("SELECT count(*) FROM ljwx.current_bars WHERE adj_factor IS NULL") == 0
    market.an_hour_later("factors")
    before = market.calls("adj_factor")
    assert scheduled(tasks, TUESDAY) == [TUESDAY]
    assert market.calls("adj_factor") == [before[0] + 1], "those of the session before are stored"
    assert db.rows(DAYS) == [day(MONDAY), day(TUESDAY)]


def test_sessions_beyond_a_limit_go_on_without_factors_and_get_them_later(
    db: Database, market: Market, tasks: TaskRunner
) -> None:
    market.an_hour_later("factors")
    ingest(tasks, MONDAY, WEDNESDAY)
    without = ("adj_factor",)
    assert db.rows(DAYS) == [day(MONDAY), *(day(each, *without, deferred=without) for each in (TUESDAY, WEDNESDAY))]
    bare = "SELECT DISTINCT session::text FROM ljwx.current_bars WHERE adj_factor IS NULL ORDER BY 1"
    assert db.column(bare) == [TUESDAY, WEDNESDAY]
    assert WarehouseHook().bars(date(2026, 3, 2), date(2026, 3, 4))["adj_factor"].null_count() == 0, "chained"
    market.an_hour_later("paid")
    assert scheduled(tasks, "2026-03-05") == [TUESDAY, WEDNESDAY, "2026-03-05"]
    assert db.column(bare) == []
    assert db.column("SELECT DISTINCT deferred FROM ljwx.ingest_days") == [[]]


def test_sessions_without_room_for_their_factors_cost_nothing_until_there_is_some(
    db: Database, market: Market, tasks: TaskRunner
) -> None:
    """The run's own session comes first; an earlier one is fetched and announced only where it gains something."""
    market.an_hour_later("factors")
    ingest(tasks, "2026-02-25", WEDNESDAY)
    lacking = "SELECT session::text FROM ljwx.ingest_days WHERE deferred <> '{}' ORDER BY 1"
    assert db.column(lacking) == ["2026-02-26", "2026-02-27", MONDAY, TUESDAY, WEDNESDAY]
    for session in ("2026-03-05", "2026-03-06"):
        market.an_hour_later("factors")
        before = market.calls("daily")
        assert scheduled(tasks, session) == [session]
        assert market.calls("daily") == [before[0] + 2], "its own, and the session before"
    assert len(db.column(lacking)) == 5
    market.an_hour_later("two_factors")
    assert scheduled(tasks, "2026-03-09") == [WEDNESDAY, "2026-03-09"], "the newest first"
    market.an_hour_later("paid")
    assert scheduled(tasks, "2026-03-10") == ["2026-02-26", "2026-02-27", MONDAY, TUESDAY, "2026-03-10"]
    assert db.column(lacking) == []


def test_what_a_run_fetched_of_the_session_before_fills_it_in(db: Database, market: Market, tasks: TaskRunner) -> None:
    market.an_hour_later("factors")
    ingest(tasks, MONDAY, TUESDAY)
    market.an_hour_later("two_factors")
    before = market.calls("adj_factor")
    assert scheduled(tasks, WEDNESDAY) == [TUESDAY, WEDNESDAY]
    assert market.calls("adj_factor") == [before[0] + 2]


def test_a_retry_keeps_the_factors_that_came_before_their_limit_was_used_up(
    db: Database, market: Market, tasks: TaskRunner
) -> None:
    market.an_hour_later("factors")
    (chunk,) = tasks.run(plan_ingest, partition_key=MONDAY)
    market.server.faults(daily={"kind": "partial", "share": 0.5, "count": 1})
    with pytest.raises(NotYetPublished):
        tasks.run(ingest_bars, chunk)
    factored = "SELECT ts_code, adj_factor, revision FROM ljwx.current_bars WHERE adj_factor IS NOT NULL ORDER BY 1"
    came = db.rows(factored)
    assert came
    tasks.run(ingest_bars, chunk, again=True)
    assert db.rows(factored) == came
    assert db.rows(DAYS) == [day(MONDAY, "adj_factor", deferred=("adj_factor",))]
    assert db.value("SELECT count(*) FROM ljwx.current_bars") > len(came)


def test_a_retry_keeps_the_suspensions_that_came_before_their_limit_was_used_up(
    db: Database, market: Market, tasks: TaskRunner
) -> None:
    session = market.server.rows("suspend_d", token="paid-0", suspend_type="S", start_date="20250901")[0]["trade_date"]
    market.an_hour_later("halts")
    (chunk,) = tasks.run(plan_ingest, partition_key=f"{date.fromisoformat(session)}")
    market.server.faults(daily={"kind": "partial", "share": 0.5, "count": 1})
    with pytest.raises(NotYetPublished):
        tasks.run(ingest_bars, chunk)
    stored = db.state("suspensions")
    tasks.run(ingest_bars, chunk, again=True)
    counted = db.rows("SELECT complete, suspended, missing, absent, deferred FROM ljwx.ingest_days")
    without = {"absent": ["suspend_d"], "deferred": ["suspend_d"]}
    assert counted == [{"complete": True, "suspended": 1, "missing": [], **without}]
    assert db.state("suspensions") == stored


def test_without_daily_there_is_no_session_and_its_limit_is_waited_for(
    db: Database, market: Market, tasks: TaskRunner
) -> None:
    market.an_hour_later("bars")
    market.use_up("daily")
    (chunk,) = tasks.run(plan_ingest, partition_key=MONDAY)
    with pytest.raises(RateLimited, match="1次/天") as caught:
        tasks.run(ingest_bars, chunk)
    assert caught.value.unit == "day"
    assert db.counts()["bars"] == 0


def test_a_limit_of_a_minute_is_waited_for_whatever_the_interface(
    db: Database, market: Market, tasks: TaskRunner
) -> None:
    market.server.faults(stock_basic={"kind": "old_rate_limit"})
    with pytest.raises(RateLimited) as caught:
        tasks.run(plan_ingest, partition_key=MONDAY)
    assert caught.value.unit == "minute"


def test_half_a_year_of_a_small_token_runs_to_a_decision(
    db: Database,
    market: Market,
    ollama_sandbox: OllamaServer,
    tasks: TaskRunner,
    data_folder: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", ollama_sandbox.connection)
    tasks.variables["ljwx_training_config"] = SMALL
    tasks.run(compute_features, ingest(tasks, FIRST, LAST))
    assert db.value("SELECT count(*) FROM ljwx.ingest_days WHERE NOT complete") == 0
    made = to_questions(tasks)
    assert db.column("SELECT dataset_id FROM ljwx.datasets") == [made["dataset_id"]]
    assert db.value("SELECT count(DISTINCT split) FROM ljwx.dataset_samples") == 3
    verdict = to_decision(tasks, made["built"]["model"], made["question_set_id"])
    assert db.column("SELECT verdict FROM ljwx.promotions") == [verdict]


def test_a_keeper_forgets_by_the_beginning_of_a_question(db: Database) -> None:
    keeper = WarehouseKeeper(WarehouseHook())
    for query in ("http://a/ stock_basic 1", "http://a/ stock_basic 2", "http://a/ trade_cal 1"):
        keeper.keep(query, query.upper())
    keeper.keep("http://a/ stock_basic 1", "anew")
    assert keeper.kept("http://a/ stock_basic 1") == "anew"
    keeper.forget("http://a/ stock_basic ")
    assert keeper.kept("http://a/ stock_basic 2") is None
    assert keeper.kept("http://a/ trade_cal 1") == "HTTP://A/ TRADE_CAL 1"
