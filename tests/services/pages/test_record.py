"""The record as its page shows it."""

from __future__ import annotations

import pytest

from ljwx.services.pages.record import record_keeper
from ljwx.stages.forward.settle import settle_sessions
from ljwx.warehouse.warehouse import Warehouse
from support_levels import save_levels
from support_settled import DAYS, STOCKS, record_until_wednesday
from support_tasks import TaskRunner


def test_the_record_is_read_once_for_a_page_and_again_when_outcomes_came(
    warehouse_url: str, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = record_until_wednesday(warehouse_url)
    keeper = record_keeper(record.hook)
    read: list[int] = []
    whole = Warehouse.settled_record
    monkeypatch.setattr(Warehouse, "settled_record", lambda self, *args: read.append(1) or whole(self, *args))
    assert (keeper.page().scored.open, keeper.page().scored.open, len(read)) == (len(STOCKS) + 1, len(STOCKS) + 1, 1)
    tasks.run(settle_sessions)
    assert (keeper.page().scored.open, len(read)) == (0, 2)
    assert [each.sessions[0].isoformat() for each in keeper.page().earned] == ["2026-03-03"]
    save_levels(record.hook, record.key, dict.fromkeys(DAYS[:3], 4000.0))
    assert [each.index for each in keeper.page().earned] == [(1.0, 1.0)]
