"""The facts of a snapshot as columns, scaled so that neither price level nor share count tells the stock or the year.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from ljwx.core.bars.limits import TICK
from ljwx.core.snapshots.signals import SIGNALS, STATES, conclusion
from ljwx.core.snapshots.spec import SnapshotSpec

FLOW_WINDOW: Final = 20
LEVEL_STEP: Final = 0.5  # support and resistance are told in half percents
LEVEL_LIMIT: Final = 15.0
RANGE_LIMIT: Final = 40
_RANKED: Final = ("ret_1", "ret_5", "ret_20", "vol_20", "amount")  # all features, but for the last
_LEVELS: Final = ("ma_5", "ma_10", "ma_20", "ma_60", "boll_upper", "boll_mid", "boll_lower")


@dataclass(frozen=True)
class Number:
    """One number of the snapshot: where it stands, how it is computed and to how many decimals it is told."""

    group: str
    name: str
    value: pl.Expr
    decimals: int

    @property
    def column(self) -> str:
        """Its column while the snapshot is built."""
        return f"{self.group}.{self.name}"

    def expr(self) -> pl.Expr:
        """Rounded; integers as Int64; minus zero as zero."""
        if self.decimals == 0:
            return self.value.round(0).cast(pl.Int64).alias(self.column)
        return (self.value.round(self.decimals) + 0.0).alias(self.column)


def _percent(expr: pl.Expr) -> pl.Expr:
    return 100 * expr


def _from_close(column: str) -> pl.Expr:
    """How far a level lies from the close, percent of the close."""
    return _percent(pl.col(column) / pl.col("close") - 1)


def _rank(column: str) -> pl.Expr:
    """Percentile among the stocks of the same session, 1 to 100, the largest value highest."""
    value = pl.col(column)
    return (100 * value.rank("average") / value.count()).ceil().over("session").cast(pl.Int16).alias(f"rank_{column}")


_REFERENCE: Final = pl.col("pre_close")
_SPAN: Final = pl.col("high") - pl.col("low")

SNAPSHOT_NUMBERS: Final[tuple[Number, ...]] = tuple(
    sorted(
        (
            *(
                Number("bar", name, _percent(pl.col(price) / _REFERENCE - 1), 2)
                for name, price in (("open", "open"), ("high", "high"), ("low", "low"), ("change", "close"))
            ),
            Number(
                "bar", "in_range", pl.when(_SPAN > 0).then((pl.col("close") - pl.col("low")) / _SPAN).otherwise(0.5), 2
            ),
            *(Number("features", name, _from_close(name), 1) for name in (*_LEVELS, "ema_12", "ema_26")),
            *(
                Number("features", name, _percent(pl.col(name) / pl.col("close")), 2)
                for name in ("macd_dif", "macd_dea", "macd_hist", "atr_14")
            ),
            *(
                Number("features", name, _percent(pl.col(name)), 1)
                for name in ("ret_1", "ret_5", "ret_10", "ret_20", "drawdown_60")
            ),
            Number("features", "vol_20", _percent(pl.col("vol_20")), 2),
            *(
                Number("features", name, pl.col(name), 1)
                for name in (
                    "rsi_6",
                    "rsi_12",
                    "rsi_14",
                    "rsi_24",
                    "kdj_k",
                    "kdj_d",
                    "kdj_j",
                    "adx_14",
                    "cci_14",
                    "williams_r_14",
                    "mfi_14",
                    "boll_width",
                    "roc_12",
                )
            ),
            *(Number("features", name, pl.col(name), 2) for name in ("boll_pct_b", "volume_ratio_5")),
            Number("features", "obv_flow_20", pl.col("obv_flow_20"), 2),
            *(Number("ranks", name, pl.col(f"rank_{name}"), 0) for name in _RANKED),
        ),
        key=lambda n: (n.group, n.name),
    )
)
REQUIRED: Final = tuple(n.column for n in SNAPSHOT_NUMBERS if n.column != "ranks.amount")
"""What a snapshot cannot be without. A source of k-lines knows no amounts; the rank by amount is null then."""


def beside_the_market(bars: pl.DataFrame, features: pl.DataFrame) -> pl.DataFrame:
    """What the facts of one stock need of all stocks, beside its bars.

    :returns: the bars' columns that facts are made of, in (ts_code, session) order, with ``i`` (number of the session
        among those with bars) and ``rank_*`` (percentile in the session, 1 to 100; null where the value is).
    """
    rows = bars.select(_BAR_COLUMNS)
    if not _in_order(rows):
        rows = rows.sort(_KEY)
    days = rows.select(pl.col("session").unique().sort()).with_row_index("i")
    ranked = (
        rows.select(*_KEY, "amount")
        .join(
            features.select(*_KEY, *(c for c in _RANKED if c != "amount")), on=_KEY, how="left", maintain_order="left"
        )
        .select(_rank(c) for c in _RANKED)
    )
    numbers = rows.select("session").join(days, on="session", how="left", maintain_order="left").select("i")
    return pl.concat([rows, numbers, ranked], how="horizontal")


def _in_order(rows: pl.DataFrame) -> bool:
    code, session = pl.col("ts_code"), pl.col("session")
    before = (code.shift(1) < code) | ((code.shift(1) == code) & (session.shift(1) <= session))
    return bool(rows.select(before.fill_null(True).all()).item())


def fact_columns(bars: pl.DataFrame, features: pl.DataFrame, spec: SnapshotSpec) -> pl.DataFrame:
    """All facts of every stock-session that has a bar and a feature row: :func:`facts_of_stocks` of all stocks."""
    return facts_of_stocks(beside_the_market(bars, features), features, spec)


def facts_of_stocks(bars: pl.DataFrame, features: pl.DataFrame, spec: SnapshotSpec) -> pl.DataFrame:
    """All facts of every stock-session, of some stocks or of all.

    Rows before as_of serve only to see crossings, flows and gaps; a row whose look-back is not there has nulls, never
    another value.

    :param bars: some stocks' rows of :func:`beside_the_market`, all sessions of each.
    :param features: FEATURES frame with at least these stocks.
    :returns: ts_code, session, those of :data:`SNAPSHOT_NUMBERS`, a word and a vote a signal, and limit, suspended_20,
        support, resistance, range (percent), conclusion, bars_from (date), in the order of ``bars``.
    """
    rows = bars.join(features, on=_KEY, how="left", maintain_order="left")
    rows = rows.with_columns(**_look_back(spec))
    rows = rows.with_columns(
        [n.expr() for n in SNAPSHOT_NUMBERS]
        + [r.word() for r in SIGNALS]
        + [r.vote() for r in STATES]
        + [_limit_state()]
    )
    return rows.with_columns(
        support=_nearest(below=True),
        resistance=_nearest(below=False),
        range=(pl.col("vol_20") * (100 * spec.horizon**0.5)).round(0).clip(1, RANGE_LIMIT).cast(pl.Int64),
        conclusion=conclusion(pl.sum_horizontal(f"{r.name}_vote" for r in STATES)),
    ).select(
        "ts_code",
        "session",
        *[n.column for n in SNAPSHOT_NUMBERS],
        *(r.name for r in SIGNALS),
        *(f"{r.name}_vote" for r in STATES),
        *_STATE_COLUMNS,
    )


_KEY: Final = ("ts_code", "session")
_BAR_COLUMNS: Final = (*_KEY, "open", "high", "low", "close", "pre_close", "amount", "up_limit", "down_limit")
_STATE_COLUMNS: Final = (
    "limit",
    "suspended_20",
    "support",
    "resistance",
    "range",
    "conclusion",
    "bars_from",
    "look_back_there",
)


def _look_back(spec: SnapshotSpec) -> dict[str, pl.Expr]:
    """Columns that rules read beside the features; most need the stock's earlier rows."""
    stock = "ts_code"
    macd, kdj = pl.col("macd_dif") - pl.col("macd_dea"), pl.col("kdj_k") - pl.col("kdj_d")
    moved = (pl.col("obv") - pl.col("obv").shift(1)).over(stock)
    window = FLOW_WINDOW
    flow, all_flow = moved.rolling_sum(window).over(stock), moved.abs().rolling_sum(window).over(stock)
    position, count = pl.col("i").cast(pl.Int64), FLOW_WINDOW
    return {
        "macd_gap": macd,
        "macd_gap_previous": macd.shift(1).over(stock),
        "kdj_gap": kdj,
        "kdj_gap_previous": kdj.shift(1).over(stock),
        "obv_flow_20": pl.when(all_flow > 0).then(flow / all_flow).otherwise(pl.when(all_flow.is_not_null()).then(0.0)),
        "suspended_20": position - position.shift(count).over(stock) - count,
        "atr_share": pl.col("atr_14") / pl.col("close"),
        "bars_from": pl.coalesce(
            pl.col("session").shift(spec.look_back).over(stock), pl.col("session").first().over(stock)
        ),
        "look_back_there": macd.shift(1).over(stock).is_not_null() & kdj.shift(1).over(stock).is_not_null(),
    }


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
        .alias("limit")
    )


def _nearest(*, below: bool) -> pl.Expr:
    """Nearest average or band below (above) the close, percent of the close in half percents; null when there is none.

    A level nearer than half a step is where the price stands and counts as neither.
    """
    distances = [_from_close(name) for name in _LEVELS]
    near = LEVEL_STEP / 2
    side = [pl.when(d < -near if below else d > near).then(d) for d in distances]
    nearest = pl.max_horizontal(side) if below else pl.min_horizontal(side)
    stepped = (nearest / LEVEL_STEP).round(0) * LEVEL_STEP
    return stepped.clip(-LEVEL_LIMIT, LEVEL_LIMIT)
