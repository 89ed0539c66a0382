"""The session timetable as the scheduler, the REST API and backfill use it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, time, timezone
from pathlib import Path
from typing import Any

import pendulum
import pytest
from airflow.exceptions import InvalidPartitionKeyError
from airflow.timetables.base import DagRunInfo, TimeRestriction
from airflow.utils.types import DagRunType

from ljwx import schedule
from ljwx.schedule import SessionTimetable, cleanup_schedule, ingest_schedule
from support_lazy import Lazy

exchange_calendars = Lazy("exchange_calendars")

EARLIEST = pendulum.datetime(2005, 1, 4, tz="UTC")
UTC = timezone.utc

Clock = Callable[..., None]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Sets the time of day in Shanghai."""

    def set_to(*moment: int) -> None:
        now = pendulum.datetime(*moment, tz="Asia/Shanghai")
        monkeypatch.setattr(schedule.pendulum, "now", lambda tz=None: now.in_timezone(tz or "UTC"))

    return set_to


def restriction(earliest: Any = EARLIEST, latest: Any = None, catchup: bool = False) -> TimeRestriction:
    return TimeRestriction(earliest, latest, catchup)


def first(limits: TimeRestriction) -> DagRunInfo | None:
    return SessionTimetable().next_dagrun_info_v2(last_dagrun_info=None, restriction=limits)


def following(session: str, limits: TimeRestriction) -> DagRunInfo | None:
    day = pendulum.parse(session, tz="UTC")
    last = DagRunInfo(day.add(hours=10), None, day, session)  # type: ignore[union-attr]
    return SessionTimetable().next_dagrun_info_v2(last_dagrun_info=last, restriction=limits)


def key(info: DagRunInfo | None) -> str | None:
    return info.partition_key if info else None


def keys(earliest: datetime, latest: datetime) -> list[str | None]:
    infos = SessionTimetable().iter_partition_dagrun_infos(earliest=earliest, latest=latest)
    return [info.partition_key for info in infos]


@pytest.mark.parametrize("at", [time(18, 30), time(9, 0), time(23, 59)])
def test_a_timetable_survives_the_database(at: time) -> None:
    timetable = SessionTimetable(at)
    again = SessionTimetable.deserialize(timetable.serialize())
    assert again.at == at
    assert again.serialize() == timetable.serialize()
    assert f"{at:%H:%M}" in again.summary


def test_first_interval_without_catchup_is_the_last_due_session(clock: Clock) -> None:
    clock(2026, 11, 20, 18, 31)  # Friday evening
    info = first(restriction())
    assert info == DagRunInfo(
        pendulum.datetime(2026, 11, 20, 10, 30, tz="UTC"), None, pendulum.datetime(2026, 11, 20, tz="UTC"), "2026-11-20"
    )


def test_a_session_is_not_due_before_its_time_of_day(clock: Clock) -> None:
    clock(2026, 11, 20, 18, 29)
    assert key(first(restriction())) == "2026-11-19"
    clock(2026, 11, 20, 18, 30)
    assert key(first(restriction())) == "2026-11-20"


@pytest.mark.parametrize("day", [21, 22])
def test_on_a_weekend_the_last_due_session_is_friday(clock: Clock, day: int) -> None:
    clock(2026, 11, day, 20, 0)
    assert key(first(restriction())) == "2026-11-20"


def test_before_monday_evening_the_last_due_session_is_still_friday(clock: Clock) -> None:
    clock(2026, 11, 23, 6, 0)
    assert key(first(restriction())) == "2026-11-20"


def test_next_session_after_the_last_run_steps_over_the_national_day_week(clock: Clock) -> None:
    clock(2026, 10, 3, 12, 0)
    info = following("2026-09-30", restriction())
    assert key(info) == "2026-10-08"
    assert info is not None
    assert info.run_after == pendulum.datetime(2026, 10, 8, 10, 30, tz="UTC")


def test_without_catchup_sessions_missed_while_switched_off_are_passed_over(clock: Clock) -> None:
    clock(2026, 11, 20, 20, 0)
    assert key(following("2026-10-30", restriction())) == "2026-11-20"


def test_with_catchup_no_session_is_passed_over(clock: Clock) -> None:
    clock(2026, 11, 20, 20, 0)
    assert key(following("2026-10-30", restriction(catchup=True))) == "2026-11-02"
    assert key(first(restriction(pendulum.datetime(2026, 10, 1, tz="UTC"), catchup=True))) == "2026-10-08"


