"""The stage `bars`: which sessions to fetch, and fetching them: wire, rules, one transaction per session."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    import polars as pl

    from ljwx.core.bars import Checked, DayCount
    from ljwx.hooks.tushare import Table, TushareHook
    from ljwx.hooks.warehouse import WarehouseHook

log = logging.getLogger(__name__)

NAMED = 10
"""How many missing stocks a message names."""


def migrate_warehouse() -> None:
    """Bring the schema `ljwx` to the newest migration."""
    from ljwx.hooks.warehouse import WarehouseHook

    WarehouseHook().migrate()


def plan_ingest() -> list[dict[str, str]]:
    """Refresh the reference data and cut the run's sessions into months.

    :return: ranges ``{"first": YYYY-MM-DD, "last": YYYY-MM-DD}``, both sessions, in time order.
    :raises ConfigurationError: dates that make no range, or a range without a session; nothing is written then.
    :raises AirflowSkipException: the exchange was closed on the run's day.
    """
    from itertools import groupby

    from airflow.sdk.exceptions import AirflowSkipException

    from ljwx.hooks.tushare import TushareHook
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.hooks.warehouse.limiter import WarehouseLimiter
    from ljwx.tasks.ranges import requested_sessions
    from ljwx.tasks.runs import recorded_run

    wanted = requested_sessions()
    warehouse = WarehouseHook()
    tushare = TushareHook(limiter=WarehouseLimiter(warehouse, TushareHook.default_conn_name))
    calendar = tushare.trade_cal(f"{wanted[0]:%Y%m%d}", f"{wanted[-1]:%Y%m%d}")
    days = {row[calendar.fields.index("cal_date")] for row in calendar.rows if row[calendar.fields.index("is_open")]}
    sessions = [session for session in wanted if f"{session:%Y%m%d}" in days]
    if not sessions:
        raise AirflowSkipException(f"the exchange was closed from {wanted[0]} to {wanted[-1]}")
    with recorded_run(warehouse, first=sessions[0].isoformat(), last=sessions[-1].isoformat()) as run:
        run.outputs |= {"sessions": len(sessions), **_refresh_reference(warehouse, tushare, run.key, sessions)}
    months = (list(month) for _, month in groupby(sessions, key=lambda session: (session.year, session.month)))
    return [{"first": month[0].isoformat(), "last": month[-1].isoformat()} for month in months]


def _refresh_reference(
    warehouse: WarehouseHook, tushare: TushareHook, run_key: int, sessions: Sequence[date]
) -> dict[str, int]:
    """Write the confirmed sessions, the instruments of all list states, and names over time."""
    from ljwx.core.bars import instruments, name_periods

    stocks = instruments(wire_frame(tushare.stock_basic()))
    names = name_periods(wire_frame(tushare.namechange()))
    warehouse.save_sessions(run_key, sessions)
    merged = warehouse.save_instruments(run_key, stocks)
    warehouse.save_names(run_key, names.iter_rows(named=True))
    return {"instruments_new": merged.inserted, "instruments_revised": merged.revised, "names": len(names)}


def ingest_bars(chunk: dict[str, str]) -> dict[str, int]:
    """Fetch, check and write the sessions of one range, each in a transaction of its own.

    :return: counts of sessions, bars inserted and revised, and rows quarantined.
    :raises NotYetPublished: a session is incomplete; what came is kept, and later stages do not see that session.
    """
    from datetime import date

    from ljwx.hooks.tushare import TushareHook
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.hooks.warehouse.limiter import WarehouseLimiter
    from ljwx.tasks.runs import recorded_run

    warehouse = WarehouseHook()
    tushare = TushareHook(limiter=WarehouseLimiter(warehouse, TushareHook.default_conn_name))
    first, last = date.fromisoformat(chunk["first"]), date.fromisoformat(chunk["last"])
    sessions = warehouse.sessions(first, last)
    with recorded_run(warehouse, **chunk) as run:
        checked, counts, stopped = _judge(tushare, warehouse, sessions)
        warehouse.save_strays(run.key, _strays(checked, sessions).iter_rows(named=True))
        saved = [_save(warehouse, run.key, checked, count, stopped) for count in counts]
        run.outputs |= {
            "sessions": len(saved),
            "inserted": sum(day.inserted for day in saved),
            "revised": sum(day.revised for day in saved),
            "quarantined": sum(day.quarantined for day in saved),
        }
        log.info("%s to %s: %s", first, last, run.outputs)
        _require_complete(counts)
    return dict(run.outputs)


def _judge(
    tushare: TushareHook, warehouse: WarehouseHook, sessions: Sequence[date]
) -> tuple[Checked, tuple[DayCount, ...], pl.DataFrame]:
    """Fetch the sessions' rows and judge them; the session before is fetched too, for rules that look one bar back."""
    from ljwx.core.bars import Context, assemble, check, completeness, special_treatment, suspensions
    from ljwx.resources import sse_calendar
    from ljwx.settings import current_settings

    calendar = sse_calendar()
    stocks = warehouse.instruments()
    days = [f"{session:%Y%m%d}" for session in sessions]
    before = f"{calendar.before(sessions[0]):%Y%m%d}"
    stopped = wire_frames(tushare.suspend_d(day) for day in days)
    whole_days = suspensions(stopped)
    rows = assemble(
        wire_frames(tushare.daily(day) for day in days),
        wire_frames(tushare.adj_factor(day) for day in days),
        wire_frames(tushare.stk_limit(day) for day in days),
    )
    earlier = assemble(wire_frame(tushare.daily(before)), wire_frame(tushare.adj_factor(before)), None)
    context = Context(
        through=sessions[-1],
        sessions=calendar.between(calendar.sessions[0], sessions[-1]),
        instruments=stocks,
        suspended=whole_days,
        special=special_treatment(warehouse.names()),
        before=earlier.select("ts_code", "close", "adj_factor").drop_nulls(),
    )
    checked = check(rows, context)
    tolerance = current_settings().ingest.tolerance
    return checked, completeness(sessions, checked, stocks, whole_days, tolerance), stopped


