"""The facts of each stock as of each session, as columns: those of its bar, and those of the feature groups.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

import polars as pl

from ljwx.core.bars.limits import TICK
from ljwx.core.features import FeatureGroup
from ljwx.core.features.facts import RANKS, Fact, Said, percent, rank
from ljwx.core.features.signals import Signal
from ljwx.core.features.technical.facts import expected_range, nearest_level
from ljwx.core.features.technical.signals import STATES
from ljwx.core.features.windows import TIE
from ljwx.core.snapshots.profiles import as_of
from ljwx.core.snapshots.spec import SnapshotSpec

_SPAN: Final = pl.col("high") - pl.col("low")
_SUSPENSION_WINDOW: Final = 20
_OFF_EDGE: Final = 0.3217505543 * TIE


def _of_bar(name: str, price: str, *names: str) -> Fact:
    said = Said("percent", "move", (-20.1, 20.1))
    return Fact("bar", name, percent(pl.col(price) / pl.col("pre_close") - 1), 2, names, said=said)


BAR_FACTS: Final = (
    _of_bar("open", "open", "开盘", "开盘价"),
    _of_bar("high", "high", "最高", "最高价"),
    _of_bar("low", "low", "最低", "最低价"),
    _of_bar("change", "close", "当日", "今日"),
    Fact("bar", "in_range", pl.when(_SPAN > 0).then((pl.col("close") - pl.col("low")) / _SPAN).otherwise(0.5), 2),
    rank("amount", "成交额", required=False),  # a source of k-lines knows no amounts
)
"""The numbers that a snapshot holds whatever its feature groups are."""

_KEY: Final = ("ts_code", "session")
_BAR_COLUMNS: Final = (*_KEY, "open", "high", "low", "close", "pre_close", "amount", "up_limit", "down_limit")
_STATE_COLUMNS: Final = (
    "limit",
    "suspended_20",
    "support",
    "resistance",
    "range",
    "bars_from",
    "look_back_there",
)


def facts_in(groups: Iterable[FeatureGroup]) -> tuple[Fact, ...]:
    """Every number of a snapshot with these groups, sorted by its place."""
    facts = chain(BAR_FACTS, *(group.facts for group in groups))
    return tuple(sorted(facts, key=lambda fact: (fact.section, fact.name)))


def signals_in(groups: Iterable[FeatureGroup]) -> tuple[Signal, ...]:
    """Every signal of a snapshot with these groups."""
    return tuple(signal for group in groups for signal in group.signals)


def bars_with_ranks(
    bars: pl.DataFrame, features: pl.DataFrame, spec: SnapshotSpec, industries: pl.DataFrame | None = None
) -> pl.DataFrame:
    """What the facts of one stock need of all stocks, beside its bars: :func:`with_ranks`, and :func:`numbered`."""
    rows = with_ranks(bars, features, spec, industries)
    return numbered(rows, rows["session"].unique().sort())


def with_ranks(
    bars: pl.DataFrame, features: pl.DataFrame, spec: SnapshotSpec, industries: pl.DataFrame | None = None
) -> pl.DataFrame:
    """What the facts of one stock need of all stocks of the session, beside its bars.

    :param industries: over time, see :func:`ljwx.core.snapshots.profiles.with_profile`.
    :returns: the bars' columns that facts are made of, in (ts_code, session) order, with ``rank_*`` (percentile in the
        session, 1 to 100; null where the value is) and the groups' columns of the whole session.
    """
    rows = bars.select(_BAR_COLUMNS)
    if not _in_order(rows):
        rows = rows.sort(_KEY)
    ranked = [fact.name for fact in facts_in(spec.groups) if fact.section == RANKS]
    of_features = features.select(*_KEY, *(name for name in ranked if name not in rows.columns))
    of_bars = rows.select(*_KEY, *(name for name in ranked if name in rows.columns))
    ranks = of_bars.join(of_features, on=_KEY, how="left", maintain_order="left").select(_rank(name) for name in ranked)
    return pl.concat([rows, ranks, *_across(rows, features, spec, industries)], how="horizontal")


def numbered(rows: pl.DataFrame, days: pl.Series) -> pl.DataFrame:
    """Add ``i``, the number of the session among those with bars.

    :param days: those, sorted.
    """
    numbers = days.alias("session").to_frame().with_row_index("i")
    return rows.join(numbers, on="session", how="left", maintain_order="left")


def _across(
    rows: pl.DataFrame, features: pl.DataFrame, spec: SnapshotSpec, industries: pl.DataFrame | None
) -> Iterator[pl.DataFrame]:
    """The groups' columns of the whole session, in the rows' order; nothing where no group has any."""
    columns = [column for group in spec.groups for column in group.across]
    if not columns:
        return
    read = {name for column in columns for name in column.value.meta.root_names()}
    of_features = features.select(*_KEY, *sorted(read & set(features.columns) - set(rows.columns)))
    wide = rows.join(of_features, on=_KEY, how="left", maintain_order="left")
    yield as_of(wide, industries, "industry").select(column.value.alias(column.name) for column in columns)


def _in_order(rows: pl.DataFrame) -> bool:
    code, session = pl.col("ts_code"), pl.col("session")
    before = (code.shift(1) < code) | ((code.shift(1) == code) & (session.shift(1) <= session))
    return bool(rows.select(before.fill_null(True).all()).item())


def _rank(column: str) -> pl.Expr:
    """Percentile; values that differ by a billionth share one.

    The edges of the steps are where no quotient of two prices lies, so that rounding parts no two equal ones.
    """
    value = ((pl.col(column) + _OFF_EDGE) / TIE).floor()
    return (100 * value.rank("average") / value.count()).ceil().over("session").cast(pl.Int16).alias(f"rank_{column}")


def facts_of_market(
    bars: pl.DataFrame, features: pl.DataFrame, spec: SnapshotSpec, industries: pl.DataFrame | None = None
) -> pl.DataFrame:
    """All facts of every stock-session that has a bar and a feature row: :func:`facts_of_stocks` of all stocks."""
    return facts_of_stocks(bars_with_ranks(bars, features, spec, industries), features, spec)


def facts_of_stocks(bars: pl.DataFrame, features: pl.DataFrame, spec: SnapshotSpec) -> pl.DataFrame:
    """All facts of every stock-session, of some stocks or of all: :func:`facts_of_rows` of bars and features.

    :param bars: some stocks' rows of :func:`bars_with_ranks`, all sessions of each.
    :param features: feature rows of at least these stocks.
    """
    return facts_of_rows(bars.join(features, on=_KEY, how="left", maintain_order="left"), spec)


def facts_of_rows(rows: pl.DataFrame, spec: SnapshotSpec) -> pl.DataFrame:
    """All facts of every stock-session, of some stocks or of all.

    Rows before as_of serve only to see crossings, flows and gaps; a row whose look-back is not there has nulls, never
    another value.

    :param rows: some stocks' rows of :func:`bars_with_ranks`, all sessions of each, with their features.
    :returns: ts_code, session, those of :func:`facts_in`, a word a signal, a vote for each of the technical analysis,
        and limit, suspended_20, support, resistance, range (percent), bars_from (date), look_back_there,
        in the order of ``rows``.
    """
    groups = spec.groups
    facts, signals = facts_in(groups), signals_in(groups)
    rows = rows.with_columns(expr.alias(name) for group in groups for name, expr in group.derived.items())
    rows = rows.with_columns(
        [fact.expr() for fact in facts]
        + [signal.word() for signal in signals]
        + [signal.vote() for signal in STATES]
        + list(_states(groups, spec))
    )
    return rows.select(
        *_KEY,
        *(fact.column for fact in facts),
        *(signal.name for signal in signals),
        *(f"{signal.name}_vote" for signal in STATES),
        *_STATE_COLUMNS,
    )


def required_columns(groups: Iterable[FeatureGroup]) -> tuple[str, ...]:
    """What a snapshot cannot be without."""
    return (*(fact.column for fact in facts_in(groups) if fact.required), "suspended_20")


def _states(groups: Iterable[FeatureGroup], spec: SnapshotSpec) -> Iterator[pl.Expr]:
    """Columns that are no numbers of a group: limit, levels, range, gaps and look-back."""
    stock, position = "ts_code", pl.col("i").cast(pl.Int64)
    session = pl.col("session")
    needed = [pl.col(name).is_not_null() for group in groups for name in group.needed]
    yield _limit_state().alias("limit")
    yield (position - position.shift(_SUSPENSION_WINDOW).over(stock) - _SUSPENSION_WINDOW).alias("suspended_20")
    yield nearest_level(below=True).alias("support")
    yield nearest_level(below=False).alias("resistance")
    yield expected_range(spec.horizon).alias("range")
    yield pl.coalesce(session.shift(spec.look_back).over(stock), session.first().over(stock)).alias("bars_from")
    yield pl.all_horizontal(needed).alias("look_back_there")


def _limit_state() -> pl.Expr:
    """Where the day ended against its price limits; 未知 when no limit is known."""
    up, down, half = pl.col("up_limit"), pl.col("down_limit"), TICK / 2
    return (
        pl.when(up.is_null() | down.is_null())
        .then(pl.lit("未知"))
        .when(pl.col("close") > up - half)
        .then(pl.lit("涨停"))
        .when(pl.col("close") < down + half)
        .then(pl.lit("跌停"))
        .when(pl.col("high") > up - half)
        .then(pl.lit("触及涨停"))
        .when(pl.col("low") < down + half)
        .then(pl.lit("触及跌停"))
        .otherwise(pl.lit("正常"))
    )
