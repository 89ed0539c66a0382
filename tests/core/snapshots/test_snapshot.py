"""Snapshots: what they hold, and that nothing after as_of can change them."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ljwx.core import features
from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.features.technical.signals import SIGNALS
from ljwx.core.snapshots.facts import facts_of_market
from ljwx.core.snapshots.snapshot import masked, snapshots

SPEC = SampleSpec()
PRICES = ("open", "high", "low", "close", "pre_close", "up_limit", "down_limit")


def snapshots_of(market: Any, bars: pl.DataFrame | None = None, **profiles: pl.DataFrame) -> pl.DataFrame:
    bars = market.bars if bars is None else bars
    return snapshots(bars, features.compute(bars), SPEC, **{**market.profiles, **profiles})


@pytest.fixture(scope="module")
def small(make_market: Any) -> Any:
    return make_market(stocks=3, count=90, seed=5)


@pytest.fixture(scope="module")
def base(small: Any) -> pl.DataFrame:
    return snapshots_of(small)


def test_snapshot_is_canonical_json_and_its_digest_is_of_its_bytes(base: pl.DataFrame) -> None:
    complete = base.filter(pl.col("snapshot").is_not_null())
    assert len(complete) > 60
    for text, digest in complete.select("snapshot", "snapshot_sha256").iter_rows():
        again = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert again == text
        assert hashlib.sha256(text.encode()).hexdigest() == digest


def test_snapshot_has_every_feature_and_a_word_of_every_signal(base: pl.DataFrame) -> None:
    facts = json.loads(base["snapshot"].drop_nulls()[0])
    elsewhere = {"obv": "obv_flow_20"}
    assert {elsewhere.get(name, name) for name in features.feature_names()} == set(facts["features"])
    assert set(facts["readings"]) == {r.name for r in SIGNALS}
    for rule in SIGNALS:
        assert facts["readings"][rule.name] in rule.words


def test_numbers_are_relative_to_the_close_and_to_pre_close(small: Any, base: pl.DataFrame) -> None:
    row = base.filter(pl.col("snapshot").is_not_null()).row(30, named=True)
    key = {"ts_code": row["ts_code"], "session": row["session"]}
    bar = small.bars.filter(**key).row(0, named=True)
    feature = features.compute(small.bars).filter(**key).row(0, named=True)
    facts = json.loads(row["snapshot"])
    assert facts["bar"]["change"] == pytest.approx(100 * (bar["close"] / bar["pre_close"] - 1), abs=0.0051)
    assert facts["features"]["ma_20"] == pytest.approx(100 * (feature["ma_20"] / bar["close"] - 1), abs=0.051)
    assert facts["features"]["ret_5"] == pytest.approx(100 * feature["ret_5"], abs=0.051)
    assert facts["features"]["rsi_14"] == pytest.approx(feature["rsi_14"], abs=0.051)
    assert facts["range"]["high"] == -facts["range"]["low"] == round(100 * feature["vol_20"] * 5**0.5)


def test_price_level_leaves_no_trace(small: Any, base: pl.DataFrame) -> None:
    # A power of two scales binary floats exactly, so not even a rounding can differ.
    scaled = small.bars.with_columns([pl.col(c) * 4 for c in PRICES])
    assert snapshots_of(small, scaled)["snapshot"].to_list() == base["snapshot"].to_list()


def test_rebased_factors_leave_no_trace(small: Any, base: pl.DataFrame) -> None:
    scaled = small.bars.with_columns(pl.col("adj_factor") * 4)
    assert snapshots_of(small, scaled)["snapshot"].to_list() == base["snapshot"].to_list()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cut=st.integers(61, 88),
    stock=st.integers(0, 2),
    column=st.sampled_from([*PRICES, "vol", "amount", "adj_factor"]),
    times=st.floats(0.2, 5.0),
)
def test_no_change_after_as_of_changes_a_snapshot(
    small: Any, base: pl.DataFrame, cut: int, stock: int, column: str, times: float
) -> None:
    day, code = small.sessions[cut], f"{600000 + stock}.SH"
    later = (pl.col("session") > day) & (pl.col("ts_code") == code)
    changed = small.bars.with_columns(pl.when(later).then(pl.col(column) * times).otherwise(column).alias(column))
    before = pl.col("session") <= day
    assert snapshots_of(small, changed).filter(before)["snapshot"].equals(base.filter(before)["snapshot"])


def test_a_bar_that_vanishes_later_changes_no_snapshot(small: Any, base: pl.DataFrame) -> None:
    day = small.sessions[75]
    before = pl.col("session") <= day
    assert snapshots_of(small, small.bars.filter(before))["snapshot"].equals(base.filter(before)["snapshot"])


def test_row_order_of_the_input_does_not_matter(small: Any, base: pl.DataFrame) -> None:
    shuffled = small.bars.sample(fraction=1.0, shuffle=True, seed=3)
    feature = features.compute(small.bars).sample(fraction=1.0, shuffle=True, seed=4)
    assert snapshots(shuffled, feature, SPEC, **small.profiles)["snapshot"].equals(base["snapshot"])


def test_a_row_without_its_look_back_has_no_snapshot_rather_than_another_one(small: Any, base: pl.DataFrame) -> None:
    feature = features.compute(small.bars)
    recent = pl.col("session") >= small.sessions[60]
    part = snapshots(small.bars.filter(recent), feature.filter(recent), SPEC, **small.profiles)
    both = part.join(base, on=["ts_code", "session"], suffix="_full").filter(pl.col("snapshot").is_not_null())
    assert len(both) > 0
    assert (both["snapshot"] == both["snapshot_full"]).all()
    first = part.group_by("ts_code").agg(pl.col("snapshot").sort_by("session").first())
    assert first["snapshot"].null_count() == 3


def test_masked_hides_name_code_and_dates_and_nothing_else(base: pl.DataFrame) -> None:
    text = base["snapshot"].drop_nulls()[5]
    facts, hidden = json.loads(text), masked(text)
    for secret in (facts["name"], facts["ts_code"], facts["session"], facts["session"][:4]):
        assert secret not in hidden
    kept = facts.keys() - {"name", "ts_code", "session"}
    assert {k: json.loads(hidden)[k] for k in kept} == {k: facts[k] for k in kept}


def periods(what: str, *values: tuple[dt.date, str | None]) -> pl.DataFrame:
    starts, words = zip(*values, strict=True)
    return pl.DataFrame({"ts_code": "600000.SH", what: list(words), "start_date": list(starts)})


@pytest.mark.parametrize(("what", "before"), [("name", "600000.SH"), ("industry", "未知")])
def test_name_and_industry_are_those_known_at_the_session(small: Any, what: str, before: str) -> None:
    first, turn = small.sessions[65], small.sessions[70]
    rows = snapshots_of(small, **{PROFILES[what]: periods(what, (turn, "新"), (first, "旧"))})
    rows = rows.filter(pl.col("snapshot").is_not_null(), pl.col("ts_code") == "600000.SH")
    heard = {session: json.loads(text)[what] for session, text in rows.select("session", "snapshot").iter_rows()}
    assert set(heard.values()) == {before, "旧", "新"}
    for session, word in heard.items():
        assert word == (before if session < first else "旧" if session < turn else "新")


PROFILES = {"name": "names", "industry": "industries"}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(what=st.sampled_from(["name", "industry"]), at=st.integers(61, 85), word=st.sampled_from(["ST新", "钢铁", None]))
def test_a_profile_learned_later_changes_no_snapshot_before_it(
    small: Any, base: pl.DataFrame, what: str, at: int, word: str | None
) -> None:
    day = small.sessions[at]
    learned = pl.concat([small.profiles[PROFILES[what]], periods(what, (day, word))])
    changed = snapshots_of(small, **{PROFILES[what]: learned})
    before = pl.col("session") < day
    assert changed.filter(before)["snapshot"].equals(base.filter(before)["snapshot"])
    assert not changed["snapshot"].equals(base["snapshot"])


def test_board_is_the_one_of_the_code(bars_of: Any) -> None:
    boards = {
        "600000.SH": "主板",
        "000001.SZ": "主板",
        "300001.SZ": "创业板",
        "688001.SH": "科创板",
        "920001.BJ": "北交所",
    }
    bars = bars_of(**{code: [10.0, 10.1] for code in boards})
    rows = snapshots(bars, features.compute(bars), SPEC)
    assert dict(rows.select("ts_code", "board").iter_rows()) == boards


def test_text_of_industries_is_escaped(base: pl.DataFrame) -> None:
    industries = {json.loads(t)["industry"] for t in base["snapshot"].drop_nulls()}
    assert industries == {"银行", '医药"生物', "电力\\热力"}


def test_limit_state_and_rank(bars_of: Any, listed: Any) -> None:
    rows = {
        "A_SH": [10.0, {"close": 11.0, "up_limit": 11.0}],
        "B_SH": [10.0, {"close": 10.0, "high": 11.0, "up_limit": 11.0}],
        "C_SH": [10.0, {"close": 9.0, "down_limit": 9.0}],
        "D_SH": [10.0, {"close": 10.1, "up_limit": None}],
        "E_SH": [10.0, 10.2],
    }
    bars = bars_of(**rows)
    got = facts_of_market(bars, features.compute(bars), SPEC).filter(pl.col("session") == bars["session"].max())
    assert got["limit"].to_list() == ["涨停", "触及涨停", "跌停", "未知", "正常"]
    # By return: C, B, D, E, A; five stocks are 20 percentiles apart.
    assert got["ranks.ret_1"].to_list() == [100, 40, 20, 60, 80]