def _save(warehouse: WarehouseHook, run_key: int, checked: Checked, count: DayCount, stopped: pl.DataFrame) -> Any:
    import polars as pl

    session = count.session
    day = {
        "session": session, "complete": count.complete, "expected": count.expected, "received": count.received,
        "quarantined": count.quarantined, "suspended": count.suspended, "missing": list(count.missing),
    }  # fmt: skip
    halts = stopped.filter(pl.col("trade_date") == f"{session:%Y%m%d}").select(
        "ts_code", kind="suspend_type", timing="suspend_timing"
    )
    return warehouse.save_day(
        run_key,
        day,
        checked.bars.filter(pl.col("session") == session),
        checked.quarantine.filter(pl.col("session") == session).iter_rows(named=True),
        halts.iter_rows(named=True),
    )


def _strays(checked: Checked, sessions: Sequence[date]) -> pl.DataFrame:
    """Return the refused rows that name no session of the range: without a day, or with a wrong one."""
    import polars as pl

    return checked.quarantine.filter(~pl.col("session").is_in(list(sessions)).fill_null(False))


def _require_complete(counts: Iterable[DayCount]) -> None:
    from ljwx.exceptions import NotYetPublished

    short = [count for count in counts if not count.complete]
    if short:
        told = "; ".join(
            f"{count.session}: {count.received} of {count.expected} bars, {count.quarantined} in quarantine"
            + (f", missing {', '.join(count.missing[:NAMED])}" if count.missing else "")
            for count in short[:NAMED]
        )
        raise NotYetPublished(f"{len(short)} session(s) are incomplete: {told}")


def wire_frames(tables: Iterable[Table]) -> pl.DataFrame:
    """Put the answers of several sessions under each other."""
    from ljwx.hooks.tushare import Table

    parts = list(tables)
    return wire_frame(Table(parts[0].fields, [row for part in parts for row in part.rows], parts[0].api_name))


def wire_frame(table: Table) -> pl.DataFrame:
    """Turn an answer into a frame without judging it: a column whose values are of several types becomes text."""
    import polars as pl

    columns = []
    for at, name in enumerate(table.fields):
        values = [row[at] for row in table.rows]
        kinds = {type(value) for value in values} - {type(None)}
        if kinds <= {int, float} and kinds:
            columns.append(pl.Series(name, values, dtype=pl.Float64, strict=False))
        else:
            columns.append(pl.Series(name, [None if v is None else str(v) for v in values], dtype=pl.String))
    return pl.DataFrame(columns)
