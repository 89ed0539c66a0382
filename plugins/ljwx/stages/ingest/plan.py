"""Planning an ingest run: its sessions, the reference data they need, and how they are shared out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from airflow.sdk.exceptions import AirflowSkipException

from ljwx.core.bars import RAW, instruments, name_periods
from ljwx.exceptions import MalformedAnswer
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.sources.base import MarketSource
from ljwx.stages.ingest.chunks import by_month
from ljwx.stages.ingest.ranges import requested_sessions
from ljwx.stages.ingest.source import limited_source
from ljwx.stages.runs import recorded_run

NAMED = 10
"""How many days a message names."""


def migrate_warehouse() -> None:
    """Bring the schema `ljwx` to the newest migration."""
    WarehouseHook().migrate()


def plan_ingest() -> list[dict[str, str]]:
    """Refresh the reference data and cut the run's sessions into months.

    Where the source has no calendar the shipped one names the sessions; where it has no list of stocks or names there
    is no reference data to refresh.

    :return: ranges ``{"first": YYYY-MM-DD, "last": YYYY-MM-DD}``, both sessions, in time order; with ``absent``, what
        the source lacks, comma-separated, if anything.
    :raises ConfigurationError: dates that make no range, or a range without a session; nothing is written then.
    :raises AirflowSkipException: the exchange was closed on the run's day.
    """
    wanted = requested_sessions()
    warehouse = WarehouseHook()
    source = limited_source(warehouse)
    sessions = open_days(source, wanted)
    if not sessions:
        raise AirflowSkipException(f"the exchange was closed from {wanted[0]} to {wanted[-1]}")
    with recorded_run(warehouse, first=sessions[0].isoformat(), last=sessions[-1].isoformat()) as run:
        run.outputs |= {"sessions": len(sessions), **_refresh_reference(warehouse, source, run.key, sessions)}
    return [chunk.as_xcom() for chunk in by_month(sessions, source.absent)]


def open_days(source: MarketSource, wanted: Sequence[date]) -> list[date]:
    """Keep the days on which the source says that the exchange is open; all, where it has no calendar.

    :raises MalformedAnswer: it does not say of each day, once, whether it is open or closed.
    """
    calendar = source.calendar(wanted[0], wanted[-1])
    if calendar is None:
        return list(wanted)
    stated: dict[date, list[bool | None]] = {day: [] for day in wanted}
    as_sent: dict[date, list[str]] = {day: [] for day in wanted}
    for day, is_open, raw in calendar.select("session", "is_open", RAW).iter_rows():
        if day in stated:
            stated[day].append(is_open)
            as_sent[day].append(raw)
    unclear = [f"{day}: [{', '.join(as_sent[day])}]" for day in wanted if stated[day] not in ([True], [False])]
    if unclear:
        raise MalformedAnswer(
            f"the calendar does not say once whether the exchange was open on {len(unclear)} day(s): "
            + "; ".join(unclear[:NAMED])
        )
    return [day for day in wanted if stated[day] == [True]]


def _refresh_reference(
    warehouse: WarehouseHook, source: MarketSource, run_key: int, sessions: Sequence[date]
) -> dict[str, int]:
    """Write the confirmed sessions, the instruments of all list states, and names over time."""
    stocks, names = source.instruments(), source.names()
    warehouse.save_sessions(run_key, sessions)
    done: dict[str, int] = {}
    if stocks is not None:
        warehouse.save_unassigned_rejects(run_key, stocks.rejected)
        merged = warehouse.save_instruments(run_key, instruments(stocks.usable))
        done |= {"instruments_new": merged.inserted, "instruments_revised": merged.revised}
    if names is not None:
        warehouse.save_unassigned_rejects(run_key, names.rejected)
        periods = name_periods(names.usable)
        warehouse.save_names(run_key, periods)
        done["names"] = len(periods)
    return done
