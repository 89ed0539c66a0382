"""The stocks that the warehouse knows, to be found by code, name and pinyin."""

from __future__ import annotations

import polars as pl

from ljwx.core.analysis.stocks import Directory, KnownStock, Spelling
from ljwx.hooks.warehouse import WarehouseHook


def directory(warehouse: WarehouseHook) -> Directory:
    """Return the stocks of all list states with their names, today's and those before."""
    names = warehouse.names().group_by("ts_code").agg(pl.col("name").unique(maintain_order=True))
    known = warehouse.instruments().join(names, on="ts_code", how="left", suffix="_before")
    rows = known.select("ts_code", pl.col("name").fill_null(""), "name_before").iter_rows()
    return Directory((_known(code, name, before or []) for code, name, before in rows), spelling)


def _known(ts_code: str, name: str, names: list[str]) -> KnownStock:
    newest = name or (names[-1] if names else "")
    return KnownStock(ts_code, newest, tuple(each for each in names if each and each != newest))


def spelling(name: str) -> Spelling:
    """Return the pinyin of a name, whole and by its first letters; letters stay, other signs are left out."""
    from pypinyin import Style, lazy_pinyin  # loads a dictionary, which only who spells a name needs

    parts = [part for part in lazy_pinyin(name, style=Style.NORMAL) if part.isalnum()]
    return "".join(parts).lower(), "".join(part if _is_letters(part, name) else part[0] for part in parts).lower()


def _is_letters(part: str, name: str) -> bool:
    """Whether a part stood in the name as it is, such as the A of 万科A."""
    return part in name
