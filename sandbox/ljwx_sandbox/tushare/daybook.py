"""One session after another: the arithmetic of the simulated market, all stocks at once."""

from __future__ import annotations

import numpy as np

from ljwx_sandbox.tushare.rules import free_sessions, limit_percent, limit_ticks
from ljwx_sandbox.tushare.universe import BSE, CHINEXT, STAR, Floats, Ints, MarketSpec, Universe
from ljwx_sandbox.tushare.year import INDEXES, Bools, Chunk, Draws, State

UNLISTED, TRADING, SUSPENDED, RESUMED = 0, 1, 2, 3
_MARKET_VOL, _INDUSTRY_VOL = 0.010, 0.007
_CALM_TO_WILD = -2.77, 2.51  # the furthest a stock's volatility lies from the median, in spreads
_DRIFT = 0.0002
_LOOK_BACK = 5
_SESSIONS_A_YEAR = 243


def first_state(spec: MarketSpec, universe: Universe, origin: int) -> State:
    """Draw the market as it stands before its first session."""
    rng = np.random.default_rng([spec.seed, 3])
    count = spec.stocks
    old = universe.list_day < origin
    close = np.clip(np.rint(np.exp(rng.normal(np.log(1500.0), 0.6, count))), 300, 20_000).astype(np.int64)
    total = np.rint(np.exp(rng.normal(np.log(6e8), 0.9, count)) / 100) * 100
    value = close / 100 * total
    adj = np.where(old, np.round(np.exp(rng.gamma(2.0, 0.6, count)), 3), 1.0)
    earns = rng.random(count) < 0.88
    return State(
        close=close,
        adj=adj,
        age=np.where(old, 1000, 0),
        suspended_left=np.zeros(count, np.int64),
        halted=np.zeros(count, np.bool_),
        past=np.zeros((_LOOK_BACK, count)),
        volumes=np.full((_LOOK_BACK, count), np.nan),
        activity=np.zeros(count),
        total_share=total,
        mood=0.0,
        index_level=np.full(len(INDEXES), 3000.0),
        sigma=spec.volatility * np.exp(spec.volatility_spread * np.clip(rng.standard_normal(count), *_CALM_TO_WILD)),
        beta=rng.normal(1.0, 0.25, count),
        float_part=np.round(rng.uniform(0.3, 1.0, count), 3),
        earnings=value / np.exp(rng.normal(np.log(28.0), 0.6, count)) * np.where(earns, 1.0, -1.0),
        book=value / np.exp(rng.normal(np.log(2.4), 0.5, count)),
        sales=value / np.exp(rng.normal(np.log(3.0), 0.8, count)),
        dividend=np.where(earns, value * rng.uniform(0.0, 0.035, count), 0.0),
        members=index_members(universe),
    )


def step(spec: MarketSpec, universe: Universe, state: State, draws: Draws, chunk: Chunk, at: int, day: int) -> None:
    """Trade one session: write row `at` of the chunk and move the state on."""
    listed = universe.is_listed(day)
    trading = _suspensions(spec, state, draws, chunk, at, listed)
    pre, first = _ex_rights(spec, state, draws, chunk, at, trading), state.age == 0
    percent = limit_percent(universe, day)
    up, down = limit_ticks(pre, percent)
    limited = state.age >= free_sessions(universe)
    up, down = np.where(limited, up, np.iinfo(np.int32).max), np.where(limited, down, 1)
    ret = _returns(spec, universe, state, draws, at, trading, first)
    close = _within(pre * np.exp(ret), down, up)
    _write_bars(state, draws, chunk, at, (pre, close, up, down, ret))
    _write_volumes(universe, state, draws, chunk, at, trading)
    chunk.up_limit[at], chunk.down_limit[at] = np.where(limited, up, 0), np.where(limited, down, 0)
    chunk.adj[at], chunk.total_share[at] = state.adj, state.total_share
    _write_indexes(state, chunk, at, trading)
    _remember(state, pre, close, trading, limited)
    state.age += listed


