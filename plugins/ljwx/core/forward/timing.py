"""How long a session of the record may be asked about. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ljwx.core.forward.chain import Batch

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
OPENS: Final = time(9, 15)
"""When a session's first orders count in Shanghai: what is said then or later may know of them."""
TO_SEAL: Final = timedelta(minutes=15)
"""Before the deadline asking ends, so that the digest leaves the house in time."""
LONGEST: Final = timedelta(hours=11)
"""Of asking, from the opening of the batch on: a run of the DAG has twelve."""


def closes_at(batch: Batch) -> datetime:
    """Return when asking about a batch ends, whatever is left."""
    return min(batch.deadline - TO_SEAL, batch.opened_at + LONGEST)


def room(since: time) -> timedelta:
    """Return how long can be asked from a time of the evening on, where the next session is the next day."""
    until = timedelta(days=1, hours=OPENS.hour, minutes=OPENS.minute) - TO_SEAL
    return min(LONGEST, until - timedelta(hours=since.hour, minutes=since.minute))
