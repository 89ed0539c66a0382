"""Answers that are not to be believed: asked for again, but ever more seldom, because a small token has few calls."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from ljwx.core.bars import Capability
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.sources.base import MarketSource
from ljwx.warehouse.market.sources import SHANGHAI, last_close


@dataclass(frozen=True)
class Doubt:
    """What may be doubted about a capability's answer.

    :param count: the name under which runs record how much they doubted; ``answer``: one that they record of each.
    """

    capability: Capability
    count: str
    answer: str


def doubt(warehouse: WarehouseHook, source: MarketSource, about: Doubt) -> None:
    """Let the next run ask for a capability again before the next close, unless the doubt has lasted for a while."""
    if is_worth_a_call(warehouse.doubts(about.count, about.answer), datetime.now(SHANGHAI)):
        source.doubt(about.capability)


def is_worth_a_call(doubts: Collection[datetime], now: datetime) -> bool:
    """Say whether a doubt is to cost a call today: once a day, on the first, the second, the fourth, the eighth day …

    A day is the time from one close to the next. The answer itself is fetched each day, and may settle it.

    :param doubts: when runs had this doubt before, since an answer without it.
    """
    days = {last_close(moment) for moment in doubts}
    number = len(days) + 1
    return last_close(now) not in days and number & (number - 1) == 0
