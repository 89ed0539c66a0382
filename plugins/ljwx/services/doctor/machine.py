"""What the doctor looks at on this machine and in Airflow: settings, files, calendar, disk, pools."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

from ljwx.files import data_root, is_local
from ljwx.resources import DEFERRED_POOLS, POOL_SLOTS, overridden, overrides_folder, packaged_folder, sse_calendar
from ljwx.schedule import SHANGHAI
from ljwx.services.doctor.finding import Finding
from ljwx.settings import current_settings

DISK_FREE = 2 << 30
"""Bytes: a dataset of the whole market and a build's temporary files fit in it."""
CALENDAR_DAYS = 30


def settings() -> Finding:
    """Return strategy and base of the settings in force."""
    chosen = current_settings().model
    return Finding("settings", True, f"valid: {chosen.strategy} on {chosen.base}")


def include() -> Finding | None:
    """Name the files that stand in for the packaged ones; there is nothing to look at without `LJWX_INCLUDE`."""
    mine = overrides_folder()
    if mine is None:
        return None
    if not mine.is_dir():
        return Finding("include", False, f"LJWX_INCLUDE: there is no folder {mine}", "make it, or unset LJWX_INCLUDE")
    others = ", ".join(name for name, differs in overridden().items() if differs)
    found = f"from {mine}: {others}" if others else f"no file in {mine} differs from the packaged one"
    has_sql = (mine / "sql").is_dir() and mine != packaged_folder()
    return Finding("include", True, found + ("; its sql is not used: SQL comes with the code" if has_sql else ""))


def calendar() -> Finding:
    """Look how long the calendar of sessions still lasts."""
    known = sse_calendar()
    left = known.days_left(datetime.now(SHANGHAI).date())
    fine = left >= CALENDAR_DAYS
    advice = (
        "" if fine else "ljwx sessions refresh, once the exchange has published the next year; restart Airflow then"
    )
    return Finding("calendar", fine, f"known through {known.known_through}, {left} days", advice)


def disk() -> Finding:
    """Look how much room the data folder has."""
    root = data_root()
    if not is_local(root):
        return Finding("disk", None, f"files are at {root}")
    folder = Path(root.path)
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(there).free
    fine = free >= DISK_FREE
    advice = "" if fine else "make room, or run ljwx_cleanup with dry_run false"
    return Finding("disk", fine, f"{free / (1 << 30):.1f} GiB free for {folder}", advice)


def pools() -> Finding:
    """Tasks of a pool that does not exist wait for ever."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        from airflow.models.pool import Pool

        missing = [name for name in POOL_SLOTS if Pool.get_pool(name) is None]
    except (SQLAlchemyError, ImportError, RuntimeError):
        return Finding("pools", None, "Airflow's own database was not reached")
    if not missing:
        return Finding("pools", True, f"{', '.join(POOL_SLOTS)} are there")
    kept = {name: " --include-deferred" if name in DEFERRED_POOLS else "" for name in missing}
    command = "; ".join(f"airflow pools set {name} {POOL_SLOTS[name]} ljwx{kept[name]}" for name in missing)
    return Finding("pools", False, f"missing: {', '.join(missing)}; their tasks would wait for ever", command)
