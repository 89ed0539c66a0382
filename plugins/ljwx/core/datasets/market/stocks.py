"""Stock-sessions as light rows, and their facts laid down by sessions: one pass over a market, some stocks at a time.

Pure: never imports airflow, an HTTP client or a database driver. No text is made, and of what is wide only some stocks
are in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import polars as pl

from ljwx.core.bars.chaining import chained_for_outcomes
from ljwx.core.bars.reference import BOARDS
from ljwx.core.datasets.content import facts_name
from ljwx.core.datasets.decisions import REASON
from ljwx.core.datasets.labelling import labels_of_facts
from ljwx.core.datasets.market.sessions import Laid, later_name, spans, stocks_name
from ljwx.core.datasets.members import MEMBERS, with_membership
from ljwx.core.datasets.selection import alike
from ljwx.core.labels.outcomes import against_market, calendar_of, outcomes_of_stocks
from ljwx.core.parts import groups, part, places
from ljwx.core.snapshots.facts import facts_of_rows, numbered, signals_in
from ljwx.core.snapshots.profiles import UNKNOWN
from ljwx.core.snapshots.snapshot import profiled

PART_ROWS: Final = 20_000
"""Rows whose facts are made at once; a stock's are never parted."""
BLOCK_ROWS: Final = 250_000
"""About as many rows' facts are kept under one name, those of some whole sessions."""

_KEY: Final = ("ts_code", "session")


