"""How the source's list of stocks becomes instruments: what it no longer lists ends, what it renamed goes on elsewhere.

Pure: nothing here may import airflow, HTTP or SQL.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from ljwx.core.bars.canonical import INSTRUMENTS
from ljwx.core.bars.reference import with_board

GONE_SHARE = 0.01
"""Share of the listed stocks that may vanish from one answer without a rename; more is an answer that came short."""
GONE_SLACK = 3
"""Stocks that may always vanish, half of them at most: in a small market one is a large share."""
SILENT_SESSIONS = 5
"""A code that had no bar on the last sessions, so many, although it was expected, is believed to be gone."""
ENDED = {"end_reason": pl.String(), "renamed_to": pl.String()}

Names = Mapping[str, Collection[str]]
"""Code → what it was called."""


@dataclass(frozen=True, eq=False)
class Settled:
    """What an answer of the source makes of the instruments.

    :param instruments: rows to write: columns of ``INSTRUMENTS``, end_reason (renamed or gone, where we ended a code
        and not the source) and renamed_to.
    :param renamed: codes that are newly known to be renamed; ``gone``: codes newly ended without a rename.
    :param doubted: codes that the answer lacks and that are kept, because they are too many to be believed.
    :param relinked: newest codes of stocks of which a code is one now, or is one no more.
    """

    instruments: pl.DataFrame
    renamed: tuple[str, ...]
    gone: tuple[str, ...]
    doubted: tuple[str, ...]
    relinked: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Known:
    """What was known of codes before.

    :param instruments: the stored ones: columns of ``INSTRUMENTS``, end_reason, renamed_to.
    :param names: what stored codes were called.
    :param ends: of codes that were traded, the session after their last one.
    :param silent: codes that lacked a bar on each of the last ``SILENT_SESSIONS`` sessions.
    """

    instruments: pl.DataFrame
    names: Names
    ends: Callable[[Collection[str]], Mapping[str, date]]
    silent: Collection[str] = ()


def settle(
    fetched: pl.DataFrame,
    names: Names,
    mapped: pl.DataFrame | None,
    known: Known,
    unreadable: Collection[str] = (),
) -> Settled:
    """Decide which codes go on, and which have ended.

    A code that the source listed, and does not list any more, ends after the last session it traded. It was renamed
    where the source's mapping says so, or where a code of the same exchange and listing day has its name, now or
    earlier. What is known of a rename stays while an answer merely lacks the newest code.

    :param fetched: the source's instruments, each once.
    :param names: what the source's codes are and were called.
    :param mapped: the source's mapping: ts_code, renamed_to, name, list_date; None where it has none.
    :param unreadable: codes of rows that came and were rejected: they are there.
    """
    there = {*fetched["ts_code"], *unreadable}
    ours = pl.col("delist_date").is_null() | pl.col("end_reason").is_not_null()
    lacking = known.instruments.filter(ours & ~pl.col("ts_code").is_in(list(there)))
    renames = _renames(fetched, lacking, names, mapped, known)
    renamed = pl.col("ts_code").is_in(list(renames))
    gone = lacking.filter(~renamed & pl.col("list_date").is_not_null())
    new = gone.filter(pl.col("end_reason").is_null())
    doubted = _doubted(new, known)
    ended = lacking.filter(renamed | (pl.col("list_date").is_not_null() & ~pl.col("ts_code").is_in(doubted)))
    strange = _never_listed(mapped, {*there, *known.instruments["ts_code"]}, renames)
    rows = pl.concat([_going_on(fetched, renames), _ended(pl.concat([ended, strange]), renames, known)])
    links, before = _links(rows), _links(known.instruments)
    return Settled(
        rows.sort("ts_code"),
        tuple(sorted(code for code, newest in links.items() if newest and before.get(code) != newest)),
        tuple(sorted({*new["ts_code"]}.difference(doubted))),
        tuple(doubted),
        _relinked(before, links),
    )


def _doubted(new: pl.DataFrame, known: Known) -> list[str]:
    """Return the codes that are not believed to be gone: all that had a bar of late, where they are too many."""
    loud = new.filter(~pl.col("ts_code").is_in(list(known.silent)))["ts_code"].sort().to_list()
    listed = known.instruments.filter(pl.col("delist_date").is_null()).height
    return loud if len(loud) > max(GONE_SHARE * listed, min(GONE_SLACK, listed // 2)) else []


def _links(instruments: pl.DataFrame) -> dict[str, str | None]:
    return dict(instruments.select("ts_code", "renamed_to").iter_rows())


def _relinked(before: Mapping[str, str | None], links: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the newest codes of the stocks that codes have come to or left, not of one that is merely renamed on."""
    changed = {(before.get(code), newest) for code, newest in links.items() if before.get(code) != newest}
    left = {was for was, newest in changed if was is not None and (links.get(was, before.get(was)) or was) != newest}
    return tuple(sorted(left | {newest for _, newest in changed if newest is not None}))