def test_a_start_later_in_the_day_than_the_run_begins_with_the_next_session(clock: Clock) -> None:
    clock(2026, 11, 1, 0, 0)
    start = pendulum.datetime(2026, 11, 20, 10, 31, tz="UTC")
    assert key(first(restriction(start, catchup=True))) == "2026-11-23"
    assert key(first(restriction(start.subtract(minutes=1), catchup=True))) == "2026-11-20"


def test_a_start_in_the_future_is_waited_for(clock: Clock) -> None:
    clock(2026, 11, 20, 20, 0)
    assert key(first(restriction(pendulum.datetime(2026, 12, 5, tz="UTC")))) == "2026-12-07"


def test_after_the_end_date_there_is_no_run(clock: Clock) -> None:
    clock(2026, 11, 20, 20, 0)
    due = pendulum.datetime(2026, 11, 20, 10, 30, tz="UTC")
    assert key(first(restriction(latest=due))) == "2026-11-20"
    assert first(restriction(latest=due.subtract(seconds=1))) is None


def test_with_catchup_and_no_start_there_is_nothing_to_run(clock: Clock) -> None:
    clock(2026, 11, 20, 20, 0)
    assert first(restriction(None, catchup=True)) is None


def test_without_a_start_the_first_run_is_the_last_due_session(clock: Clock) -> None:
    clock(2026, 11, 20, 20, 0)
    assert key(first(restriction(None))) == "2026-11-20"


def test_the_year_ends_into_tentative_weekdays(clock: Clock) -> None:
    clock(2027, 1, 1, 12, 0)
    after = following("2026-12-31", restriction())
    assert key(after) == "2027-01-01"
    clock(2027, 1, 4, 19, 0)
    assert key(following("2027-01-01", restriction())) == "2027-01-04"
    assert keys(datetime(2026, 12, 30, tzinfo=UTC), datetime(2027, 1, 31, tzinfo=UTC)) == [
        "2026-12-30", "2026-12-31", "2027-01-01", "2027-01-04",
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Series.values returning")  # exchange_calendars on the newest pandas
def test_a_backfill_walks_every_session_of_its_range_once(clock: Clock) -> None:
    clock(2026, 11, 20, 20, 0)
    peer = exchange_calendars.get_calendar("XSHG", start="2026-01-01", end="2026-11-20")
    walked = keys(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))
    assert walked == [stamp.date().isoformat() for stamp in peer.sessions]


def test_a_backfill_walks_only_sessions_that_are_due(clock: Clock) -> None:
    clock(2026, 11, 20, 12, 0)
    assert keys(datetime(2026, 11, 18, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)) == ["2026-11-18", "2026-11-19"]


def test_a_backfill_of_a_holiday_is_empty(clock: Clock) -> None:
    clock(2026, 11, 20, 20, 0)
    assert keys(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 7, tzinfo=UTC)) == []


@pytest.mark.parametrize("wrong", ["2026-11-21", "2026-10-01", "2026-02-30", "20261120T", "today", ""])
def test_a_key_that_is_no_session_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidPartitionKeyError, match="session"):
        SessionTimetable().resolve_partition_date(wrong)


def test_a_key_that_is_a_session_means_its_midnight_in_utc() -> None:
    assert SessionTimetable().resolve_partition_date("2026-11-20") == datetime(2026, 11, 20, tzinfo=UTC)


def test_two_runs_of_one_session_have_different_names_that_hold_the_session() -> None:
    run_after = pendulum.datetime(2026, 11, 20, 10, 30, tz="UTC")
    names = {
        SessionTimetable().generate_run_id(
            run_type=DagRunType.SCHEDULED, run_after=run_after, data_interval=None, partition_key="2026-11-20"
        )
        for _ in range(5)
    }
    assert len(names) == 5
    assert all(name.startswith("scheduled__2026-11-20__") for name in names)
    assert {DagRunType.from_run_id(name) for name in names} == {DagRunType.SCHEDULED}


def test_a_run_by_hand_has_an_empty_interval() -> None:
    moment = pendulum.datetime(2026, 11, 20, 12, tz="UTC")
    interval = SessionTimetable().infer_manual_data_interval(run_after=moment)
    assert (interval.start, interval.end) == (moment, moment)


def test_data_intervals_are_refused() -> None:
    with pytest.raises(NotImplementedError, match="partitions"):
        SessionTimetable().next_dagrun_info(last_automated_data_interval=None, restriction=restriction())