@dataclass(frozen=True)
class Stocks:
    """The stocks of a market that was laid down; in what comes out each row has the code of its session."""

    laid: Laid

    @cached_property
    def blocks(self) -> pl.DataFrame:
        """``session`` of each day, in order, and the ``block`` that it belongs to."""
        firsts = [first for first, _ in spans(self.laid.rows.items(), BLOCK_ROWS)]
        days = self._days.to_frame()
        return days.with_columns(block=pl.lit(pl.Series(firsts)).search_sorted(pl.col("session"), side="right") - 1)

    def rows(self) -> pl.DataFrame:
        """One light row per bar, in the order of stocks and sessions; puts the facts of complete ones on the shelf.

        Facts are the columns of :func:`profiled` with ``row``, packed, in its order.

        :returns: row and stock (UInt32, numbered in that order), ts_code, session, complete (its snapshot lacks
            nothing), board, industry, the columns of :func:`labels_of_facts`, run_position (see :func:`alike`), those
            of :func:`with_membership` where the spec names an index, and the columns of
            :func:`ljwx.core.labels.outcomes.outcomes` but gross.
        """
        parts: list[pl.DataFrame] = []
        first = stocks = 0
        for rows in self._groups():
            light = self._group(rows, first).with_columns(stock=pl.col("stock") + stocks)
            first, stocks = first + len(light), int(light["stock"][-1]) + 1
            parts.append(light)
        columns = parts[0].columns
        whole = pl.DataFrame([_column(parts, name) for name in columns])
        return against_market(whole).drop("i").with_row_index("row")

    def _group(self, rows: pl.DataFrame, first: int) -> pl.DataFrame:
        """The light rows of some stocks, by the newest code of each until the end.

        :param first: number of their first row.
        """
        light = pl.concat(list(self._facts(rows, first)))
        happened = outcomes_of_stocks(rows, self._calendar, self._listed, self.laid.known.spec).drop("gross")
        happened = happened.with_columns(pl.col("reason").cast(REASON))
        light = light.join(happened, on=list(_KEY), how="left", maintain_order="left")
        light = light.with_columns(stock=pl.col("ts_code").rle_id())
        if self._members is not None:
            light = with_membership(light, self._members)
        return self._as_traded(light, rows).with_columns(pl.col("ts_code").cast(self._codes))

    def _facts(self, rows: pl.DataFrame, first: int) -> Iterator[pl.DataFrame]:
        """What of the facts stays in memory, of a few stocks at a time; the facts go to the shelf."""
        known = self.laid.known
        words = [pl.col(signal.name).cast(pl.Enum(signal.words)) for signal in signals_in(known.spec.groups)]
        position = alike(known.sessions).cast(pl.UInt32)
        where = places(rows)
        for stocks in groups(where, PART_ROWS):
            mine = part(rows, where, stocks)
            facts = profiled(facts_of_rows(mine, known.spec), known.spec, known.stock_names, known.stock_industries)
            yield facts.select(
                *_KEY, "complete", pl.col("board").cast(_BOARD), pl.col("industry").cast(self._industry),
                *labels_of_facts(known.spec), run_position=position,
            )  # fmt: skip
            packed = facts.with_row_index("row", offset=first).filter("complete").with_columns(words)
            self._put(self._as_traded(packed, mine))
            first += len(mine)

    def _put(self, facts: pl.DataFrame) -> None:
        """Lay facts down by blocks of sessions."""
        blocks = facts.join(self.blocks, on="session", how="left", maintain_order="left")
        for (block,), mine in blocks.partition_by("block", as_dict=True, include_key=False).items():
            self.laid.shelf.put(facts_name(block), mine)

    def _groups(self) -> Iterator[pl.DataFrame]:
        """Rows of some whole stocks at a time, with factors and ``i``."""
        for group in self.laid.groups:
            name = stocks_name(group)
            rows = self.laid.shelf.get(name).sort(_KEY)
            self.laid.shelf.drop(name)
            yield numbered(self._chained(rows, group), self._days)

    def _chained(self, rows: pl.DataFrame, group: int) -> pl.DataFrame:
        """Chain the factors that the source did not have, with what came later."""
        if "unfactored" not in rows.columns:
            return rows
        read = (*_KEY, "close", "pre_close", "adj_factor", "unfactored")
        whole = rows.select(read)
        with suppress(KeyError):
            whole = pl.concat([whole, self.laid.shelf.get(later_name(group)).select(read)]).sort(_KEY)
        if not whole["unfactored"].any():
            return rows.drop("unfactored")
        spec = self.laid.known.spec
        chained = chained_for_outcomes(whole, self.laid.known.sessions, spec.horizon + spec.exit_roll)
        made = chained.filter(pl.col("session") <= self._days[-1])["adj_factor"]
        return rows.drop("unfactored").with_columns(made)

    def _as_traded(self, frame: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
        return self.laid.known.codes.as_traded(frame, rows)

    @cached_property
    def _days(self) -> pl.Series:
        return pl.Series("session", list(self.laid.rows), dtype=pl.Date)

    @cached_property
    def _calendar(self) -> pl.DataFrame:
        return calendar_of(self._days, self.laid.known.sessions)

    @cached_property
    def _listed(self) -> pl.DataFrame:
        return self.laid.known.codes.listed(self.laid.known.instruments)

    @cached_property
    def _members(self) -> pl.DataFrame | None:
        known = self.laid.known
        if known.spec.index is None:
            return None
        members = pl.DataFrame(schema=MEMBERS) if known.members is None else known.members
        return known.codes.as_stocks(members).select(*MEMBERS)

    @cached_property
    def _codes(self) -> pl.Enum:
        """Sorts as text does."""
        return pl.Enum(self.laid.traded)

    @cached_property
    def _industry(self) -> pl.Enum:
        over_time = self.laid.known.industries
        names = [] if over_time is None else over_time["industry"].drop_nulls().unique().to_list()
        return pl.Enum(sorted({UNKNOWN, *names}))


_BOARD: Final = pl.Enum(list(dict.fromkeys(BOARDS.values())))


def _column(parts: list[pl.DataFrame], name: str) -> pl.Series:
    """Take a column out of all parts: a second copy of all of them would be much memory."""
    column = pl.concat([each.get_column(name) for each in parts], rechunk=True)
    for at, each in enumerate(parts):
        parts[at] = each.drop(name)
    return column
