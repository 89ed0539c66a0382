"""Stock-sessions as light rows, and the facts of those that were chosen: the two passes over a market.

Pure: never imports airflow, an HTTP client or a database driver. Both passes take some stocks at a time and make no
text, so that a market of a million samples fits into little memory.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import polars as pl

from ljwx.core.bars.codes import Codes
from ljwx.core.datasets.labelling import labels_of_facts
from ljwx.core.datasets.selection import alike
from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.labels.outcomes import outcomes
from ljwx.core.parts import Places, by_stock, groups, part, places
from ljwx.core.snapshots.facts import bars_with_ranks, facts_of_stocks, signals_in
from ljwx.core.snapshots.profiles import of_stocks
from ljwx.core.snapshots.snapshot import profiled

PART_ROWS: Final = 20_000
"""Rows whose facts are in memory at once; a stock's are never parted."""


@dataclass(frozen=True)
class Market:
    """What a dataset is made from; see :func:`ljwx.core.datasets.build.build`.

    In the frames that come out ts_code is the newest code of each stock, until :meth:`as_traded`.
    """

    bars: pl.DataFrame
    features: pl.DataFrame
    instruments: pl.DataFrame
    sessions: Sequence[dt.date]
    names: pl.DataFrame | None
    industries: pl.DataFrame | None
    spec: SampleSpec
    codes: Codes

    def rows(self) -> pl.DataFrame:
        """One light row per bar, in (ts_code, session) order.

        :returns: row and stock (UInt32, numbered in that order), ts_code, session, complete (its snapshot lacks
            nothing), the columns of :func:`labels_of_facts`, run_position (see :func:`alike`), and the columns of
            :func:`outcomes` but gross.
        """
        listed = self.codes.listed(self.instruments)
        happened = outcomes(self._stocks, listed, self.sessions, self.spec).drop("gross")
        labels = labels_of_facts(self.spec)
        position = alike(self.sessions).cast(pl.UInt32)
        light = [
            facts.select("ts_code", "session", "complete", *labels, run_position=position) for _, facts in self._facts()
        ]
        return (
            pl.concat(light)
            .join(happened, on=["ts_code", "session"], how="left", maintain_order="left")
            .with_columns(stock=pl.col("ts_code").rle_id())
            .with_row_index("row")
        )

    def facts_of(self, wanted: pl.Series) -> pl.DataFrame:
        """The facts of some rows, packed: the columns of :func:`profiled` with ``row``, in its order.

        :param wanted: for each row of :meth:`rows`, whether it is.
        """
        words = [pl.col(s.name).cast(pl.Enum(s.words)) for s in signals_in(self.spec.groups)]
        chosen = []
        for first, facts in self._facts():
            numbered = facts.with_row_index("row", offset=first).filter(wanted.slice(first, len(facts)))
            chosen.append(numbered.with_columns(words))
        return pl.concat(chosen, rechunk=True)

    def _facts(self) -> Iterator[tuple[int, pl.DataFrame]]:
        """Facts of some stocks at a time, each with the number of its first row."""
        first = 0
        for stocks in groups(self._bar_places, PART_ROWS):
            bars = part(self._prepared, self._bar_places, stocks)
            features = part(self._features, self._feature_places, stocks)
            yield (
                first,
                profiled(facts_of_stocks(bars, features, self.spec), self.spec, *self._profiles),
            )
            first += len(bars)

    def as_traded(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Give each row the code of its session."""
        return self.codes.as_traded(rows, self._stocks)

    @cached_property
    def _stocks(self) -> pl.DataFrame:
        return self.codes.as_stocks(self.bars)

    @cached_property
    def _profiles(self) -> tuple[pl.DataFrame | None, pl.DataFrame | None]:
        return of_stocks(self.names, self.codes), of_stocks(self.industries, self.codes)

    @cached_property
    def _prepared(self) -> pl.DataFrame:
        _, industries = self._profiles
        return bars_with_ranks(self._stocks, self._features, self.spec, industries)

    @cached_property
    def _features(self) -> pl.DataFrame:
        return by_stock(self.codes.as_stocks(self.features))

    @cached_property
    def _bar_places(self) -> Places:
        return places(self._prepared)

    @cached_property
    def _feature_places(self) -> Places:
        return places(self._features)
