"""The simulated market: a year of bars at a time, drawn from a seed.

Prices are whole ticks (0.01 CNY), so that limits, the ex-right identity and vwap inside [low, high] are exact. A
stock's daily log return is ``beta * market + industry + sigma * idio``, about 2 % a day, with fat tails and
volatility that clusters. How far stocks move, and differ in it, can be chosen: ``volatility``, ``volatility_spread``. A
push of 0.1 % a day keeps prices under 2 CNY from dying out.

The planted effect is reversal: ``idio = sqrt(1 - effect²) * noise - effect * z``, z being the stock's last five returns
relative to the market's average, standardised over the stocks of the session and held within ±3. So a stock that fell
over the last five sessions tends to rise over the next five; at 0 nothing but noise is left. The rank correlation of
the past and the next five sessions' returns is then about -0.1 at an effect of 0.1 and -0.27 at 0.3.

A year depends on the seed, the session list and the years before it since the origin, never on what is asked.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import date

import numpy as np

from ljwx_sandbox.tushare.daybook import first_state, step
from ljwx_sandbox.tushare.sessions import SessionList
from ljwx_sandbox.tushare.universe import MarketSpec, Universe, build_universe
from ljwx_sandbox.tushare.year import Chunk, Draws, State, draw

_KEPT_YEARS = 3


class SimulatedMarket:
    """Makes years when they are first asked for, and keeps the last few."""

    def __init__(self, spec: MarketSpec, sessions: SessionList) -> None:
        self.spec = spec
        self.sessions = sessions
        self.universe: Universe = build_universe(spec, sessions)
        self.origin = sessions.at_or_after(max(spec.origin, sessions.first))
        self._lock = threading.Lock()
        self._chunks: OrderedDict[int, Chunk] = OrderedDict()
        self.traits: State = first_state(spec, self.universe, self.origin.toordinal())
        self._closings = {self.origin.year - 1: self.traits}

    def year(self, year: int) -> Chunk | None:
        """Return a year's rows, or None for a year before the origin."""
        if year < self.origin.year:
            return None
        with self._lock:
            if year in self._chunks:
                self._chunks.move_to_end(year)
                return self._chunks[year]
            begin = max(each for each in self._closings if each < year)
            for each in range(begin + 1, year + 1):
                chunk = self._make(each)
            self._chunks[year] = chunk
            while len(self._chunks) > _KEPT_YEARS:
                self._chunks.popitem(last=False)
            return chunk

    def _make(self, year: int) -> Chunk:
        days = [day for day in self.sessions.of_year(year) if day >= self.origin]
        draws: Draws = draw(np.random.default_rng([self.spec.seed, 2, year]), len(days), self.spec)
        state = self._closings[year - 1].copy()
        chunk = Chunk.empty([day.toordinal() for day in days], self.spec.stocks)
        for at, day in enumerate(days):
            step(self.spec, self.universe, state, draws, chunk, at, day.toordinal())
        self._closings[year] = state
        return chunk


def ordinal(text: str) -> int:
    """Turn YYYYMMDD into an ordinal."""
    return date(int(text[:4]), int(text[4:6]), int(text[6:])).toordinal()
