"""What of the market is there: how many sessions are whole, up to when, and what waits or is absent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ljwx.core.features import FEATURE_VERSION
from ljwx.hooks.warehouse import WarehouseHook


@dataclass(frozen=True)
class DataState:
    """The state of the bars.

    :param sessions: complete ones; `first` and `last` of them, None before there is one.
    :param features_wait_from: the first session whose bars are newer than their features; None where none is.
    :param absent: interfaces that the last session was fetched without.
    """

    sessions: int
    first: date | None
    last: date | None
    features_wait_from: date | None
    absent: tuple[str, ...]


def data_state(warehouse: WarehouseHook) -> DataState:
    """Return the state of the bars."""
    complete = warehouse.complete_sessions()
    first, last = (complete[0], complete[-1]) if complete else (None, None)
    waits = warehouse.stale_from(FEATURE_VERSION) if complete else None
    return DataState(len(complete), first, last, waits, tuple(warehouse.absent_interfaces() or ()))
