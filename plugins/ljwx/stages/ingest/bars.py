"""The stage `bars`: which sessions to fetch, and fetching them: wire, rules, one transaction per session."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from typing import Any

import polars as pl
from airflow.sdk.exceptions import AirflowSkipException

from ljwx.core.bars import DayCount, instruments, instruments_seen, name_periods, split_valid
from ljwx.exceptions import MalformedAnswer, NotYetPublished
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.stages.ingest.index_lists import save_lists
from ljwx.stages.ingest.ranges import requested_sessions
from ljwx.stages.ingest.sources import Source, source_of
from ljwx.stages.ingest.validation import ValidatedBars, validate_bars
from ljwx.stages.runs import recorded_run
from ljwx.warehouse.bars import SavedDay

log = logging.getLogger(__name__)

NAMED = 10
"""How many missing stocks a message names."""


def migrate_warehouse() -> None:
    """Bring the schema `ljwx` to the newest migration."""

    WarehouseHook().migrate()


def plan_ingest() -> list[dict[str, str]]:
    """Refresh the reference data and cut the run's sessions into months.

    Without trade_cal in the tier the shipped calendar names the sessions; without stock_basic or namechange there is
    no reference data to refresh.

    :return: ranges ``{"first": YYYY-MM-DD, "last": YYYY-MM-DD}``, both sessions, in time order; with ``absent``, the
        interfaces that were refused, comma-separated, where there are any.
    :raises ConfigurationError: dates that make no range, or a range without a session; nothing is written then.
    :raises AirflowSkipException: the exchange was closed on the run's day.
    """

    wanted = requested_sessions()
    warehouse = WarehouseHook()
    source = source_of(warehouse)
    sessions = _confirmed(source, wanted)
    if not sessions:
        raise AirflowSkipException(f"the exchange was closed from {wanted[0]} to {wanted[-1]}")
    with recorded_run(warehouse, first=sessions[0].isoformat(), last=sessions[-1].isoformat()) as run:
        run.outputs |= {"sessions": len(sessions), **_refresh_reference(warehouse, source, run.key, sessions)}
    refused = {"absent": ",".join(source.absent)} if source.absent else {}
    months = (list(month) for _, month in groupby(sessions, key=lambda session: (session.year, session.month)))
    return [{"first": month[0].isoformat(), "last": month[-1].isoformat(), **refused} for month in months]


def _confirmed(source: Source, wanted: Sequence[date]) -> list[date]:
    """Keep the days on which trade_cal says that the exchange is open; all, where the tier does not carry it.

    :raises MalformedAnswer: it does not say of each day, once, whether it is open (1) or closed (0).
    """

    calendar = source.fetch("trade_cal", f"{wanted[0]:%Y%m%d}", f"{wanted[-1]:%Y%m%d}")
    if calendar is None:
        return list(wanted)
    day_at, open_at = (calendar.fields.index(name) for name in ("cal_date", "is_open"))
    told: dict[str, list[Any]] = {}
    for row in calendar.rows:
        told.setdefault(row[day_at], []).append(row[open_at])
    said = {day: told.get(f"{day:%Y%m%d}", []) for day in wanted}
    odd = [f"{day}: {said[day]}" for day in wanted if said[day] not in ([0], [1])]
    if odd:
        raise MalformedAnswer(
            f"trade_cal does not say once, by 0 or 1, whether the exchange was open on {len(odd)} day(s): "
            + "; ".join(odd[:NAMED])
        )
    return [day for day in wanted if said[day] == [1]]


def _refresh_reference(
    warehouse: WarehouseHook, source: Source, run_key: int, sessions: Sequence[date]
) -> dict[str, int]:
    """Write the confirmed sessions, the instruments of all list states, and names over time."""

    stocks, names = source.frame("stock_basic"), source.frame("namechange")
    warehouse.save_sessions(run_key, sessions)
    done: dict[str, int] = {}
    if stocks is not None:
        usable, refused = split_valid("stock_basic", stocks)
        warehouse.save_unassigned_rejects(run_key, refused.iter_rows(named=True))
        merged = warehouse.save_instruments(run_key, instruments(usable))
        done |= {"instruments_new": merged.inserted, "instruments_revised": merged.revised}
    if names is not None:
        usable, refused = split_valid("namechange", names)
        warehouse.save_unassigned_rejects(run_key, refused.iter_rows(named=True))
        periods = name_periods(usable)
        warehouse.save_names(run_key, periods.iter_rows(named=True))
        done["names"] = len(periods)
    return done


def ingest_bars(chunk: dict[str, str]) -> dict[str, int]:
    """Fetch, check and write the sessions of one range, each in a transaction of its own.

    A complete session that was fetched with an interface that the tier does not carry now is left as it is; what was
    refused of its rows is kept.

    Where the settings name an index its lists of members come along, after the bars: what a day lacks is fixed by then,
    and no day waits for a list.

    :return: counts of sessions, bars inserted, revised and withdrawn, rows quarantined, and of an index's lists.
    :raises NotYetPublished: a session is incomplete; what came is kept, and later stages do not see that session.
    """

    warehouse = WarehouseHook()
    source = source_of(warehouse, filter(None, chunk.get("absent", "").split(",")))
    first, last = date.fromisoformat(chunk["first"]), date.fromisoformat(chunk["last"])
    sessions = warehouse.sessions(first, last)
    with recorded_run(warehouse, **chunk) as run:
        judged = validate_bars(source, warehouse, sessions)
        counts = _not_better_known(warehouse, judged)
        warehouse.save_unassigned_rejects(run.key, _unassigned_rejects(judged, counts).iter_rows(named=True))
        if source.lacks("stock_basic"):
            warehouse.save_seen(run.key, instruments_seen(judged.checked.bars).iter_rows(named=True))
        saved = [_save(warehouse, run.key, judged, count) for count in counts]
        run.outputs |= {
            "sessions": len(saved),
            "inserted": sum(day.inserted for day in saved),
            "revised": sum(day.revised for day in saved),
            "quarantined": sum(day.quarantined for day in saved),
            "withdrawn": sum(day.withdrawn for day in saved),
            **save_lists(source, warehouse, run.key, first, last),
        }
        log.info("%s to %s: %s", first, last, run.outputs)
        _require_complete(counts)
    return dict(run.outputs)


def _not_better_known(warehouse: WarehouseHook, judged: ValidatedBars) -> list[DayCount]:
    """Leave out complete sessions that have what now is lacking: another tier takes nothing away, whatever it adds."""
    sessions = [count.session for count in judged.counts]
    better = {
        day["session"]
        for day in warehouse.days(sessions[0], sessions[-1])
        if day["complete"] and not set(judged.absent) <= set(day["absent"])
    }
    if better:
        log.warning("%d session(s) stay as they are: they have what is lacking now", len(better))
    return [count for count in judged.counts if count.session not in better]


def _save(warehouse: WarehouseHook, run_key: int, judged: ValidatedBars, count: DayCount) -> SavedDay:

    session = count.session
    day = {
        "session": session, "complete": count.complete, "expected": count.expected, "received": count.received,
        "quarantined": count.quarantined, "suspended": count.suspended, "unfactored": count.unfactored,
        "missing": list(count.missing), "absent": judged.absent,
    }  # fmt: skip
    halts: Iterable[dict[str, Any]] = ()
    if judged.stopped is not None:
        today = judged.stopped.filter(pl.col("trade_date") == f"{session:%Y%m%d}")
        halts = today.select("ts_code", kind="suspend_type", timing="suspend_timing").iter_rows(named=True)
    return warehouse.save_day(
        run_key,
        day,
        judged.checked.bars.filter(pl.col("session") == session),
        judged.quarantine.filter(pl.col("session") == session).iter_rows(named=True),
        halts,
    )


def _unassigned_rejects(judged: ValidatedBars, counts: Iterable[DayCount]) -> pl.DataFrame:
    """Return the refused rows of no written session: without a day, with a wrong one, or of one that stays as it is."""

    written = [count.session for count in counts]
    return judged.quarantine.filter(~pl.col("session").is_in(written).fill_null(False))


def _require_complete(counts: Iterable[DayCount]) -> None:

    short = [count for count in counts if not count.complete]
    if short:
        told = "; ".join(
            f"{count.session}: {count.received} of {count.expected} bars, {count.quarantined} in quarantine"
            + (f", {count.unfactored} without a factor" if count.unfactored else "")
            + (f", missing {', '.join(count.missing[:NAMED])}" if count.missing else "")
            for count in short[:NAMED]
        )
        raise NotYetPublished(f"{len(short)} session(s) are incomplete: {told}")
