"""A stock's bars, what models said about it, and what came true."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

from ljwx.core.analysis.chart import charted
from ljwx.core.tasks import TASKS
from ljwx.hooks.market import market_terms
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.warehouse.forward_outcomes import StockAnswer

Outcome = Literal["right", "wrong", "open", "none", "late", "unreadable"]
"""open: it waits for its horizon; none: there never will be an outcome; late, unreadable: it counts as no call."""


@dataclass(frozen=True)
class Call:
    """What a model said, and what became of it. ``chance``: the probability it gave to the class it said."""

    session: date
    task: str
    model: str
    said: str | None
    chance: float | None
    came: str | None
    outcome: Outcome


@dataclass(frozen=True)
class StockBars:
    """A stock's newest bars, with averages and bands, and the calls about it in their time.

    :param bars: columns of :func:`ljwx.core.analysis.chart.charted`.
    :param comparable: whether prices are comparable over ex-rights.
    :param terms: what is known of how the source lets its data be used.
    """

    bars: pl.DataFrame
    comparable: bool
    calls: tuple[Call, ...]
    terms: str | None


def terms_of_prices() -> str | None:
    """Return what is known of how the market's source lets its prices be used."""
    known = market_terms()
    return None if known is None else known.allows


def stock_bars(warehouse: WarehouseHook, ts_code: str, newest: int) -> StockBars:
    """Return the newest bars of a stock, also those under codes that it had before."""
    codes = warehouse.codes().all_of([ts_code])
    frame, comparable = charted(warehouse.stock_bars(codes, ts_code, newest))
    first = frame.item(0, "session") if len(frame) else date.max
    calls = tuple(_call(each) for each in warehouse.stock_answers(codes, first))
    return StockBars(frame, comparable, calls, terms_of_prices())


def _call(each: StockAnswer) -> Call:
    given = each.probabilities
    said = None if given is None else max(TASKS[each.task].classes, key=lambda name: given.get(name, 0.0))
    chance = None if given is None or said is None else given.get(said)
    return Call(each.session, each.task, each.answerer, said, chance, each.came, _outcome(each, said))


def _outcome(each: StockAnswer, said: str | None) -> Outcome:
    if each.late:
        return "late"
    if said is None:
        return "unreadable"
    if each.came is None:
        return "open" if each.reason is None else "none"
    return "right" if said == each.came else "wrong"
