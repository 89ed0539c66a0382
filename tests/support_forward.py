"""A forward record whose database goes by a clock of the test's: the product has no way to do that."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from support_chain import Database

SHANGHAI = ZoneInfo("Asia/Shanghai")
CLOCK = """
CREATE OR REPLACE FUNCTION ljwx.forward_clock() RETURNS timestamptz LANGUAGE sql VOLATILE
    SET search_path = pg_catalog AS 'SELECT timestamptz ''{moment}'' '
"""


def at(session: date, hour: int, minute: int = 0, days: int = 0) -> datetime:
    """A moment in Shanghai, so many days after a session."""
    return datetime.combine(session + timedelta(days=days), time(hour, minute), SHANGHAI)


def stop_clock(url: str, moment: datetime) -> None:
    """Let the record of this database go by this moment from now on."""
    Database(url).execute(CLOCK.format(moment=moment.isoformat()))
