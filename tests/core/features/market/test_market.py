"""The market of a session and a stock's industry in it, against numbers worked out by hand."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import polars as pl
import pytest

from ljwx.core import features
from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.prompts import load_prompts, question
from ljwx.core.snapshots.facts import bars_with_ranks
from ljwx.core.snapshots.snapshot import snapshots
from ljwx.core.tasks import TASKS
from ljwx.resources import included_below

SPEC = SampleSpec(feature_groups=("technical", "market"))
DAYS = (dt.date(2026, 3, 2), dt.date(2026, 3, 3))
STOCKS = tuple(f"60000{n}.SH" for n in range(1, 8))
CLOSES = (11.0, 10.2, 9.0, 10.0, 30.0, 10.4, 9.8)
"""Of the second day, from 10.00: at the up limit, +2 %, at the down limit, unchanged, a newcomer, +4, -2 %."""


def hand_market() -> tuple[pl.DataFrame, pl.DataFrame]:
    rows, made = [], []
    for session, closes in zip(DAYS, ((10.0,) * 7, CLOSES), strict=True):
        for code, close in zip(STOCKS, closes, strict=True):
            row = {"ts_code": code, "session": session, "close": close, "pre_close": 10.0, "amount": 1.0}
            rows.append(row | {"open": 10.0, "high": close, "low": close, "up_limit": 11.0, "down_limit": 9.0})
            there = session == DAYS[1] and code != "600005.SH"
            ret = close / 10 - 1 if there else None
            made.append(
                {"ts_code": code, "session": session, "vol_20": 0.01, "ret_1": ret}
                | {"ret_5": ret and 2 * ret, "ret_20": 0.04 if there else None}
            )
    return pl.DataFrame(rows), pl.DataFrame(made)


def industries(**since: dt.date) -> pl.DataFrame:
    of = dict.fromkeys(STOCKS, "银行") | {"600004.SH": "医药"}
    return pl.DataFrame([(c, of[c], since.get("since", DAYS[0])) for c in STOCKS], INDUSTRIES, orient="row")


INDUSTRIES = {"ts_code": pl.String, "industry": pl.String, "start_date": pl.Date}


def across(told: pl.DataFrame | None, bars: pl.DataFrame | None = None) -> dict[str, dict[str, float | None]]:
    hand, made = hand_market()
    rows = bars_with_ranks(hand if bars is None else bars, made, SPEC, told).filter(session=DAYS[1])
    return {row["ts_code"]: row for row in rows.to_dicts()}


def test_the_market_is_the_mean_of_the_stocks_that_have_a_return() -> None:
    row = across(None)["600001.SH"]
    assert row["market_1"] == pytest.approx((0.10 + 0.02 - 0.10 + 0.0 + 0.04 - 0.02) / 6)
    assert row["market_5"] == pytest.approx(0.08 / 6)
    assert row["market_20"] == pytest.approx(0.04)
    assert row["rising"] == pytest.approx(0.5)
    assert row["limit_ups"] == pytest.approx(2 / 7), "the newcomer closed above its limit"
    assert row["limit_downs"] == pytest.approx(1 / 7)
    assert row["industry_1"] is None, "no industry is known"


def test_an_industry_is_measured_against_the_market_when_it_has_five_stocks() -> None:
    rows = across(industries())
    bank, market = (0.10 + 0.02 - 0.10 + 0.04 - 0.02) / 5, 0.04 / 6
    assert rows["600002.SH"]["industry_1"] == pytest.approx(bank - market)
    assert rows["600002.SH"]["industry_5"] == pytest.approx(2 * (bank - market))
    assert rows["600004.SH"]["industry_1"] is None, "one stock is no industry"


def test_an_industry_that_was_seen_later_is_not_known_before() -> None:
    assert across(industries(since=DAYS[1] + dt.timedelta(days=1)))["600002.SH"]["industry_1"] is None


def test_without_limits_no_stock_is_said_to_be_at_one() -> None:
    hand, _ = hand_market()
    bare = hand.with_columns(pl.lit(None, pl.Float64).alias(name) for name in ("up_limit", "down_limit"))
    row = across(None, bare)["600001.SH"]
    assert row["limit_ups"] is None
    assert row["limit_downs"] is None
    assert row["rising"] == pytest.approx(0.5)


def test_later_bars_change_no_earlier_snapshot(make_market: Any) -> None:
    small = make_market(stocks=6, count=90, seed=3)
    until = small.sessions[-8]
    earlier = small.bars.filter(pl.col("session") <= until)
    whole, part = (snapshots(bars, features.compute(bars), SPEC, **small.profiles) for bars in (small.bars, earlier))
    known = part.drop_nulls("snapshot")
    assert len(known) > 50
    assert whole.filter(pl.col("session") <= until).drop_nulls("snapshot").equals(known)


def test_a_question_is_asked_with_the_snapshot_that_a_dataset_holds(make_market: Any) -> None:
    small = make_market(stocks=15, count=120, seed=3)
    samples = small.build(feature_groups=SPEC.feature_groups).samples.unique(["ts_code", "session"])
    recent = small.sessions[-40:]
    bars, made = (rows.filter(pl.col("session") >= recent[0]) for rows in (small.bars, features.compute(small.bars)))
    asked = snapshots(bars, made, SPEC, **small.profiles).drop_nulls("snapshot")
    both = samples.join(asked, on=["ts_code", "session"], suffix="_asked").filter(pl.col("session") >= recent[25])
    assert len(both) > 10
    assert both["snapshot"].to_list() == both["snapshot_asked"].to_list()


def test_a_snapshot_tells_it_and_the_second_prompts_too(make_market: Any) -> None:
    small = make_market(stocks=18, count=90, seed=3)
    rows = snapshots(small.bars, features.compute(small.bars), SPEC, **small.profiles)
    text = rows.drop_nulls("snapshot")["snapshot"][-1]
    facts = json.loads(text)
    day = small.bars.filter(session=dt.date.fromisoformat(facts["session"]))
    mean = float((day["close"] / day["pre_close"] - 1).mean())
    assert facts["market"]["ret_1"] == pytest.approx(100 * mean, abs=0.051)
    assert facts["readings"]["sector"] in {"领涨", "落后", "随市"}
    prompts = load_prompts(included_below("prompts"), "v2", TASKS, SPEC.groups)
    told = question("price_direction", text, prompts)[1]["content"]
    assert f" breadth {facts['market']['rising']} {facts['readings']['breadth']} " in told


def test_a_dataset_tells_of_industries_in_all_samples_or_in_none(make_market: Any) -> None:
    small = make_market(stocks=21, count=120, seed=3)
    told = small.build(feature_groups=SPEC.feature_groups).samples["snapshot"]
    assert all(json.loads(text)["market"]["industry_1"] is not None for text in told)
    late = small.industries.with_columns(start_date=pl.lit(small.sessions[-30]))
    later = type(small)(small.bars, small.instruments, small.sessions, small.names, late)
    for text in later.build(feature_groups=SPEC.feature_groups).samples["snapshot"]:
        facts = json.loads(text)
        assert facts["industry"] == "未知"
        assert facts["market"]["industry_1"] is facts["market"]["industry_5"] is facts["readings"]["sector"] is None
        assert facts["market"]["ret_1"] is not None
