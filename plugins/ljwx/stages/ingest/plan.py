"""Planning an ingest run: its sessions, the reference data they need, and how they are shared out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from airflow.sdk.exceptions import AirflowSkipException

from ljwx.core.bars import RAW
from ljwx.exceptions import MalformedAnswer
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.notifications.alerts import send_left
from ljwx.resources import sse_calendar
from ljwx.services.ingesting.reference import refresh_reference
from ljwx.services.ingesting.source import limited_source
from ljwx.sources.base import MarketSource
from ljwx.stages.ingest.catch_up import left_out, runs_of
from ljwx.stages.ingest.chunks import Chunk, by_month
from ljwx.stages.ingest.ranges import requested_sessions
from ljwx.stages.runs import recorded_run

log = logging.getLogger(__name__)

NAMED = 10
"""How many days a message names."""


def migrate_warehouse() -> None:
    """Bring the schema `ljwx` to the newest migration."""
    WarehouseHook().migrate()


def plan_ingest() -> list[dict[str, str]]:
    """Refresh the reference data and cut the run's sessions into months, before them those that are missing.

    Complete sessions that lack something are asked for with the run's own session, after it: it must not want for what
    they take. Where the source has no calendar the shipped one names the sessions; where it has no list of stocks or
    names there is no reference data to refresh. First of all go the alerts of other runs that reached nobody.

    :return: what ``Chunk.as_xcom`` writes, in time order.
    :raises ConfigurationError: dates that make no range, or a range without a session; nothing is written then.
    :raises AirflowSkipException: the exchange was closed on the run's day.
    """
    send_left()
    wanted = requested_sessions()
    warehouse = WarehouseHook()
    source = limited_source(warehouse)
    earlier = left_out(warehouse, wanted[0])
    asked = open_days(source, wanted, [day.session for day in earlier])
    own, opened = ([day for day in asked if (day < wanted[0]) is before] for before in (False, True))
    if not own and not opened:
        raise AirflowSkipException(f"the exchange was closed from {wanted[0]} to {wanted[-1]}")
    with recorded_run(warehouse, first=asked[0].isoformat(), last=asked[-1].isoformat()) as run:
        reference = refresh_reference(warehouse, source, run.key)
        whole = set(warehouse.complete_sessions())
        confirmed = [day for day in earlier if day.session in opened]
        missing = [day.session for day in confirmed if not day.lacking and day.session not in whole]
        late = tuple(day.session for day in confirmed if own and day.can_gain(source))
        closed = [day.session for day in earlier if day.session not in opened]
        parts = [*runs_of(missing, closed), own]
        for sessions in filter(None, parts):
            warehouse.save_sessions(run.key, sessions)
        made_up = {"catch_up": len(missing), "lacking": len(late)}
        run.outputs |= {"sessions": len(own), **{name: count for name, count in made_up.items() if count}, **reference}
    chunks = [chunk for sessions in parts for chunk in _chunks(source, sessions, catch_up=sessions is not own)]
    if late:
        log.info("%d earlier session(s), %s to %s, lack something: they are asked for it", len(late), late[0], late[-1])
        chunks[-1] = replace(chunks[-1], late=late)
    return [chunk.as_xcom() for chunk in chunks]


def _chunks(source: MarketSource, sessions: Sequence[date], *, catch_up: bool) -> list[Chunk]:
    if catch_up:
        log.warning(
            "%d earlier session(s), %s to %s, are missing or lack something: this run makes up for them",
            len(sessions), sessions[0], sessions[-1],
        )  # fmt: skip
    return by_month(sessions, source.absent, source.deferred, catch_up=catch_up)


def open_days(source: MarketSource, wanted: Sequence[date], earlier: Sequence[date] = ()) -> list[date]:
    """Keep the days on which the source says that the exchange was open.

    All of them are one question, because a small token has no second one. Without an answer all wanted days are kept,
    and the earlier ones that the shipped calendar is certain of.

    :param earlier: days before those wanted, sorted.
    :raises MalformedAnswer: it does not say of each day, once, whether it is open or closed.
    """
    days = [*earlier, *wanted]
    calendar = source.calendar(days[0], days[-1])
    if calendar is None:
        return [*(day for day in earlier if not sse_calendar().is_tentative(day)), *wanted]
    stated: dict[date, list[bool | None]] = {day: [] for day in days}
    as_sent: dict[date, list[str]] = {day: [] for day in days}
    for day, is_open, raw in calendar.select("session", "is_open", RAW).iter_rows():
        if day in stated:
            stated[day].append(is_open)
            as_sent[day].append(raw)
    unclear = [f"{day}: [{', '.join(as_sent[day])}]" for day in days if stated[day] not in ([True], [False])]
    if unclear:
        raise MalformedAnswer(
            f"the calendar does not say once whether the exchange was open on {len(unclear)} day(s): "
            + "; ".join(unclear[:NAMED])
        )
    return [day for day in days if stated[day] == [True]]
