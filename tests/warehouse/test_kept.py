"""Until when an answer about stocks and calendar is good."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ljwx.warehouse.kept import SHANGHAI, last_close


@pytest.mark.parametrize(
    ("now", "close"),
    [
        ("2026-03-03T14:59:59+08:00", "2026-03-02T15:00:00+08:00"),
        ("2026-03-03T15:00:00+08:00", "2026-03-03T15:00:00+08:00"),
        ("2026-03-03T18:30:00+08:00", "2026-03-03T15:00:00+08:00"),
        ("2026-03-01T08:00:00+08:00", "2026-02-28T15:00:00+08:00"),
        ("2026-03-03T06:59:00+00:00", "2026-03-02T15:00:00+08:00"),
        ("2026-03-03T20:00:00-05:00", "2026-03-03T15:00:00+08:00"),
    ],
)
def test_it_is_good_until_the_next_close_in_shanghai(now: str, close: str) -> None:
    found = last_close(datetime.fromisoformat(now))
    assert found == datetime.fromisoformat(close)
    assert found.tzinfo is SHANGHAI


def test_the_clock_s_own_zone_does_not_matter() -> None:
    assert last_close(datetime(2026, 3, 3, 7, 0, tzinfo=timezone.utc)) == datetime(2026, 3, 3, 15, tzinfo=SHANGHAI)
