"""The record as its page shows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from polars.testing import assert_frame_equal

from ljwx.api.record import record_document
from ljwx.services.pages.record import KeptSessions, record_keeper, record_page
from ljwx.services.scores import scored_record
from ljwx.stages.forward.settle import settle_sessions
from ljwx.warehouse.warehouse import Warehouse
from support_forward import at, stop_clock
from support_levels import save_levels
from support_settled import DAYS, MONDAY, STOCKS, record_until_wednesday, said
from support_tasks import TaskRunner


def test_the_record_is_read_once_for_a_page_and_again_when_outcomes_came(
    warehouse_url: str, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = record_until_wednesday(warehouse_url)
    keeper = record_keeper(record.hook)
    read: list[int] = []
    whole = Warehouse.settled_record
    monkeypatch.setattr(Warehouse, "settled_record", lambda self, **one: read.append(1) or whole(self, **one))
    assert (keeper.page().scored.open, keeper.page().scored.open, len(read)) == (len(STOCKS) + 1, len(STOCKS) + 1, 1)
    tasks.run(settle_sessions)
    assert (keeper.page().scored.open, len(read)) == (0, 2)
    assert [each.sessions[0].isoformat() for each in keeper.page().earned] == ["2026-03-03"]
    save_levels(record.hook, record.key, dict.fromkeys(DAYS[:3], 4000.0))
    assert [each.index for each in keeper.page().earned] == [(1.0, 1.0)]


@pytest.mark.parametrize(("most_rows", "again"), [(100, [DAYS[1]]), (1, [MONDAY, DAYS[1]])])
def test_answers_of_a_session_that_is_over_are_read_once_and_again_after_a_correction(
    warehouse_url: str, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch, most_rows: int, again: list[date]
) -> None:
    record = record_until_wednesday(warehouse_url)
    record.hook.seal_batch(MONDAY)
    stop_clock(warehouse_url, at(DAYS[1], 19))
    record.answer(*(said(code, session=DAYS[1]) for code in STOCKS))
    tasks.run(settle_sessions)
    read: list[list[date] | None] = []
    whole = Warehouse.settled_record
    monkeypatch.setattr(
        Warehouse, "settled_record", lambda self, **one: read.append(one.get("sessions")) or whole(self, **one)
    )
    kept = KeptSessions(record.hook, most_rows)
    first, second = record_page(record.hook, kept), record_page(record.hook, kept)
    assert (first, read) == (second, [DAYS[:2], again])
    assert record_document(first) == record_document(replace(first, scored=scored_record()))
    known = record.hook.settled_record()
    assert first == record_page(record.hook)
    record.bars(DAYS[2], close={"000001.SZ": 9.0})
    tasks.run(settle_sessions)
    corrected = kept.settled(record.hook.forward_batches())
    assert (read[-1], corrected.equals(known)) == (DAYS[:2], False)
    assert_frame_equal(corrected, record.hook.settled_record())
    assert record_page(record.hook, kept) == record_page(record.hook)
