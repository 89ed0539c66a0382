"""What happened after a session's close, as a trader could have it: decide at t, buy at open t+1, sell at close t+h.

Pure: never imports airflow, an HTTP client or a database driver. Prices are raw x adj_factor, so an ex-right inside the
window is no loss. Rows are laid on the grid of sessions, where a missing row is a suspended session. A session without
any row is one that nobody knows: no outcome reaches over it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import polars as pl

from ljwx.core.bars.limits import UNLIMITED_SESSIONS, UNLIMITED_SESSIONS_BSE, board
from ljwx.core.labels.costs import Costs, net_return
from ljwx.core.labels.tradable import locked_down, locked_up
from ljwx.core.parts import by_stock, part, places
from ljwx.exceptions import BadData

REASONS: Final = (
    "no_index_list",
    "not_in_universe",
    "missing_features",
    "immature",
    "session_missing",
    "no_limit_days",
    "entry_suspended",
    "entry_at_limit_up",
    "exit_suspended",
    "exit_at_limit_down",
    "missing_factor",
    "no_market_return",
)
"""Why a stock-session is no sample; the first that applies is counted."""

NUMBERS: Final = ("net", "excess", "realised_volatility", "max_drawdown", "entry_session", "exit_session")
"""What of an outcome is kept with a sample, so that its label can be made again."""

_KEY: Final = ("ts_code", "session")
CELLS: Final = 100_000  # of one grid of stocks x sessions: bounds memory, not results


class OutcomeSpec(Protocol):
    """The settings that outcomes depend on; :class:`ljwx.core.datasets.spec.SampleSpec` has them."""

    @property
    def horizon(self) -> int:
        """Sessions from entry to exit."""

    @property
    def exit_roll(self) -> int:
        """Sessions an exit may wait for a stock that is suspended or closes at its down limit."""

    @property
    def costs(self) -> Costs:
        """Trading costs."""


def outcomes(
    bars: pl.DataFrame, instruments: pl.DataFrame, sessions: Sequence[dt.date], spec: OutcomeSpec
) -> pl.DataFrame:
    """Outcome of every bar's session over the horizon.

    :param bars: BARS frame; its newest session is the last that is known.
    :raises BadData: for a bar outside the sessions, or a stock twice in one.
    :returns: ts_code, session, reason (null when tradable and mature), label_end, entry_session, exit_session (dates),
        gross, net, excess (fractions), realised_volatility (root mean square of daily returns), max_drawdown (fraction,
        positive). Values are null beside a reason.
    """
    if bars.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    calendar = calendar_of(bars["session"].unique(), sessions)
    found = against_market(outcomes_of_stocks(bars, calendar, instruments, spec))
    return found.select(*_SCHEMA).sort("ts_code", "session")


def outcomes_of_stocks(
    bars: pl.DataFrame, calendar: pl.DataFrame, instruments: pl.DataFrame, spec: OutcomeSpec
) -> pl.DataFrame:
    """Outcomes of some stocks, which are not yet held against the market's.

    :param bars: BARS frame, all sessions of each stock.
    :param calendar: of :func:`calendar_of`, by the bars of all stocks.
    :returns: the columns of :func:`outcomes` but excess, with ``i`` (number of the session) and ``market`` (what the
        stock adds to the market's return, null where nothing); what :func:`against_market` makes whole.
    """
    parts = [_batch(rows, calendar, instruments, spec) for rows in _batches(bars, len(calendar))]
    return (
        pl.concat(parts)
        .join(calendar.select(end_i="i", label_end="session"), on="end_i", how="left", maintain_order="left")
        .join(calendar.select(i=pl.col("i") - 1, entry_session="session"), on="i", how="left", maintain_order="left")
        .drop("end_i")
    )


_SCHEMA: Final = {
    "ts_code": pl.String,
    "session": pl.Date,
    "reason": pl.String,
    "label_end": pl.Date,
    "entry_session": pl.Date,
    "exit_session": pl.Date,
    "gross": pl.Float64,
    "net": pl.Float64,
    "excess": pl.Float64,
    "realised_volatility": pl.Float64,
    "max_drawdown": pl.Float64,
}


def calendar_of(days: pl.Series, sessions: Sequence[dt.date]) -> pl.DataFrame:
    """Sessions from the oldest bar to the newest, numbered from 0: ``session``, ``i``, ``missing_i``.

    The last is the index of the next later session that has no bar at all; null where there is none.

    :param days: the sessions that have bars.
    :raises BadData: one of them is not among the sessions.
    """
    days = days.sort()
    known = pl.Series("session", sessions, dtype=pl.Date).unique().sort()
    strange = days.filter(~days.is_in(known.implode()))
    if len(strange):
        raise BadData(f"bars of {strange[0]}, which is not among the sessions")
    calendar: pl.DataFrame = (
        known.filter(known.is_between(days[0], days[-1]))
        .to_frame()
        .with_row_index("i")
        .with_columns(pl.col("i").cast(pl.Int32))
        .with_columns(missing_i=pl.when(~pl.col("session").is_in(days.implode())).then("i"))
        .with_columns(pl.col("missing_i").shift(-1).backward_fill())
    )
    return calendar


def _batches(bars: pl.DataFrame, sessions: int) -> Iterator[pl.DataFrame]:
    bars = by_stock(bars)
    where = places(bars)
    codes = list(where)
    size = max(1, CELLS // sessions)
    for start in range(0, len(codes), size):
        batch = part(bars, where, codes[start : start + size])
        if batch.select(pl.struct("ts_code", "session").is_duplicated().any()).item():
            raise BadData("bars hold a stock twice in one session")
        yield batch


def _batch(bars: pl.DataFrame, calendar: pl.DataFrame, instruments: pl.DataFrame, spec: OutcomeSpec) -> pl.DataFrame:
    grid = _grid(bars, calendar, instruments)
    n, h = len(calendar), spec.horizon
    traded = grid.with_columns(
        entry=_ahead("open", 1, n) * _ahead("adj_factor", 1, n),
        entry_traded=_ahead("close", 1, n).is_not_null(),
        entry_locked=_ahead("locked_up", 1, n).fill_null(False),
        exit_i=_exit_index(spec, n),
        last_i=_last_traded(spec, n),
        seen=pl.any_horizontal([_ahead("close", h + r, n).is_not_null() for r in range(spec.exit_roll + 1)]),
        held=_ahead("last_close", h, n),
        held_session=_ahead("session", h, n),
        **_path_risk(h, n),
    )
    delisted = pl.col("exit_i").is_null() & (pl.col("delist_i") <= pl.col("i") + h + spec.exit_roll)
    ended = traded.with_columns(
        sold_i=pl.when(delisted).then("last_i").otherwise("exit_i"),
        end_i=pl.when(delisted).then(pl.max_horizontal("delist_i", pl.col("i") + h)).otherwise("exit_i"),
    )
    sold = grid.select("ts_code", sold_i="i", exit=pl.col("adj_close"), exit_session="session")
    return (
        ended.filter(pl.col("close").is_not_null())
        .join(sold, on=["ts_code", "sold_i"], how="left")
        .with_columns(reason=_reason(spec, n), entered=_entered(n))
        .with_columns(
            market=pl.when("entered").then(
                net_return(pl.col("entry"), pl.col("held"), pl.col("held_session"), spec.costs)
            ),
            gross=pl.col("exit") / pl.col("entry") - 1,
            net=net_return(pl.col("entry"), pl.col("exit"), pl.col("exit_session"), spec.costs),
        )
        .select(
            *(*_KEY, "i", "end_i", "exit_session", "reason", "market"),
            *("gross", "net", "realised_volatility", "max_drawdown"),
        )
    )


def _grid(bars: pl.DataFrame, calendar: pl.DataFrame, instruments: pl.DataFrame) -> pl.DataFrame:
    """Every stock of the batch at every session, in that order, so that ``shift(-j)`` looks j sessions ahead."""
    rows = bars.select(
        "ts_code", "session", "open", "high", "low", "close", "pre_close", "adj_factor", "up_limit", "down_limit"
    )
    return (
        bars.select(pl.col("ts_code").unique().sort())
        .join(_listing(instruments, calendar), on="ts_code", how="left")
        .join(calendar, how="cross")
        .join(rows, on=["ts_code", "session"], how="left", maintain_order="left")
        .with_columns(
            adj_close=pl.col("close") * pl.col("adj_factor"),
            locked_up=locked_up(),
            locked_down=locked_down(),
        )
        .with_columns(last_close=pl.col("adj_close").forward_fill().over("ts_code"))
        .with_columns(daily=pl.col("adj_close") / pl.col("last_close").shift(1).over("ts_code") - 1)
    )


def _listing(instruments: pl.DataFrame, calendar: pl.DataFrame) -> pl.DataFrame:
    """Per stock: index of its first session with price limits, and of its delisting (null outside the calendar)."""
    days = calendar["session"]
    listed = instruments.select("ts_code", "list_date", "delist_date").unique("ts_code")
    free = pl.when(board() == "bse").then(UNLIMITED_SESSIONS_BSE).otherwise(UNLIMITED_SESSIONS)
    frame = listed.with_columns(
        list_i=pl.Series(days.search_sorted(listed["list_date"].fill_null(days[0])), dtype=pl.Int32),
        delist_i=pl.Series(days.search_sorted(listed["delist_date"].fill_null(days[0])), dtype=pl.Int32),
    )
    in_view = pl.col("list_date") >= days[0]
    gone = pl.col("delist_date").is_between(days[0], days[-1])
    return frame.select(
        "ts_code",
        limits_from=pl.when(in_view).then(pl.col("list_i") + free).otherwise(0),
        delist_i=pl.when(gone).then("delist_i"),
    )


def _ahead(column: str, j: int, n: int) -> pl.Expr:
    """Value of ``column`` j sessions later, null past the last known session."""
    return pl.when(pl.col("i") + j < n).then(pl.col(column).shift(-j))


def _exit_index(spec: OutcomeSpec, n: int) -> pl.Expr:
    """Index of the first session from t+h to t+h+roll where the stock trades and does not close at its down limit."""
    steps = range(spec.horizon, spec.horizon + spec.exit_roll + 1)
    sellable = [_ahead("close", j, n).is_not_null() & ~_ahead("locked_down", j, n).fill_null(False) for j in steps]
    return pl.coalesce([pl.when(ok).then(pl.col("i") + j) for ok, j in zip(sellable, steps, strict=True)])


def _last_traded(spec: OutcomeSpec, n: int) -> pl.Expr:
    """Index of the last session from t+1 to t+h+roll where the stock traded: where a delisted one is sold."""
    steps = range(spec.horizon + spec.exit_roll, 0, -1)
    return pl.coalesce([pl.when(_ahead("close", j, n).is_not_null()).then(pl.col("i") + j) for j in steps])


def _path_risk(h: int, n: int) -> dict[str, pl.Expr]:
    """Realised volatility and maximum drawdown of closes t … t+h; sessions without trade are left out."""
    returns = [_ahead("daily", j, n) for j in range(1, h + 1)]
    closes = [pl.col("adj_close"), *(_ahead("adj_close", j, n) for j in range(1, h + 1))]
    falls = [1 - closes[j] / pl.max_horizontal(closes[: j + 1]) for j in range(1, h + 1)]
    return {
        "realised_volatility": pl.mean_horizontal([r * r for r in returns]).sqrt(),
        "max_drawdown": pl.max_horizontal([pl.lit(0.0), *falls]),
    }


def _entered(n: int) -> pl.Expr:
    """Whether one could have bought at the open of t+1."""
    limited = pl.col("i") + 1 >= pl.col("limits_from")
    return (pl.col("i") + 1 < n) & limited & pl.col("entry_traded") & ~pl.col("entry_locked")


def _reason(spec: OutcomeSpec, n: int) -> pl.Expr:
    """First reason of :data:`REASONS` that keeps an outcome from being a label; null when there is none."""
    i, open_end = pl.col("i"), pl.col("end_i").is_null()
    last = pl.col("end_i").fill_null(i + spec.horizon + spec.exit_roll)
    cases = (
        (i + spec.horizon >= n, "immature"),
        (pl.col("missing_i") <= last, "session_missing"),
        (i + 1 < pl.col("limits_from"), "no_limit_days"),
        (~pl.col("entry_traded"), "entry_suspended"),
        (pl.col("entry_locked"), "entry_at_limit_up"),
        (open_end & (i + spec.horizon + spec.exit_roll >= n), "immature"),
        (open_end & ~pl.col("seen"), "exit_suspended"),
        (open_end, "exit_at_limit_down"),
        (pl.any_horizontal(pl.col("entry", "exit", "adj_close", "realised_volatility").is_null()), "missing_factor"),
    )
    return pl.coalesce([pl.when(holds).then(pl.lit(name)) for holds, name in cases])


def against_market(frame: pl.DataFrame) -> pl.DataFrame:
    """Excess over the equal-weight market: the mean return of all stocks that one could have bought.

    Both are after the costs of a round trip, so that costs are no part of the difference. Each stock of the market is
    worth its last close up to t+h, also where it cannot be sold then or is delisted: leaving those out would leave out
    losses, and waiting for them would let a label know more than its own ``label_end``.

    :param frame: of :func:`outcomes_of_stocks`, of all stocks and in their order; columns may be left out.
    :returns: the same with ``excess`` in the place of ``market``; values are null beside a reason.
    """
    mean = frame.select("i", "market").select(pl.col("market").mean().over("i")).to_series()
    frame = frame.with_columns(market=mean)
    no_market = pl.col("reason").is_null() & pl.col("market").is_null()
    frame = frame.with_columns(
        excess=pl.col("net") - pl.col("market"),
        reason=pl.when(no_market).then(pl.lit("no_market_return").cast(frame.schema["reason"])).otherwise("reason"),
    ).drop("market")
    values = [name for name in list(_SCHEMA)[3:] if name in frame.columns]
    return frame.with_columns(pl.when(pl.col("reason").is_null()).then(name).alias(name) for name in values)
