"""A simulated year as arrays: what a session hands to the next, what is written, and the random numbers drawn."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ljwx_sandbox.tushare.universe import INDUSTRIES, Floats, Ints, MarketSpec

Bools = npt.NDArray[np.bool_]

INDEXES = ("000001.SH", "000300.SH", "000688.SH", "000905.SH", "399001.SZ", "399006.SZ", "899050.BJ")


@dataclass
class State:
    """What one session hands to the next; arrays have one entry per stock unless said otherwise."""

    close: Ints
    adj: Floats
    age: Ints
    suspended_left: Ints
    halted: Bools
    past: Floats  # (5, stocks): log returns relative to the market's average
    volumes: Floats  # (5, stocks): lots of the last five sessions with trades
    activity: Floats
    total_share: Floats
    mood: float  # log of the market's volatility against its mean
    index_level: Floats  # one per index
    sigma: Floats
    beta: Floats
    float_part: Floats
    earnings: Floats  # CNY a year, may be negative
    book: Floats
    sales: Floats
    dividend: Floats  # CNY a year
    members: list[Bools]  # one mask per index

    def copy(self) -> State:
        """Return a copy that shares no array."""
        return copy.deepcopy(self)


@dataclass(frozen=True)
class Chunk:
    """A year: arrays of (sessions, stocks); prices in ticks, `amount` in CNY, `lots` of 100 shares; limit 0: none."""

    days: list[int]
    status: npt.NDArray[np.uint8]
    open: npt.NDArray[np.int32]
    high: npt.NDArray[np.int32]
    low: npt.NDArray[np.int32]
    close: npt.NDArray[np.int32]
    pre_close: npt.NDArray[np.int32]
    up_limit: npt.NDArray[np.int32]
    down_limit: npt.NDArray[np.int32]
    lots: Ints
    amount: Ints
    ah_lots: npt.NDArray[np.int32]
    cash: npt.NDArray[np.int32]  # ticks per share paid on an ex-right day
    bonus: npt.NDArray[np.int32]  # new shares per ten on an ex-right day
    adj: Floats
    volume_ratio: npt.NDArray[np.float32]
    total_share: Floats
    index: Floats  # (sessions, indexes, 7): open, high, low, close, pre_close, lots, amount

    @classmethod
    def empty(cls, days: list[int], stocks: int) -> Chunk:
        """Make room for a year."""
        shape = (len(days), stocks)
        prices = {name: np.zeros(shape, np.int32) for name in _PRICES}
        return cls(
            days=days,
            status=np.zeros(shape, np.uint8),
            lots=np.zeros(shape, np.int64),
            amount=np.zeros(shape, np.int64),
            adj=np.zeros(shape),
            volume_ratio=np.zeros(shape, np.float32),
            total_share=np.zeros(shape),
            index=np.zeros((len(days), len(INDEXES), 7)),
            **prices,
        )


_PRICES = ("open", "high", "low", "close", "pre_close", "up_limit", "down_limit", "ah_lots", "cash", "bonus")


@dataclass(frozen=True)
class Draws:
    """A year's random numbers, (sessions, stocks) each unless said otherwise."""

    idio: npt.NDArray[np.float32]
    gap: npt.NDArray[np.float32]
    up: npt.NDArray[np.float32]
    down: npt.NDArray[np.float32]
    volume: npt.NDArray[np.float32]
    where: npt.NDArray[np.float32]  # uniform: suspension
    event: npt.NDArray[np.float32]  # uniform: ex-right
    size: npt.NDArray[np.float32]  # uniform: how large the event is, where vwap lies
    market: Floats  # (sessions,)
    mood: Floats  # (sessions,)
    industry: Floats  # (sessions, industries)


def draw(rng: np.random.Generator, sessions: int, spec: MarketSpec) -> Draws:
    """Draw a year; Student's t with five degrees of freedom, scaled to unit variance, gives the fat tails."""
    shape = (sessions, spec.stocks)

    def normal() -> npt.NDArray[np.float32]:
        return rng.standard_normal(shape, dtype=np.float32)

    def uniform() -> npt.NDArray[np.float32]:
        return rng.random(shape, dtype=np.float32)

    scale = np.sqrt(rng.chisquare(5, shape) / 3.0).astype(np.float32)
    return Draws(
        idio=normal() / scale,
        gap=normal(),
        up=np.abs(normal()),
        down=np.abs(normal()),
        volume=normal(),
        where=uniform(),
        event=uniform(),
        size=uniform(),
        market=rng.standard_t(5, sessions) / np.sqrt(5 / 3),
        mood=rng.standard_normal(sessions),
        industry=rng.standard_normal((sessions, len(INDUSTRIES))),
    )
