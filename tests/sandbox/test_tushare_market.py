"""The simulated market obeys the exchanges' rules; judged on what the wire says, with decimal arithmetic."""

from __future__ import annotations

import itertools
from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from ljwx_sandbox.tushare.__main__ import main
from ljwx_sandbox.tushare.interfaces import cut_page
from ljwx_sandbox.tushare.market import SimulatedMarket
from ljwx_sandbox.tushare.sessions import SessionList
from ljwx_sandbox.tushare.simulated import SimulatedSource
from ljwx_sandbox.tushare.universe import MarketSpec
from ljwx_sandbox.tushare.wire import Query
from support_tushare import StartMarket, TushareServer, command, environment

ORIGIN = date(2025, 10, 1)
LAST = date(2026, 12, 31)
BUSY = MarketSpec(
    400, 11, 0.0, ORIGIN, ipo_rate=0.02, delist_rate=0.04, st_rate=0.06, ex_right_rate=2.0, suspend_rate=1.0
)
Row = dict[str, Any]


def _rows(source: SimulatedSource, api: str, columns: str, **given: str) -> list[Row]:
    query = Query(
        tuple(given.get("ts_code", "").split(",")) if "ts_code" in given else (),
        given.get("start_date", ""),
        given.get("end_date", "99991231"),
        given,
    )
    names = columns.split()
    rows, more = cut_page(source.blocks(api, query), names, 0, None)
    assert not more
    return [dict(zip(names, row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def busy() -> SimulatedSource:
    return SimulatedSource(SimulatedMarket(BUSY, SessionList()), last=LAST)


@pytest.fixture(scope="module")
def bars(busy: SimulatedSource) -> dict[str, dict[str, Row]]:
    """Bars joined with factor and limits: code, then day, oldest first."""
    found: dict[str, dict[str, Row]] = defaultdict(dict)
    columns = "ts_code trade_date open high low close pre_close change pct_chg vol amount"
    for row in reversed(_rows(busy, "daily", columns)):
        found[row["ts_code"]][row["trade_date"]] = row
    for api, names in (("adj_factor", "adj_factor"), ("stk_limit", "up_limit down_limit")):
        for row in _rows(busy, api, f"ts_code trade_date {names}"):
            found[row["ts_code"]].get(row["trade_date"], {}).update(row)
    return found


@pytest.fixture(scope="module")
def stocks(busy: SimulatedSource) -> dict[str, Row]:
    columns = "ts_code name market list_date delist_date list_status exchange"
    states = [_rows(busy, "stock_basic", columns, list_status=state) for state in ("L", "D")]
    return {row["ts_code"]: row for rows in states for row in rows}


def _all(bars: dict[str, dict[str, Row]]) -> list[Row]:
    return [row for days in bars.values() for row in days.values()]


def test_there_are_bars_enough_to_judge(bars: dict[str, dict[str, Row]]) -> None:
    assert len(_all(bars)) > 60_000


def test_high_and_low_bound_the_day_and_the_limits_bound_both(bars: dict[str, dict[str, Row]]) -> None:
    rows = _all(bars)
    assert all(row["low"] <= min(row["open"], row["close"]) for row in rows)
    assert all(row["high"] >= max(row["open"], row["close"]) for row in rows)
    limited = [row for row in rows if "up_limit" in row]
    assert all(row["down_limit"] <= row["low"] <= row["high"] <= row["up_limit"] for row in limited)
    assert any(row["close"] == row["up_limit"] for row in limited)
    assert any(row["close"] == row["down_limit"] for row in limited)


def _percent(stock: Row, day: str, is_st: bool) -> int:
    if stock["market"] == "主板":
        return 5 if is_st and day < "20260706" else 10
    return {"创业板": 20, "科创板": 20, "北交所": 30}[stock["market"]]


def test_limits_are_rounded_half_up_by_board_date_and_special_treatment(
    busy: SimulatedSource, bars: dict[str, dict[str, Row]], stocks: dict[str, Row]
) -> None:
    periods = [row for row in _rows(busy, "namechange", "ts_code name start_date end_date") if "ST" in row["name"]]
    treated: dict[str, tuple[str, str]] = {}
    for row in periods:
        if row["end_date"] or row["ts_code"] not in treated:
            treated[row["ts_code"]] = (row["start_date"], row["end_date"] or "99991231")
    seen = set()
    for code, days in bars.items():
        since, until = treated.get(code, ("99991231", "99991231"))
        for day, row in days.items():
            if "up_limit" not in row:
                continue
            is_st = since <= day <= until
            percent = _percent(stocks[code], day, is_st)
            seen.add((stocks[code]["market"], percent, is_st))
            pre = Decimal(str(row["pre_close"]))
            for name, part in (("up_limit", 100 + percent), ("down_limit", 100 - percent)):
                exact = (pre * part / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
                assert Decimal(str(row[name])) == exact, (code, day, name, row)
    assert {("主板", 5, True), ("主板", 10, True), ("主板", 10, False), ("北交所", 30, False)} <= seen
    assert {("创业板", 20, False), ("科创板", 20, False)} <= seen


def test_new_stocks_have_no_limit_for_five_sessions_and_on_bse_for_one(
    bars: dict[str, dict[str, Row]], stocks: dict[str, Row]
) -> None:
    boards = set()
    for code, days in bars.items():
        if stocks[code]["list_date"] < "20251002":
            continue
        rows = list(days.values())
        assert rows[0]["trade_date"] == stocks[code]["list_date"]
        assert rows[0]["adj_factor"] == 1.0
        free = 1 if stocks[code]["market"] == "北交所" else 5
        assert ["up_limit" in row for row in rows[: free + 1]] == ([False] * free + [True])[: len(rows)]
        boards.add(stocks[code]["market"])
    assert len(boards) >= 3


def test_reference_price_and_factor_move_together(bars: dict[str, dict[str, Row]]) -> None:
    events = 0
    for days in bars.values():
        rows = list(days.values())
        for before, row in itertools.pairwise(rows):
            left, right = row["pre_close"] * row["adj_factor"], before["close"] * before["adj_factor"]
            assert abs(left / right - 1) < 5e-4
            moved = row["adj_factor"] != before["adj_factor"]
            events += moved
            assert moved or row["pre_close"] == before["close"]
    assert events > 300


def test_change_and_percent_follow_from_the_prices(bars: dict[str, dict[str, Row]]) -> None:
    for row in _all(bars):
        change = Decimal(str(row["close"])) - Decimal(str(row["pre_close"]))
        assert Decimal(str(row["change"])) == change
        assert abs(row["pct_chg"] - float(change) / row["pre_close"] * 100) < 5.1e-5


def test_vwap_lies_between_low_and_high(bars: dict[str, dict[str, Row]]) -> None:
    for row in _all(bars):
        vwap = Decimal(str(row["amount"])) * 1000 / (Decimal(str(row["vol"])) * 100)
        assert Decimal(str(row["low"])) <= vwap <= Decimal(str(row["high"]))


def test_a_suspended_stock_has_a_factor_and_no_bar_until_it_resumes(
    busy: SimulatedSource, bars: dict[str, dict[str, Row]]
) -> None:
    factors = {(row["ts_code"], row["trade_date"]) for row in _rows(busy, "adj_factor", "ts_code trade_date")}
    rows = _rows(busy, "suspend_d", "ts_code trade_date suspend_timing suspend_type")
    for row in rows:
        code, day = row["ts_code"], row["trade_date"]
        assert (day in bars[code]) == (row["suspend_type"] == "R")
        assert (code, day) in factors
        assert row["suspend_timing"] is None
    only = _rows(busy, "suspend_d", "suspend_type", suspend_type="S")
    assert len(only) == sum(row["suspend_type"] == "S" for row in rows) > 500


def test_every_listed_stock_has_a_bar_or_a_suspension(
    busy: SimulatedSource, bars: dict[str, dict[str, Row]], stocks: dict[str, Row]
) -> None:
    halted = {
        (row["ts_code"], row["trade_date"]) for row in _rows(busy, "suspend_d", "ts_code trade_date", suspend_type="S")
    }
    for day in ("20251004", "20251006", "20260706", "20261231"):
        expected = {
            code
            for code, stock in stocks.items()
            if stock["list_date"] <= day < (stock["delist_date"] or "99999999") and (code, day) not in halted
        }
        have = {code for code, days in bars.items() if day in days}
        assert have == (set() if day == "20251004" else expected)


def test_delisted_stocks_end_before_their_date_and_hide_from_the_default(
    busy: SimulatedSource, bars: dict[str, dict[str, Row]], stocks: dict[str, Row]
) -> None:
    gone = {code: stock for code, stock in stocks.items() if stock["list_status"] == "D"}
    assert len(gone) > 5
    assert all(max(bars[code]) < stock["delist_date"] for code, stock in gone.items() if code in bars)
    assert not gone.keys() & {row["ts_code"] for row in _rows(busy, "stock_basic", "ts_code")}


def test_treated_stocks_change_their_name_and_come_twice(busy: SimulatedSource) -> None:
    rows = list(_rows(busy, "namechange", "ts_code name start_date end_date ann_date change_reason"))
    ended = [row for row in rows if "ST" in row["name"] and row["end_date"]]
    assert ended
    twins = {(row["ts_code"], row["start_date"]) for row in rows if "ST" in row["name"] and row["end_date"] is None}
    assert all((row["ts_code"], row["start_date"]) in twins for row in ended)
    some = ended[0]["ann_date"]
    chosen = _rows(busy, "namechange", "ann_date", start_date=some, end_date=some)
    assert {row["ann_date"] for row in chosen} == {some}


def test_after_hours_trades_are_told_apart_from_july_2026(busy: SimulatedSource) -> None:
    before = _rows(busy, "daily", "ah_vol", start_date="20260703", end_date="20260703")
    after = _rows(busy, "daily", "ts_code ah_vol ah_amount close", start_date="20260706", end_date="20260706")
    assert {row["ah_vol"] for row in before} == {None}
    told = [row for row in after if row["ah_vol"] is not None]
    assert {row["ts_code"][:3] for row in told} <= {"300", "301", "688"}
    assert all(abs(row["ah_amount"] - row["ah_vol"] * row["close"] / 10) < 1e-6 for row in told)
    assert told


def test_volatility_is_about_two_per_cent_with_fat_tails(bars: dict[str, dict[str, Row]]) -> None:
    moves = np.array([row["pct_chg"] for row in _all(bars) if "up_limit" in row])
    assert 1.5 < moves.std() < 2.8
    assert np.mean((moves / moves.std()) ** 4) > 4


def _closes(spec: MarketSpec, first: date | None = None, last: date = LAST, **query: str) -> list[tuple[object, ...]]:
    source = SimulatedSource(SimulatedMarket(spec, SessionList()), first, last)
    rows = _rows(source, "daily", "ts_code trade_date close amount", **query)
    return [tuple(row.values()) for row in rows]


def test_a_seed_gives_the_same_market_whatever_is_asked_first() -> None:
    spec = MarketSpec(40, 3, 0.1, ORIGIN)
    month = {"start_date": "20260302", "end_date": "20260331"}
    once = _closes(spec, **month)
    assert len(once) > 500
    assert _closes(spec, date(2026, 2, 1), date(2026, 4, 30), **month) == once
    source = SimulatedSource(SimulatedMarket(spec, SessionList()), last=LAST)
    _rows(source, "daily", "close", start_date="20251103", end_date="20251105")
    assert [tuple(row.values()) for row in _rows(source, "daily", "ts_code trade_date close amount", **month)] == once
    assert _closes(MarketSpec(40, 4, 0.1, ORIGIN), **month) != once


def _rank_correlation(effect: float) -> tuple[float, float]:
    """Mean rank correlation of past and next five sessions' returns over the stocks, and its standard error."""
    source = SimulatedSource(SimulatedMarket(MarketSpec(300, 5, effect, ORIGIN), SessionList()), last=date(2026, 9, 30))
    series: dict[str, list[float]] = defaultdict(list)
    for row in reversed(_rows(source, "daily", "ts_code pct_chg")):
        series[row["ts_code"]].append(float(np.log1p(row["pct_chg"] / 100)))
    longest = max(map(len, series.values()))
    moves = np.array([values for values in series.values() if len(values) == longest])
    ranks = []
    for at in range(10, longest - 5, 5):
        past, following = moves[:, at - 5 : at].sum(axis=1), moves[:, at : at + 5].sum(axis=1)
        ranks.append(np.corrcoef(past.argsort().argsort(), following.argsort().argsort())[0, 1])
    return float(np.mean(ranks)), float(np.std(ranks) / np.sqrt(len(ranks)))


def test_a_planted_effect_is_measurable_and_none_is_none() -> None:
    none, error = _rank_correlation(0.0)
    assert abs(none) < 3 * error
    planted, error = _rank_correlation(0.3)
    assert planted < -0.2
    assert planted < -10 * error


def _deviations(spec: MarketSpec) -> list[float]:
    """The standard deviation of each stock's daily log returns."""
    source = SimulatedSource(SimulatedMarket(spec, SessionList()), last=LAST)
    series: dict[str, list[float]] = defaultdict(list)
    for row in _rows(source, "daily", "ts_code pct_chg"):
        series[row["ts_code"]].append(float(np.log1p(row["pct_chg"] / 100)))
    return [float(np.std(values)) for values in series.values() if len(values) > 100]


def test_how_far_stocks_move_and_how_unlike_they_are_can_be_chosen() -> None:
    calm = np.log(_deviations(MarketSpec(200, 5, 0.0, ORIGIN)))
    wild = np.log(_deviations(MarketSpec(200, 5, 0.0, ORIGIN, volatility=0.03, volatility_spread=0.4)))
    assert np.median(wild) > np.median(calm) + 0.3
    assert wild.std() > 1.5 * calm.std()


@pytest.mark.parametrize(
    "given",
    [
        {"effect": 1.0}, {"effect": -0.1}, {"stocks": 0}, {"stocks": 8001}, {"volatility": 0.0}, {"volatility": 0.2},
        {"volatility_spread": -0.1}, {"volatility_spread": 1.1},
    ],
)  # fmt: skip
def test_a_market_that_cannot_be_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        MarketSpec(**given)


def test_the_session_list_decides_and_past_its_end_weekdays_do(tmp_path: Any, start_tushare: StartMarket) -> None:
    path = tmp_path / "sse.txt"
    path.write_text("# sessions\n2026-09-28\n2026-09-29\n2026-09-30\n2026-10-09\n", encoding="utf-8")
    with start_tushare("--stocks", "3", "--sessions", str(path), "--to", "2026-10-14") as server:
        days = {row["trade_date"] for row in server.rows("daily", start_date="20260901")}
        calendar = server.rows("trade_cal", start_date="20260929", end_date="20261012")
    listed = {"20260928", "20260929", "20260930", "20261009"}
    assert days == listed | {"20261012", "20261013", "20261014"}
    opened = [row["cal_date"] for row in calendar if row["is_open"] == 1]
    assert opened == ["20261012", "20261009", "20260930", "20260929"]
    before = {row["cal_date"]: row["pretrade_date"] for row in calendar}
    assert (before["20261009"], before["20261005"], before["20261012"]) == ("20260930", "20260930", "20261009")


def test_index_rows_chain_and_come_from_the_market(tushare_server: TushareServer) -> None:
    rows = tushare_server.rows("index_daily", ts_code="000001.SH", start_date="20240102", end_date="20240131")
    assert all(new["pre_close"] == old["close"] for new, old in itertools.pairwise(rows))
    assert all(row["low"] <= min(row["open"], row["close"]) for row in rows)
    amount = sum(
        row["amount"] for row in tushare_server.rows("daily", trade_date="20240131") if row["ts_code"][-2:] == "SH"
    )
    assert rows[0]["amount"] == pytest.approx(amount, rel=0.05)


@pytest.fixture(scope="module")
def lists(busy: SimulatedSource) -> dict[str, dict[str, float]]:
    """Day, then member and weight, oldest first."""
    found: dict[str, dict[str, float]] = {}
    rows = _rows(busy, "index_weight", "index_code con_code trade_date weight", index_code="000300.SH")
    for row in reversed(rows):
        assert row["index_code"] == "000300.SH"
        members = found.setdefault(row["trade_date"], {})
        assert row["con_code"] not in members
        members[row["con_code"]] = row["weight"]
    return found


def test_an_index_has_a_list_on_the_last_session_of_each_month(busy: SimulatedSource, lists: dict[str, Any]) -> None:
    sessions = sorted({row["trade_date"] for row in _rows(busy, "daily", "trade_date")})
    assert list(lists) == [day for day, next_day in itertools.pairwise([*sessions, "x"]) if day[:6] != next_day[:6]]
    for members in lists.values():
        assert sum(members.values()) == pytest.approx(100, abs=0.01)
        assert min(members.values()) > 0


def test_members_change_in_june_and_december_and_are_the_largest_third(
    busy: SimulatedSource, lists: dict[str, dict[str, float]], stocks: dict[str, Row]
) -> None:
    for before, after in itertools.pairwise(lists):
        joined, left = set(lists[after]) - set(lists[before]), set(lists[before]) - set(lists[after])
        if after[4:6] in ("06", "12"):
            assert (joined, left) != (set(), set())
            assert joined
        else:
            assert not joined
            assert all(before < stocks[code]["delist_date"] <= after for code in left)
    value = {
        row["ts_code"]: row["total_mv"]
        for row in _rows(busy, "daily_basic", "ts_code total_mv", start_date="20260529", end_date="20260529")
    }
    members = set(lists["20260630"])
    largest = sorted(value, key=value.__getitem__, reverse=True)[: len(members)]
    # Who is suspended that day, or delisted before the list, is not in both.
    assert len(members & set(largest)) > 0.95 * len(members)
    assert len(members) == pytest.approx(len(value) / 3, rel=0.05)


def test_no_list_has_who_is_not_listed_then_and_the_delisted_stay_in_the_past(
    lists: dict[str, dict[str, float]], stocks: dict[str, Row]
) -> None:
    for day, members in lists.items():
        assert all(stocks[code]["list_date"] <= day < (stocks[code]["delist_date"] or "9") for code in members)
    assert {code for members in lists.values() for code in members if stocks[code]["list_status"] == "D"}


def test_a_list_is_chosen_by_dates_and_there_is_none_of_the_month_that_is_not_over(
    tushare_server: TushareServer,
) -> None:
    asked = {"index_code": "000300.SH", "start_date": "20240430", "end_date": "20240629"}
    assert sorted({row["trade_date"] for row in tushare_server.rows("index_weight", **asked)}) == [
        "20240430", "20240531", "20240628",
    ]  # fmt: skip
    rows = tushare_server.rows("index_weight", index_code="000300.SH", trade_date="20240531")
    assert {row["trade_date"] for row in rows} == {"20240531"}
    assert tushare_server.rows("index_weight", index_code="000300.SH", start_date="20261101") == []
    assert tushare_server.rows("index_weight", index_code="999999.SH") == []


def test_a_port_in_use_is_one_clear_line(tushare_server: TushareServer, programs: ModuleType) -> None:
    done = programs.run(
        command(["--port", str(tushare_server.port)]), capture_output=True, text=True, env=environment(), timeout=60
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert f"port {tushare_server.port}" in done.stderr
    assert "--port or LJWX_SANDBOX_TUSHARE_PORT" in done.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--effect", "1"], "effect must be"),
        (["--volatility", "0.5"], "volatility must be"),
        (["--from", "2026-02-01", "--to", "2026-01-01"], "--to 2026-01-01 is before --from 2026-02-01"),
        (["--replay", "/nonexistent"], "/nonexistent holds no daily_*.csv.gz"),
        (["--sessions", "/nonexistent"], "/nonexistent"),
    ],
)
def test_options_that_cannot_be_are_one_clear_line(
    options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--port", "0", *options]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert says in error


def test_the_sandbox_stands_apart_from_the_product(programs: ModuleType) -> None:
    program = (
        "import sys, ljwx_sandbox.tushare.__main__; print(sorted(m for m in sys.modules if m[:4] in ('ljwx', 'airf')))"
    )
    done = programs.run(
        [*command([])[:1], "-c", program], capture_output=True, text=True, env=environment(), timeout=60
    )
    modules = set(eval(done.stdout))
    own = ("ljwx_sandbox.tushare", "ljwx_sandbox.baostock")
    assert all(name in ("ljwx", "ljwx_sandbox") or name.startswith(own) for name in modules)
    assert "ljwx_sandbox.tushare.app" in modules
