"""Watchlists: read and changed by their owners."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from ljwx.exceptions import NotFound
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.analysing.analyst import Analyst
from ljwx.warehouse.served.watchlists import Owner

__all__ = ["MOST_STOCKS", "Owner", "add_to_watchlist", "set_watchlist", "take_off_watchlist", "watchlist"]

MOST_STOCKS: Final = 100
"""Of one list."""


def watchlist(warehouse: WarehouseHook, owner: Owner) -> list[str]:
    """Return somebody's stocks in their order."""
    return warehouse.watchlist(owner)


def set_watchlist(analyst: Analyst, owner: Owner, codes: Sequence[str]) -> list[str]:
    """Let these be somebody's stocks, each once, and return them.

    :raises NotFound: one of them is not known, or there is no room for so many; nothing is changed then.
    """
    return _change(analyst, owner, lambda _: codes)


def add_to_watchlist(analyst: Analyst, owner: Owner, code: str) -> list[str]:
    """Add a stock to somebody's, and return them all; one that is there stays where it is. Errors as above."""
    return _change(analyst, owner, lambda there: [*there, code])


def take_off_watchlist(analyst: Analyst, owner: Owner, code: str) -> list[str]:
    """Take a stock off somebody's, and return the others.

    :raises NotFound: it is not among them.
    """

    def without(there: list[str]) -> list[str]:
        if code not in there:
            raise NotFound(f"{code} is not on this watchlist", f"{code} 不在自选股里", "unknown")
        return [each for each in there if each != code]

    return analyst.warehouse.change_watchlist(owner, without)


def _change(analyst: Analyst, owner: Owner, change: Callable[[list[str]], Sequence[str]]) -> list[str]:
    """Change somebody's stocks, where all are known and they are not too many."""
    known = analyst.directory().by_code

    def checked(there: list[str]) -> list[str]:
        wanted = list(dict.fromkeys(change(there)))
        unknown = next((code for code in wanted if code not in known and code not in there), None)
        if unknown is not None:
            raise NotFound(f"no stock {unknown} is known", f"没有代码为 {unknown} 的股票", "unknown")
        if len(wanted) > max(MOST_STOCKS, len(there)):
            raise NotFound(f"a watchlist has {MOST_STOCKS} stocks at most, not {len(wanted)}", kind="too_many")
        return wanted

    return analyst.warehouse.change_watchlist(owner, checked)