def _suspensions(spec: MarketSpec, state: State, draws: Draws, chunk: Chunk, at: int, listed: Bools) -> Bools:
    """Decide who trades; a stock in its first 20 sessions is never suspended."""
    starts = listed & (state.suspended_left == 0) & (state.age > 20) & ~state.halted
    starts &= draws.where[at] < spec.suspend_rate / _SESSIONS_A_YEAR
    length = 1 - (np.log1p(-draws.size[at].astype(np.float64)) * (spec.suspend_sessions - 1)).astype(np.int64)
    running = np.where(starts, length, state.suspended_left)
    halted = listed & (running > 0)
    resumed = listed & ~halted & state.halted
    state.suspended_left = np.where(halted, running - 1, 0)
    state.halted = halted
    chunk.status[at] = np.where(halted, SUSPENDED, np.where(resumed, RESUMED, np.where(listed, TRADING, UNLISTED)))
    return listed & ~halted


def _ex_rights(spec: MarketSpec, state: State, draws: Draws, chunk: Chunk, at: int, trading: Bools) -> Ints:
    """Return the reference price: the last close, less cash and diluted by bonus shares where a stock goes ex-right.

    The factor moves by the same ratio, to four decimals as TuShare publishes it.
    """
    event = trading & (state.age > 60) & (draws.event[at] < spec.ex_right_rate / _SESSIONS_A_YEAR)
    size = draws.size[at].astype(np.float64)
    cash = np.rint(state.close * (0.003 + 0.025 * size)).astype(np.int64)
    dear = state.close > 8000
    bonus = np.where((size < 0.15) | dear, 2 + (size * 80).astype(np.int64) % 9, 0)  # new shares per ten
    shares = 10 + bonus
    diluted = (2 * 10 * (state.close - cash) + shares) // (2 * shares)
    pre = np.where(event, diluted, state.close)
    chunk.cash[at], chunk.bonus[at] = np.where(event, cash, 0), np.where(event, bonus, 0)
    state.adj = np.where(event, np.round(state.adj * state.close / pre, 4), state.adj)
    state.total_share = np.where(event, np.floor(state.total_share * shares / 1000) * 100, state.total_share)
    return pre


def _returns(
    spec: MarketSpec, universe: Universe, state: State, draws: Draws, at: int, trading: Bools, first: Bools
) -> Floats:
    state.mood = 0.97 * state.mood + 0.10 * float(draws.mood[at])
    market = _DRIFT + _MARKET_VOL * np.exp(state.mood) * draws.market[at]
    industry = _INDUSTRY_VOL * draws.industry[at][universe.industry]
    idio = np.sqrt(1 - spec.effect**2) * draws.idio[at] - spec.effect * _standing(state, trading)
    ret: Floats = state.beta * market + industry + state.sigma * idio
    ret += np.where(state.close < 200, 0.001, 0.0)
    opening = np.clip(0.35 + 0.4 * draws.idio[at], -0.25, 1.6)
    return np.where(first, opening, np.clip(ret, -0.35, 0.35))


def _standing(state: State, trading: Bools) -> Floats:
    """Return how each stock did over the last five sessions against the others, in standard deviations within ±3."""
    seasoned = trading & (state.age > 10)
    if seasoned.sum() < 2:
        return np.zeros(len(trading))
    total = state.past.sum(axis=0)
    spread = float(total[seasoned].std())
    if spread == 0.0:
        return np.zeros(len(trading))
    standing = np.clip((total - total[seasoned].mean()) / spread, -3.0, 3.0)
    return np.where(seasoned, standing, 0.0)


def _within(price: Floats | Ints, down: Ints, up: Ints) -> Ints:
    """Round to ticks and keep within the limits, never below one tick."""
    return np.clip(np.rint(price).astype(np.int64), np.maximum(down, 1), up)