def _renames(
    fetched: pl.DataFrame, lacking: pl.DataFrame, names: Names, mapped: pl.DataFrame | None, known: Known
) -> dict[str, str]:
    """Renamed code → newest code that the source lists: by its mapping, or by names, or as stored.

    Of a code that it does not list any more, one that it did list will do: an answer may come short. So names correct
    what is stored only where the stored code is listed.
    """
    listed = {*fetched["ts_code"]}
    once = listed | {*known.instruments["ts_code"]}
    steps = _steps(known.instruments.filter(~pl.col("ts_code").is_in(list(listed))))
    named = _by_name(fetched, lacking, names, known.names)
    steps |= {code: other for code, other in named.items() if code not in steps or steps[code] in listed}
    steps |= {} if mapped is None else _steps(mapped)
    found = {code: _newest(code, steps, listed if code in listed else once) for code in steps}
    return {code: newest for code, newest in found.items() if newest is not None}


def _steps(renames: pl.DataFrame) -> dict[str, str]:
    return dict(renames.select("ts_code", "renamed_to").drop_nulls().iter_rows())


def _newest(code: str, steps: Mapping[str, str], real: Collection[str]) -> str | None:
    """Follow a code's renames to the last one that is real; a circle leads nowhere."""
    first, seen, newest = code, {code}, None
    while (after := steps.get(code)) is not None and after not in seen:
        seen.add(after)
        newest, code = after if after in real else newest, after
    return None if after == first else newest


def _by_name(fetched: pl.DataFrame, lacking: pl.DataFrame, names: Names, before: Names) -> dict[str, str]:
    """Match codes that vanished with listed ones of their exchange and listing day that bear or bore their name."""
    listed: dict[tuple[str, date], list[str]] = defaultdict(list)
    for code, exchange, day in fetched.select("ts_code", "exchange", "list_date").iter_rows():
        listed[exchange, day].append(code)
    pairs = [
        (code, other)
        for code, name, exchange, day in lacking.select("ts_code", "name", "exchange", "list_date").iter_rows()
        if day is not None
        for other in listed.get((exchange, day), ())
        if {name, *before.get(code, ())} & {*names.get(other, ())} - {None}
    ]
    return one_to_one(pairs)


def one_to_one(pairs: Collection[tuple[str, str]]) -> dict[str, str]:
    """Keep the pairs of codes of which each is in no other pair."""
    times = Counter(code for pair in pairs for code in pair)
    return {code: other for code, other in pairs if times[code] == times[other] == 1}


def linked(renames: pl.DataFrame, known: Known) -> pl.DataFrame:
    """Make instruments of old codes, or link those that are there, to the codes which their stocks have now.

    :param renames: ts_code, renamed_to, name, list_date, each code once.
    :return: rows to write, as ``Settled.instruments``.
    """
    links = _steps(renames)
    there = known.instruments.filter(pl.col("ts_code").is_in(list(links)))
    return _ended(pl.concat([there, _never_listed(renames, there["ts_code"], links)]), links, known)


def _never_listed(mapped: pl.DataFrame | None, there: Collection[str], renames: Mapping[str, str]) -> pl.DataFrame:
    """Make instruments of old codes that only the mapping knows: a source may have history under them."""
    schema = {**INSTRUMENTS, **ENDED}
    if mapped is None:
        return pl.DataFrame(schema=schema)
    only = pl.col("ts_code").is_in(list(renames)) & ~pl.col("ts_code").is_in(list(there))
    rows = with_board(mapped.filter(only).unique("ts_code", keep="last", maintain_order=True))
    missing = [pl.lit(None, dtype=kind).alias(name) for name, kind in schema.items() if name not in rows.columns]
    return rows.with_columns(missing).select(*schema)


def _going_on(fetched: pl.DataFrame, renames: Mapping[str, str]) -> pl.DataFrame:
    """Take the source's rows as they are, and say of one that is listed still what it is renamed to."""
    return fetched.select(
        *INSTRUMENTS,
        pl.lit(None, dtype=pl.String).alias("end_reason"),
        pl.col("ts_code").replace_strict(dict(renames), default=None, return_dtype=pl.String).alias("renamed_to"),
    )


def _ended(rows: pl.DataFrame, renames: Mapping[str, str], known: Known) -> pl.DataFrame:
    """End codes after the last session they traded; one that never did, when it was listed, unless it was renamed.

    An end stays where the bars before it are gone.
    """
    ends = dict(known.ends(rows["ts_code"].to_list())) if len(rows) else {}
    code = pl.col("ts_code")
    renamed_to = code.replace_strict(dict(renames), default=None, return_dtype=pl.String)
    after = code.replace_strict(ends, default=None, return_dtype=pl.Date)
    return rows.with_columns(
        renamed_to=renamed_to,
        end_reason=pl.when(renamed_to.is_null()).then(pl.lit("gone")).otherwise(pl.lit("renamed")),
        delist_date=pl.coalesce(after, "delist_date", pl.when(renamed_to.is_null()).then("list_date")),
    ).select(*INSTRUMENTS, *ENDED)
