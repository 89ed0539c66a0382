"""What the doctor looks at of the forward record: whether tonight's questions fit before the deadline."""

from __future__ import annotations

from datetime import date, time, timedelta

from ljwx.core.forward.timing import room
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.servers import lacks, servers_of
from ljwx.services.asking.speakers import speakers
from ljwx.services.doctor.finding import Finding
from ljwx.settings import Settings, current_settings
from ljwx.warehouse.forward import ForwardPace

FEWER = "lower forward.stocks or forward.in_full, or name more servers in evaluation.servers"


def record() -> Finding | None:
    """Say how long the models are asked tonight, as fast as last time, and whether that is before the deadline."""
    try:
        settings, warehouse = current_settings(), WarehouseHook()
        pace = warehouse.forward_pace()
    except Exception:
        return None  # the findings before say what is wrong
    if not pace.stocks:
        return None
    slots = sum(server.slots for server in servers_of(settings) if lacks(server, []) is None)
    if not slots:
        return Finding("record", None, "no model server answers")
    stocks = _stocks(warehouse, settings, pace)
    models = len(speakers(warehouse).all) + pace.bases
    needed = _needed(pace, stocks) * models / (pace.ours + pace.bases) / slots
    there = room(time.fromisoformat(settings.schedules.ingest))
    text = (
        f"{stocks} stocks take {models} models about {_shown(needed)} at the pace of last time, {slots} at a time; "
        f"there are {_shown(there)} before the deadline"
    )
    return Finding("record", needed <= there, text, "" if needed <= there else FEWER)


def _needed(pace: ForwardPace, stocks: int) -> timedelta:
    """How long one slot would take for the models of last time: in full as many as then, the classes by the stocks."""
    classes = pace.classes * max(stocks, 1) / pace.stocks
    return timedelta(seconds=classes * (pace.class_s or 0.0) + pace.in_full * (pace.full_s or 0.0))


def _stocks(warehouse: WarehouseHook, settings: Settings, pace: ForwardPace) -> int:
    """How many stocks are asked about: as many as the settings name; as last time where that is an index's members."""
    wanted = settings.forward.stocks
    if isinstance(wanted, int):
        return wanted + len(settings.forward.watchlist)
    if wanted == "all" and (sessions := warehouse.complete_sessions()):
        return _traded(warehouse, sessions[-1])
    return pace.stocks


def _traded(warehouse: WarehouseHook, session: date) -> int:
    return len(warehouse.bars(session, session))


def _shown(length: timedelta) -> str:
    minutes = length.total_seconds() / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
