"""Features are computed in parts of the market: what is in memory does not grow with it, and nothing else changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl
import pytest

from ljwx.core.bars import Codes
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.ingesting import features
from ljwx.stages.ingest.features import compute_features
from support_chain import FIRST, LAST, Database
from support_tasks import TaskRunner

RANGE = [{"first": FIRST, "last": LAST}]
VALUES = "SELECT to_jsonb(f) - 'first_seen' - 'run_key' AS row FROM ljwx.features f ORDER BY ts_code, session"


@pytest.mark.parametrize("part_rows", [1, 500])
def test_the_size_of_a_part_bounds_what_is_read_at_once_and_changes_no_value(
    market_db: Database, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch, part_rows: int
) -> None:
    before = market_db.column(VALUES)
    sessions = market_db.value("SELECT count(*) FROM ljwx.ingest_days")
    market_db.execute("TRUNCATE ljwx.features, ljwx.feature_marks")
    heights: list[int] = []
    read = WarehouseHook.bars_with_look_back

    def counted(
        hook: WarehouseHook, since: date, look_back: int, stocks: Sequence[str] | None, codes: Codes
    ) -> pl.DataFrame:
        bars = read(hook, since, look_back, stocks, codes)
        heights.append(bars.height)
        return bars

    monkeypatch.setattr(WarehouseHook, "bars_with_look_back", counted)
    monkeypatch.setattr(features, "PART_ROWS", part_rows)
    tasks.run(compute_features, RANGE)
    assert market_db.column(VALUES) == before
    assert 0 < max(heights) <= max(part_rows, sessions)
    assert sum(heights) == market_db.value("SELECT count(*) FROM ljwx.current_bars")


def test_only_the_stocks_asked_for_are_read(market_db: Database) -> None:
    everything = WarehouseHook().bars_with_look_back(date(2026, 3, 2), 5)
    some = WarehouseHook().bars_with_look_back(date(2026, 3, 2), 5, ["000001.SZ", "600000.SH"])
    assert some.equals(everything.filter(pl.col("ts_code").is_in(["000001.SZ", "600000.SH"])), null_equal=True)
    assert WarehouseHook().bars_with_look_back(date(2026, 3, 2), 5, []).is_empty()