def _write_bars(state: State, draws: Draws, chunk: Chunk, at: int, day: tuple[Ints, Ints, Ints, Ints, Floats]) -> None:
    pre, close, up, down, ret = day
    opened = _within(pre * np.exp(0.35 * ret + 0.3 * state.sigma * draws.gap[at]), down, up)
    top, bottom = np.maximum(opened, close), np.minimum(opened, close)
    chunk.high[at] = np.maximum(_within(top * np.exp(0.5 * state.sigma * draws.up[at]), down, up), top)
    chunk.low[at] = np.minimum(_within(bottom * np.exp(-0.5 * state.sigma * draws.down[at]), down, up), bottom)
    chunk.open[at], chunk.close[at], chunk.pre_close[at] = opened, close, pre


def _write_volumes(universe: Universe, state: State, draws: Draws, chunk: Chunk, at: int, trading: Bools) -> None:
    """Write lots and amount; the amount is whole CNY between low * lots and high * lots, so vwap is inside exactly."""
    high, low = chunk.high[at].astype(np.int64), chunk.low[at].astype(np.int64)
    move = np.abs(np.log(chunk.close[at] / chunk.pre_close[at]))
    state.activity = 0.8 * state.activity + 0.35 * draws.volume[at]
    turnover = 0.012 * np.exp(state.activity) * (1 + 10 * np.minimum(move, 0.5)) * np.where(high == low, 0.2, 1.0)
    floating = state.total_share * state.float_part / 100
    lots = np.maximum(np.rint(floating * np.minimum(turnover, 0.6)), 1).astype(np.int64)
    inside = np.clip(0.5 + 0.15 * draws.gap[at] + 0.05 * draws.volume[at], 0.02, 0.98)
    amount = low * lots + np.rint((high - low) * lots * inside.astype(np.float64)).astype(np.int64)
    mean = _mean_volume(state)
    chunk.lots[at], chunk.amount[at] = lots, amount
    chunk.volume_ratio[at] = np.round(lots / mean, 2)
    apart = (universe.board == STAR) | (universe.board == CHINEXT)
    chunk.ah_lots[at] = np.where(apart, np.rint(lots * 0.002 * draws.size[at]), 0)
    shifted = np.vstack([state.volumes[1:], lots.astype(np.float64)])
    state.volumes = np.where(trading, shifted, state.volumes)


def _mean_volume(state: State) -> Floats:
    """Return the mean of the last five sessions' lots, NaN until there are five."""
    mean: Floats = state.volumes.sum(axis=0) / _LOOK_BACK
    return mean


def _write_indexes(state: State, chunk: Chunk, at: int, trading: Bools) -> None:
    """Write the indexes: levels move with the plain mean of their members' returns, as if rebalanced daily."""
    counted = trading & (state.age > 5)
    pre = chunk.pre_close[at].astype(np.float64)
    for number, members in enumerate(state.members):
        chosen = counted & members
        level = state.index_level[number]
        moves = [1.0] * 4
        if chosen.any():
            moves = [float((getattr(chunk, name)[at][chosen] / pre[chosen]).mean()) for name in _OHLC]
        prices = [round(level * move, 4) for move in moves]
        volume, amount = float(chunk.lots[at][chosen].sum()), float(chunk.amount[at][chosen].sum())
        chunk.index[at, number] = [*prices, level, volume, amount]
        state.index_level[number] = prices[3]


_OHLC = ("open", "high", "low", "close")


def index_members(universe: Universe) -> list[Bools]:
    """Return the members of each of INDEXES: exchanges, boards, and the first 300 and next 500 stocks."""
    place = np.arange(len(universe.codes))
    suffix = np.array([code[-2:] for code in universe.codes])
    return [
        suffix == "SH",
        place < 300,
        universe.board == STAR,
        (place >= 300) & (place < 800),
        suffix == "SZ",
        universe.board == CHINEXT,
        universe.board == BSE,
    ]


def _remember(state: State, pre: Ints, close: Ints, trading: Bools, limited: Bools) -> None:
    """Keep the close, and the return relative to the market's; a halted or unlimited session counts as no move."""
    moved = np.log(close / pre)
    counted = trading & limited
    average = float(moved[counted].mean()) if counted.any() else 0.0
    state.past = np.vstack([state.past[1:], np.where(counted, moved - average, 0.0)])
    state.close = np.where(trading, close, state.close)