def test_with_schedules_off_nothing_runs_by_itself_but_keys_and_backfills_do(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    clock(2026, 11, 20, 20, 0)
    monkeypatch.setenv("LJWX_SCHEDULES", "off")
    timetable = SessionTimetable.deserialize(ingest_schedule().serialize())
    everything = TimeRestriction(earliest=None, latest=None, catchup=False)
    assert timetable.next_dagrun_info_v2(last_dagrun_info=None, restriction=everything) is None
    assert timetable.resolve_partition_date("2026-11-20") is not None
    week = timetable.iter_partition_dagrun_infos(
        earliest=datetime(2026, 11, 9, tzinfo=UTC), latest=datetime(2026, 11, 13, tzinfo=UTC)
    )
    assert len(list(week)) == 5
    assert cleanup_schedule() is None
    monkeypatch.delenv("LJWX_SCHEDULES")
    assert ingest_schedule().next_dagrun_info_v2(last_dagrun_info=None, restriction=everything) is not None
    assert cleanup_schedule() is not None


ZONES = [
    "Asia/Shanghai", "UTC", "Europe/Berlin", "America/New_York", "America/Los_Angeles", "Pacific/Honolulu",
    "Australia/Eucla", "Asia/Tokyo", "Australia/Darwin", "Australia/Brisbane", "Australia/Adelaide", "Australia/Sydney",
    "Asia/Kamchatka", "Pacific/Chatham", "Pacific/Auckland",
]  # fmt: skip


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("month", [6, 11])
def test_a_backfill_takes_the_days_that_were_named_wherever_the_person_is(clock: Clock, zone: str, month: int) -> None:
    """The UI sends midnights of the person's zone as moments in UTC; the command line sends midnights in UTC."""
    clock(2026, 11, 20, 20, 0)
    monday, friday = (pendulum.datetime(2026, month, day, tz=zone).in_timezone("UTC") for day in (9, 13))
    week = [day for day in range(9, 14) if datetime(2026, month, day, tzinfo=UTC).weekday() < 5]
    assert keys(monday, friday) == [f"2026-{month:02}-{day:02}" for day in week]


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Pacific/Kiritimati", "America/New_York"])
def test_a_moment_that_tells_its_zone_means_its_day_there(clock: Clock, zone: str) -> None:
    """As Airflow's command line sends days where its own default zone is another one."""
    clock(2026, 11, 20, 20, 0)
    monday, friday = (pendulum.datetime(2026, 11, day, tz=zone) for day in (9, 13))
    assert keys(monday, friday) == [f"2026-11-{day:02}" for day in range(9, 14)]


def test_the_moment_at_which_a_session_is_due_means_that_session(clock: Clock) -> None:
    clock(2026, 11, 20, 20, 0)
    due = datetime(2026, 11, 9, 10, 30, tzinfo=UTC)
    assert keys(due, due) == ["2026-11-09"]


def test_the_partition_date_is_the_session_itself_in_the_calendar_page(clock: Clock) -> None:
    """A page in UTC must show the run on its session's day, not on the day before."""
    clock(2026, 11, 20, 20, 0)
    infos = SessionTimetable().iter_partition_dagrun_infos(
        earliest=datetime(2026, 11, 2, tzinfo=UTC), latest=datetime(2026, 11, 6, tzinfo=UTC)
    )
    dates = [(info.partition_key, info.partition_date) for info in infos]
    assert dates == [(f"2026-11-{day:02}", datetime(2026, 11, day, tzinfo=UTC)) for day in range(2, 7)]


@pytest.fixture
def schedules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Writes the section `schedules` of the configuration file."""
    monkeypatch.setenv("LJWX_INCLUDE", str(tmp_path))
    return lambda section: (tmp_path / "training_config.json").write_text(json.dumps({"schedules": section})) and None


def test_the_configuration_file_sets_the_hours(
    schedules: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LJWX_SCHEDULES", raising=False)
    schedules({"ingest": "20:05", "cleanup": "04:30"})
    assert ingest_schedule().at == time(20, 5)
    cleanup = cleanup_schedule()
    assert cleanup is not None
    assert cleanup.expression == "30 4 * * *"
    schedules({})
    assert ingest_schedule().at == time(18, 30)


@pytest.mark.parametrize("text", ["25:00", "8:30", "18:30:30", "soon", "", 18, None])
def test_an_hour_that_cannot_be_meant_is_refused_by_its_path(schedules: Callable[[Any], None], text: Any) -> None:
    schedules({"ingest": text})
    with pytest.raises(ValueError, match=r"training_config\.json: schedules\.ingest: .* is no time of day like 18:30"):
        ingest_schedule()


@pytest.mark.parametrize("content", ["{", "[]", '{"schedules": 7}'])
def test_a_file_that_is_none_makes_an_import_error_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.setenv("LJWX_INCLUDE", str(tmp_path))
    (tmp_path / "training_config.json").write_text(content)
    with pytest.raises(ValueError, match=r"training_config\.json"):
        ingest_schedule()
