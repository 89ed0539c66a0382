"""The index in a snapshot: against numbers worked out by hand, and never before its session."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ljwx.core import features
from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.features.of_index import TABLE, IndexTable, index_table
from ljwx.core.features.tables import with_facts
from ljwx.core.prompts import load_prompts, question
from ljwx.core.snapshots.snapshot import snapshots
from ljwx.core.tasks import TASKS
from ljwx.resources import included_below, sse_calendar

DAYS = sse_calendar().between(date(2026, 1, 5), date(2026, 3, 20))
KEYS = pl.DataFrame({"ts_code": ["000001.SZ"] * len(DAYS), "session": DAYS})


def levels(closes: dict[int, float | None], **other: Any) -> pl.DataFrame:
    """Closes by their place among the sessions."""
    rows = [
        dict.fromkeys(TABLE.schema) | {"ts_code": "000300.SH", "session": DAYS[at], "close": close} | other
        for at, close in closes.items()
        if close is not None
    ]
    return pl.DataFrame(rows, schema=TABLE.schema)


def told(rows: pl.DataFrame, table: IndexTable = TABLE) -> list[tuple[float | None, ...]]:
    made = table.as_of(rows, DAYS, KEYS)
    assert made.select("ts_code", "session").equals(KEYS)
    return made.select("index_1", "index_5", "index_20").rows()


def test_a_move_is_between_the_closes_of_sessions() -> None:
    closes: dict[int, float | None] = dict.fromkeys(range(21), 4000.0)
    found = told(levels(closes | {16: 4100.0, 20: 4200.0, 21: 4158.0}))
    assert found[20] == pytest.approx((5.0, 5.0, 5.0))
    assert found[21] == pytest.approx((-1.0, 100 * (4158 / 4100 - 1), 3.95))
    assert found[19] == (0.0, 0.0, None), "no close of 20 sessions before is known"
    assert found[22] == (None, None, None), "nor one of the session itself"


def test_a_session_without_a_close_breaks_what_is_counted_from_it_alone() -> None:
    found = told(levels({at: None if at == 10 else 4000.0 + at for at in range(len(DAYS))}))
    assert found[10] == (None, None, None)
    assert found[11][0] is None
    assert found[15][1] is None
    assert found[16][1] == pytest.approx(100 * (4016 / 4011 - 1)), "five sessions, not five rows"
    assert found[30][2] is None


def test_the_move_of_a_session_is_the_one_that_the_source_states() -> None:
    found = told(levels({5: 4040.0}, pre_close=4000.0))
    assert found[5] == (pytest.approx(1.0), None, None)


def test_of_several_indexes_one_is_told() -> None:
    rows = pl.concat([levels({0: 100.0, 1: 110.0}), levels({0: 50.0, 1: 40.0}, ts_code="000905.SH")])
    assert told(rows)[1][0] == pytest.approx(10.0)
    assert told(rows, index_table("000905.SH"))[1][0] == pytest.approx(-20.0)


@settings(deadline=None, max_examples=25)
@given(at=st.integers(0, len(DAYS) - 1), seed=st.integers(0, 99))
def test_no_level_is_visible_before_its_session(at: int, seed: int) -> None:
    closes: dict[int, float | None] = {n: 4000.0 + (n * 37 + seed) % 91 for n in range(len(DAYS))}
    others = {n: close if n < at else 9.0 + n for n, close in closes.items()}
    assert told(levels(closes))[:at] == told(levels(others))[:at]
    assert told(levels({n: close for n, close in closes.items() if n < at}))[:at] == told(levels(closes))[:at]


def test_a_snapshot_tells_it_where_the_group_is_asked_for_and_stays_as_it_was_elsewhere(make_market: Any) -> None:
    small = make_market(stocks=6, count=90, seed=3)
    made, days = features.compute(small.bars), list(small.sessions)
    rows = pl.DataFrame(
        [dict.fromkeys(TABLE.schema) | {"ts_code": "000300.SH", "session": day, "close": 4000.0 + 10 * n}
         for n, day in enumerate(days)], schema=TABLE.schema,
    )  # fmt: skip
    known = with_facts(made, [TABLE.as_of(rows, days, made.select("ts_code", "session"))])
    with_index, without = SampleSpec(feature_groups=("technical", "index")), SampleSpec()
    text = snapshots(small.bars, known, with_index, **small.profiles).drop_nulls("snapshot")["snapshot"][-1]
    facts = json.loads(text)
    n = days.index(date.fromisoformat(facts["session"]))
    assert facts["index"] == {
        f"ret_{k}": pytest.approx(100 * ((4000 + 10 * n) / (4000 + 10 * (n - k)) - 1), abs=0.051) for k in (1, 5, 20)
    }
    prompts = load_prompts(included_below("prompts"), "v2", TASKS, with_index.groups)
    asked = question("price_direction", text, prompts)[1]["content"]
    assert f"idx1 {facts['index']['ret_1']}" in asked
    plain = [snapshots(small.bars, each, without, **small.profiles)["snapshot"].to_list() for each in (made, known)]
    assert plain[0] == plain[1]
    assert without.sha256 != with_index.sha256
