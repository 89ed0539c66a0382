"""What Airflow carries from `plan_ingest` to `ingest_bars`."""

from __future__ import annotations

from datetime import date

import pytest

from ljwx.core.bars import Capability
from ljwx.stages.ingest.chunks import Chunk, by_month

SESSIONS = [date(2025, 12, 30), date(2025, 12, 31), date(2026, 1, 5), date(2027, 1, 4)]


def test_a_chunk_is_a_month_of_one_year() -> None:
    assert [(chunk.first, chunk.last) for chunk in by_month(SESSIONS)] == [
        (date(2025, 12, 30), date(2025, 12, 31)),
        (date(2026, 1, 5), date(2026, 1, 5)),
        (date(2027, 1, 4), date(2027, 1, 4)),
    ]


def test_it_travels_as_texts_and_comes_back() -> None:
    (chunk,) = by_month(SESSIONS[:2], ["adj_factor", "stk_limit"])
    carried = chunk.as_xcom()
    assert carried == {"first": "2025-12-30", "last": "2025-12-31", "absent": "adj_factor,stk_limit"}
    assert Chunk.of_xcom(carried) == chunk
    assert chunk.absent == (Capability.FACTORS, Capability.LIMITS)


def test_without_refusals_it_has_no_word_of_them() -> None:
    carried = Chunk(*SESSIONS[:2]).as_xcom()
    assert carried == {"first": "2025-12-30", "last": "2025-12-31"}
    assert Chunk.of_xcom(carried).absent == ()


def test_what_is_lacking_for_now_and_what_is_made_up_for_travel_too() -> None:
    (chunk,) = by_month(SESSIONS[:2], ["adj_factor", "stock_basic"], ["stock_basic"], catch_up=True)
    carried = chunk.as_xcom()
    assert carried == {
        "first": "2025-12-30", "last": "2025-12-31", "absent": "adj_factor,stock_basic", "deferred": "stock_basic",
        "catch_up": "yes",
    }  # fmt: skip
    assert Chunk.of_xcom(carried) == chunk
    assert (chunk.deferred, chunk.catch_up) == ((Capability.INSTRUMENTS,), True)


def test_the_days_of_late_sessions_travel_too() -> None:
    carried = Chunk(*SESSIONS[2:], late=tuple(SESSIONS[:2])).as_xcom()
    assert carried == {"first": "2026-01-05", "last": "2027-01-04", "late": "2025-12-30,2025-12-31"}
    assert Chunk.of_xcom(carried).late == tuple(SESSIONS[:2])


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(ValueError, match="moon"):
        Chunk.of_xcom({"first": "2025-12-30", "last": "2025-12-31", "absent": "moon"})
