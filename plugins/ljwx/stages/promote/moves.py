"""What stocks did on each of the days after sessions, from the bars that are stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np

from ljwx.core.evidence import DailyMoves, daily_moves
from ljwx.hooks.warehouse import WarehouseHook

SPAN: Final = 60
"""Sessions whose bars are in memory at a time."""


def moves_after(
    warehouse: WarehouseHook, sessions: Sequence[date], calendar: Sequence[date], horizon: int
) -> DailyMoves:
    """Return the moves after sessions; those whose days are not over, or have a day without any bar, are left out.

    :param calendar: all sessions up to the newest.
    """
    place, every = {day: at for at, day in enumerate(calendar)}, list[DailyMoves]()
    for begin in range(0, len(sessions), SPAN):
        part = [day for day in sessions[begin : begin + SPAN] if place[day] + horizon < len(calendar)]
        if part:
            last = place[part[-1]] + horizon
            bars = warehouse.bars(calendar[place[part[0]] + 1], calendar[last])
            every.append(daily_moves(bars, part, calendar, horizon))
    return _joined(every, horizon)


def _joined(every: Sequence[DailyMoves], horizon: int) -> DailyMoves:
    sessions = [session for each in every for session in each.sessions]
    stocks = sorted({stock for each in every for stock in each.stocks})
    values = np.zeros((len(sessions), len(stocks), horizon))
    at, column = 0, {stock: place for place, stock in enumerate(stocks)}
    for each in every:
        values[at : at + len(each.sessions), [column[stock] for stock in each.stocks]] = each.values
        at += len(each.sessions)
    return DailyMoves({session: place for place, session in enumerate(sessions)}, column, values)
