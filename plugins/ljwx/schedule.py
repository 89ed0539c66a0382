"""When the stages run: the trading-session timetable of the ingest, and the daily hour of the cleanup."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.exceptions import InvalidPartitionKeyError
from airflow.sdk import CronTriggerTimetable
from airflow.timetables.base import DagRunInfo, TimeRestriction, Timetable

from ljwx.resources import file_section, sse_calendar

if TYPE_CHECKING:
    from airflow.timetables.base import DataInterval
    from airflow.utils.types import DagRunType

SHANGHAI = pendulum.timezone("Asia/Shanghai")
_HOURS_EAST = (8.75, 9, 9.5, 10, 10.5, 11, 12, 12.75, 13, 13.75)
"""Offsets from UTC in use east of Shanghai, summer times among them."""
MIDNIGHTS_EAST = frozenset(time(*divmod(round((24 - hours) * 60), 60)) for hours in _HOURS_EAST)
"""When it is midnight there, by UTC."""


class SessionTimetable(Timetable):
    """One partition per trading session, run at `at` Shanghai time; weekends and holidays have none.

    A plain logical-date timetable would lose asset events downstream (docs/adr/0003-partitions.md).
    The partition key is the session, ``YYYY-MM-DD``; the partition date is its midnight in UTC, because the
    calendar page shifts any other hour to a neighbouring day.

    :param at: time of day in Shanghai at which a session's data is expected to be published.
    :param by_the_clock: whether sessions run by themselves; runs by hand, by key and backfills work in any case.
    """

    description = "Every trading session of the Shanghai and Shenzhen exchanges"
    partitioned = True
    run_ordering = ("partition_date", "run_after")

    def __init__(self, at: time = time(18, 30), by_the_clock: bool = True) -> None:
        self.at = at
        self.by_the_clock = by_the_clock

    @property
    def summary(self) -> str:
        """Short text for the UI."""
        return f"sessions at {self.at:%H:%M} Shanghai" if self.by_the_clock else "sessions, by hand"

    def serialize(self) -> dict[str, Any]:
        """Return what `deserialize` needs to make an equal timetable."""
        return {"at": self.at.isoformat("minutes"), "by_the_clock": self.by_the_clock}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> SessionTimetable:
        """Make the timetable that `serialize` described."""
        return cls(time.fromisoformat(data["at"]), data["by_the_clock"])

    def next_dagrun_info_v2(
        self, *, last_dagrun_info: DagRunInfo | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return the next session to run; without catch-up, sessions earlier than the last one are passed over."""
        if not self.by_the_clock:
            return None
        calendar = sse_calendar()
        if last_dagrun_info is not None and last_dagrun_info.partition_date is not None:
            session = calendar.after(last_dagrun_info.partition_date.date())
        elif restriction.earliest is not None:
            session = self._first_not_before(restriction.earliest)
        elif restriction.catchup:
            return None
        else:
            session = self._last_due(pendulum.now("UTC"))
        if not restriction.catchup:
            session = max(session, self._last_due(pendulum.now("UTC")))
        info = self._info(session)
        if restriction.latest is not None and info.run_after > restriction.latest:
            return None
        return info

    def iter_partition_dagrun_infos(self, *, earliest: datetime, latest: datetime) -> Iterable[DagRunInfo]:
        """Yield the sessions from `earliest` to `latest` (days, inclusive) that are due by now; backfill walks this."""
        now = pendulum.now("UTC")
        first, last = (_day_meant(moment) for moment in (earliest, latest))
        infos: Iterator[DagRunInfo] = map(self._info, sse_calendar().between(first, last))
        return (info for info in infos if info.run_after <= now)

    def generate_run_id(self, *, run_type: DagRunType, run_after: pendulum.DateTime, **extra: Any) -> str:
        """Name the run by its session; a reprocess of the same session gets another name."""
        key = extra.get("partition_key") or run_after.isoformat()
        return str(run_type.generate_run_id(suffix=f"{key}__{secrets.token_hex(4)}"))

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Refuse: a partitioned timetable has no data intervals; Airflow asks `next_dagrun_info_v2`."""
        raise NotImplementedError("sessions are partitions; ask next_dagrun_info_v2")

    def infer_manual_data_interval(self, *, run_after: pendulum.DateTime) -> DataInterval:
        """Return the empty interval at `run_after`: a run by hand names its sessions by key or by dates."""
        from airflow.timetables.base import DataInterval

        return DataInterval.exact(run_after)

    def _decode_partition_date(self, partition_key: str) -> datetime:
        try:
            session = date.fromisoformat(partition_key)
        except ValueError as error:
            raise InvalidPartitionKeyError(f"{partition_key!r} is not a session (YYYY-MM-DD)") from error
        if not sse_calendar().is_session(session):
            raise InvalidPartitionKeyError(f"{partition_key} is not a trading session of the Shanghai exchange")
        return _utc_midnight(session)

    def _info(self, session: date) -> DagRunInfo:
        return DagRunInfo(self._due(session), None, _utc_midnight(session), session.isoformat())

    def _due(self, session: date) -> pendulum.DateTime:
        return pendulum.instance(datetime.combine(session, self.at), tz=SHANGHAI).in_timezone("UTC")

    def _last_due(self, now: pendulum.DateTime) -> date:
        session = sse_calendar().at_or_before(now.in_timezone(SHANGHAI).date())
        return session if self._due(session) <= now else sse_calendar().at_or_before(session - timedelta(days=1))

    def _first_not_before(self, moment: datetime) -> date:
        session = sse_calendar().after(moment.date() - timedelta(days=1))
        return session if self._due(session) >= moment else sse_calendar().after(session)


def ingest_schedule() -> SessionTimetable:
    """Return the timetable of the ingest DAG; by hand and backfill only when `LJWX_SCHEDULES` is ``off``."""
    return SessionTimetable(_time_of_day("ingest", "18:30"), by_the_clock=_scheduled())


def cleanup_schedule() -> CronTriggerTimetable | None:
    """Return the timetable of the cleanup DAG, daily; None when `LJWX_SCHEDULES` is ``off``."""
    at = _time_of_day("cleanup", "03:00")
    return CronTriggerTimetable(f"{at.minute} {at.hour} * * *", timezone=SHANGHAI) if _scheduled() else None


def _time_of_day(stage: str, usual: str) -> time:
    """Return when a stage runs, Shanghai time, by the section `schedules` of the configuration file."""
    text = file_section("schedules").get(stage, usual)
    if not isinstance(text, str) or not re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise ValueError(f"training_config.json: schedules.{stage}: {text!r} is no time of day like 18:30")
    return time.fromisoformat(text)


def _scheduled() -> bool:
    return os.environ.get("LJWX_SCHEDULES", "on") != "off"


def _day_meant(moment: datetime) -> date:
    """Return the day that a person chose, of whom only a moment is known.

    The command line gives a day as its midnight in Airflow's own zone, the UI as the person's midnight in UTC. A
    zone that is given has the day. In UTC it is the day in Shanghai, but for the midnights of zones east of it, where
    that day has not begun yet. (Two midnights are those of two zones a day apart: 10:00 is taken for Hawaii's, not for
    the Line Islands'; 11:00 for New Zealand's in summer and Tonga's, not for Niue's and Pago Pago's.)
    """
    offset = moment.utcoffset()
    if offset is None or offset:
        return moment.date()
    day = moment.astimezone(SHANGHAI).date()
    return day + timedelta(days=1) if moment.time() in MIDNIGHTS_EAST else day


def _utc_midnight(session: date) -> pendulum.DateTime:
    return pendulum.datetime(session.year, session.month, session.day, tz="UTC")
