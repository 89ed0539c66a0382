"""Which stocks a session of the forward record is about. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import date
from typing import Final

import polars as pl

from ljwx.core.bars.codes import Codes
from ljwx.core.datasets.members import with_membership

TURNOVER_SESSIONS: Final = 20
"""Sessions over which turnover is summed: one of an unusual day does not choose."""


def traded_on(bars: pl.DataFrame, session: date) -> list[str]:
    """Return the stocks that have a bar on a session, sorted."""
    return sorted(bars.filter(session=session).get_column("ts_code").to_list())


def most_traded(bars: pl.DataFrame, session: date, most: int, codes: Codes) -> list[str]:
    """Return the stocks of a session with the largest turnover of the last sessions up to it, sorted by code.

    :param bars: ts_code, session, close, vol (lots) and amount (thousand CNY); a source may not carry amounts.
    """
    days = bars.filter(pl.col("session") <= session).get_column("session").unique().sort().tail(TURNOVER_SESSIONS)
    turnover = pl.coalesce("amount", pl.col("vol") * pl.col("close") / 10).fill_null(0).sum()
    recent = codes.as_stocks(bars.filter(pl.col("session").is_in(days.implode())))
    summed = dict(recent.group_by("ts_code").agg(turnover.alias("turnover")).iter_rows())
    there = traded_on(bars, session)
    there.sort(key=lambda code: (-summed.get(codes.stock_of(code), 0.0), code))
    return sorted(there[:most])


def members_on(bars: pl.DataFrame, session: date, members: pl.DataFrame, codes: Codes) -> list[str]:
    """Return the stocks of a session that the index's list in force names, sorted; none where there is no list.

    :param members: session (the list's day) and ts_code.
    """
    there = traded_on(bars, session)
    rows = pl.DataFrame({"ts_code": [codes.stock_of(code) for code in there], "session": session, "code": there})
    if rows.is_empty():
        return []
    found = with_membership(rows, codes.as_stocks(members)).filter("member")
    return sorted(found.get_column("code").to_list())


def in_full(session: date, stocks: Sequence[str], watchlist: Collection[str], sample: int) -> set[str]:
    """Return the stocks that are asked about in full: those of the watchlist, and a draw that each session makes anew.

    The draw is by a hash of session and code: known to everybody, chosen by nobody.
    """
    others = [code for code in stocks if code not in watchlist]
    others.sort(key=lambda code: hashlib.sha256(f"{session}:{code}".encode()).digest())
    return {*(code for code in stocks if code in watchlist), *others[:sample]}
