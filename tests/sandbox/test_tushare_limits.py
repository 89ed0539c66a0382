"""Tiers of the sandbox TuShare are enforced per token and interface."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from ljwx_sandbox.tushare.limits import SANDBOX_TOKENS, Rare, RateBook, Tier, read_tokens
from support_tushare import StartMarket, TushareServer


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0
        self.day = date(2026, 11, 20)

    def book(self) -> RateBook:
        return RateBook(lambda: self.seconds, lambda: self.day)


@pytest.mark.parametrize(
    ("token", "api", "calls", "limit"),
    [
        ("sandbox-120", "daily", 50, "50次/分钟"),
        ("sandbox-2000", "daily", 200, "200次/分钟"),
        ("sandbox-5000", "daily", 500, "500次/分钟"),
        ("sandbox-5000", "stock_basic", 50, "50次/分钟"),
    ],
)
def test_each_documented_tier_has_its_minute(token: str, api: str, calls: int, limit: str) -> None:
    book = Clock().book()
    assert [book.take(token, api, SANDBOX_TOKENS[token]) for _ in range(calls)] == [None] * calls
    assert book.take(token, api, SANDBOX_TOKENS[token]) == limit


def test_the_minute_slides_and_refused_calls_do_not_count() -> None:
    clock, tier = Clock(), Tier(per_minute=2)
    book = clock.book()
    assert book.take("t", "daily", tier) is None
    clock.seconds = 30.0
    assert book.take("t", "daily", tier) is None
    clock.seconds = 59.9
    assert book.take("t", "daily", tier) == "2次/分钟"
    clock.seconds = 60.0
    assert book.take("t", "daily", tier) is None
    assert book.take("t", "daily", tier) == "2次/分钟"


def test_the_day_limit_ends_with_the_day() -> None:
    clock, tier = Clock(), Tier(per_day=1)
    book = clock.book()
    assert book.take("t", "daily", tier) is None
    assert book.take("t", "daily", tier) == "1次/天"
    assert book.take("t", "adj_factor", tier) is None
    assert book.take("other", "daily", tier) is None
    clock.day = date(2026, 11, 21)
    assert book.take("t", "daily", tier) is None


def test_a_rare_interface_is_answered_once_an_hour_and_five_times_a_day() -> None:
    """What users report of small tokens; the other interfaces of the token are not touched by it."""
    clock, tier = Clock(), SANDBOX_TOKENS["sandbox-rare"]
    book, said = clock.book(), []
    for clock.seconds in (0.0, 3599.0, 3600.0, 7200.0, 10800.0, 14400.0, 18000.0):
        said.append(book.take("t", "stock_basic", tier))
    assert said == [None, "1次/小时", None, None, None, None, "5次/天"]
    assert book.take("t", "trade_cal", tier) is None
    assert [book.take("t", "daily", tier) for _ in range(50)] == [None] * 50
    assert book.take("t", "daily", tier) == "50次/分钟"
    clock.day = date(2026, 11, 21)
    assert book.take("t", "stock_basic", tier) is None


def test_a_rare_interface_says_so_over_http_and_the_others_are_refused(start_tushare: StartMarket) -> None:
    with start_tushare("--stocks", "5", "--origin", "2026-01-01") as server:
        said = [server.post("stock_basic", token="sandbox-rare")["msg"] for _ in range(2)]
        assert said[0] == ""
        assert said[1].startswith("抱歉，您访问接口(stock_basic)频率超限(1次/小时)")
        assert server.post("namechange", token="sandbox-rare")["msg"].startswith("抱歉，您没有接口(namechange)访问权限")


def test_a_token_file_may_name_rare_interfaces(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    path.write_text('{"t": {"rare": {"adj_factor": {"per_hour": 2}, "namechange": {"per_day": 1}}}}')
    assert read_tokens(path)["t"].rare == {"adj_factor": Rare(2, None), "namechange": Rare(None, 1)}
    path.write_text('{"t": {"rare": {"adj_factor": {"per_week": 2}}}}')
    with pytest.raises(ValueError, match="unknown key 'per_week' in a rare interface; known are per_hour, per_day"):
        read_tokens(path)


def test_limits_hold_over_http_and_are_counted(tmp_path: Path, start_tushare: StartMarket) -> None:
    tokens = tmp_path / "tokens.json"
    tokens.write_text(json.dumps({"slow": {"per_minute": 2, "apis": ["daily"]}, "rare": {"per_day": 1}}))
    with start_tushare("--stocks", "5", "--origin", "2026-01-01", "--token-file", str(tokens)) as server:
        answers = [server.post("daily", token="slow", ts_code="000001.SZ") for _ in range(3)]
        assert [answer["code"] for answer in answers] == [0, 0, 40203]
        assert "您访问接口(daily)频率超限(2次/分钟)，具体频次详情：" in answers[2]["msg"]
        assert server.post("trade_cal", token="slow")["msg"].startswith("抱歉，您没有接口(trade_cal)访问权限")
        days = [server.post("daily", token="rare", ts_code="000001.SZ")["msg"] for _ in range(2)]
        assert days[0] == ""
        assert "频率超限(1次/天)" in days[1]
        assert server.post("daily", token="sandbox-5000", ts_code="000001.SZ")["code"] == 40101
        assert server.stats() | {"baostock": None} == {
            "calls": {"daily": 6, "trade_cal": 1}, "rate_limited": {"daily": 2}, "total": 7, "baostock": None,
        }  # fmt: skip


def test_an_unlimited_token_is_never_refused(tushare_server: TushareServer) -> None:
    codes = {tushare_server.post("stock_basic", limit=1)["code"] for _ in range(60)}
    assert codes == {0}


def test_a_token_file_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    path.write_text('{"t": {"per_hour": 3}}')
    with pytest.raises(ValueError, match="unknown key 'per_hour' in a tier; known are per_minute, per_day, apis, rare"):
        read_tokens(path)
