"""What the token's tier carries: answers of the hook's verbs, and the names of those that are not to be had."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from ljwx.hooks.tushare import Table, TushareHook

log = logging.getLogger(__name__)


class TierSource:
    """Asks the hook, and remembers what the tier refuses; `daily` is the one interface that every tier has.

    :param absent: interfaces known to be refused; they are not asked again.
    """

    def __init__(self, hook: TushareHook, absent: Iterable[str] = ()) -> None:
        self._hook = hook
        self._absent = set(absent)
        self._carried: set[str] = set()

    @property
    def absent(self) -> list[str]:
        """The interfaces that the tier does not carry, as far as they were asked for, sorted."""
        return sorted(self._absent)

    def lacks(self, api_name: str) -> bool:
        """Say whether the interface was refused."""
        return api_name in self._absent

    def fetch(self, api_name: str, *arguments: str) -> Table | None:
        """Return an interface's answer, or None when the tier does not carry it.

        :raises NoPermission: `daily` is refused as well, or the interface answered before: then it is not the tier.
        """
        from ljwx.exceptions import NoPermission

        if self.lacks(api_name):
            return None
        try:
            table: Table = getattr(self._hook, api_name)(*arguments)
        except NoPermission as refused:
            if api_name in self._carried:
                raise
            self._require_daily()
            self._absent.add(api_name)
            log.warning("going on without %s: %s", api_name, refused)
            return None
        self._carried.add(api_name)
        return table

    def _require_daily(self) -> None:
        """Tell a small tier from a token that is refused everywhere, as one used from too many addresses is."""
        if "daily" not in self._carried:
            self._hook.daily(ts_code="000001.SZ", limit=1)
            self._carried.add("daily")

    def frame(self, api_name: str, *arguments: str) -> pl.DataFrame | None:
        """Return an interface's answer as `wire_frame` makes it, or None."""
        table = self.fetch(api_name, *arguments)
        return None if table is None else wire_frame(table)

    def frames(self, api_name: str, days: Sequence[str]) -> pl.DataFrame | None:
        """Return the answers of several sessions under each other, or None."""
        parts = [table for table in (self.fetch(api_name, day) for day in days) if table is not None]
        return _together(parts) if parts else None

    def daily(self, days: Sequence[str]) -> pl.DataFrame:
        """Return the bars of several sessions, at least one, under each other.

        :raises NoPermission: the token may not even do that.
        """
        parts = [self._hook.daily(day) for day in days]
        self._carried.add("daily")
        return _together(parts)


def _together(parts: Sequence[Table]) -> pl.DataFrame:
    from ljwx.hooks.tushare import Table

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
