"""What a feature group is: what it needs from the bars, its features, and what of them a snapshot holds, as data.

Pure: nothing here may import airflow, HTTP or SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import polars as pl

from ljwx.core.features.announced import AnnouncedTable
from ljwx.core.features.citable import Citable, of_group
from ljwx.core.features.facts import Fact
from ljwx.core.features.of_index import IndexTable
from ljwx.core.features.signals import Signal
from ljwx.core.features.tables import FactTable
from ljwx.core.features.windows import Block, Column

Indicator = Callable[[Block], dict[str, Column]]
"""Makes some features of a block; price-like ones in units of ``price * adj_factor``."""


@dataclass(frozen=True)
class Feature:
    """One column of the features frame and of the table ``ljwx.features``.

    :param name: the column.
    :param unit: ``CNY`` (as-of adjusted price), ``fraction``, ``percent``, ``score`` (bounded or unbounded index),
        ``lots``, ``ratio``.
    :param warm_up: bars of the stock needed for a value, the row's own included; null before.
    :param definition: one sentence or formula.
    :param oracle: what the tests compare it with.
    :param running: a running sum that never forgets its start: a daily run continues it from the stored row.
    """

    name: str
    unit: str
    warm_up: int
    definition: str
    oracle: str = "ta"
    running: bool = False

    @property
    def price_like(self) -> bool:
        """Whether the value is in units of price, and so scales with it."""
        return self.unit == "CNY"


@dataclass(frozen=True, eq=False)
class Across:
    """One column that is made of all stocks of a session together, while snapshots are made; no table holds it.

    :param value: over the columns of bars and features of one session and ``industry`` (null where it is not known),
        with ``.over("session")``: it must not look at another session.
    :param definition: one sentence or formula.
    :param by_industry: it tells of the stock's industry: null in all samples of a dataset that tells no industries.
    """

    name: str
    value: pl.Expr
    definition: str
    by_industry: bool = False


@dataclass(frozen=True, eq=False)
class FeatureGroup:
    """Features that are made from the same columns of the bars, with all that follows from them.

    :param name: as the setting ``samples.feature_groups`` names it.
    :param inputs: columns of ``ljwx.bars`` that the indicators read. A correction of one makes features stale.
    :param features: in the order of the frame's columns; each is a column of ``ljwx.features``.
    :param indicators: each function, and the beginnings of the names of the features it makes.
    :param across: columns that facts, signals and ``derived`` read beside the features, of the whole session.
    :param derived: columns that facts and signals read beside the features, by name; made of features and bars.
    :param needed: those of ``derived`` without which a snapshot is not complete.
    :param facts: the numbers that a snapshot holds.
    :param signals: the words that a snapshot holds.
    :param chosen: the lines of a prompt that answers cite; empty: one for each fact and signal.
    :param table: what a source states itself, beside the bars; None: the group is made of bars alone.
    """

    name: str
    inputs: tuple[str, ...] = ()
    features: tuple[Feature, ...] = ()
    indicators: Mapping[Indicator, tuple[str, ...]] = field(default_factory=dict)
    across: tuple[Across, ...] = ()
    derived: Mapping[str, pl.Expr] = field(default_factory=dict)
    needed: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    signals: tuple[Signal, ...] = ()
    chosen: tuple[Citable, ...] = ()
    table: FactTable | None = None

    @property
    def citable(self) -> tuple[Citable, ...]:
        """The lines that a prompt tells of the group, each with the key that an answer cites it by."""
        return self.chosen or of_group(self.name, self.facts, self.signals)

    @property
    def is_announced(self) -> bool:
        """Whether its facts change when companies announce something, and not from session to session."""
        return isinstance(self.table, AnnouncedTable)

    @property
    def of_many(self) -> frozenset[str]:
        """The columns that are one number for all stocks of a session, or for those of an industry."""
        stated = self.table.makes if isinstance(self.table, IndexTable) else ()
        return frozenset({*(column.name for column in self.across), *stated})

    @property
    def by_industry(self) -> tuple[str, ...]:
        """The columns of its facts and signals that tell of the stock's industry."""
        read = {column.name for column in self.across if column.by_industry}
        facts = (
            fact.column for fact in self.facts if fact.of_industry or read.intersection(fact.value.meta.root_names())
        )
        return (*facts, *(signal.name for signal in self.signals if read & signal.columns))
