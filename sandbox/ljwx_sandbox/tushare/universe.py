"""Who is listed on the simulated market: codes, boards, names, and the dates that matter to each stock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from ljwx_sandbox.tushare.oddities.renames import CodeBook, History, Rename, code_book
from ljwx_sandbox.tushare.sessions import SessionList

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MAIN, CHINEXT, STAR, BSE = 0, 1, 2, 3
BOARD_NAMES = ("主板", "创业板", "科创板", "北交所")
NEVER = date.max.toordinal()
_SCHEDULE_YEARS = 15
_YEAR = 365
MAX_STOCKS = 8000
"""About four in five are listed at any time, and a session of more than 6000 rows shows what a cap does."""

# (exchange suffix, board, share of the market, code prefixes of three digits, first listing day of the board)
_GROUPS = (
    ("SZ", MAIN, 0.28, ("000", "001", "002", "003"), date(1991, 4, 3)),
    ("SH", MAIN, 0.32, ("600", "601", "603", "605"), date(1990, 12, 19)),
    ("SZ", CHINEXT, 0.24, ("300", "301"), date(2009, 10, 30)),
    ("SH", STAR, 0.10, ("688",), date(2019, 7, 22)),
    ("BJ", BSE, 0.06, ("920",), date(2021, 11, 15)),
)
INDUSTRIES = (
    ("银行", "yh"), ("全国地产", "qg"), ("软件服务", "rj"), ("电气设备", "dq"), ("元器件", "yq"),
    ("专用机械", "zy"), ("化工原料", "hg"), ("汽车配件", "qc"), ("中成药", "zc"), ("白酒", "bj"),
    ("半导体", "bd"), ("证券", "zq"), ("家用电器", "jy"), ("火力发电", "hl"), ("煤炭开采", "mt"),
    ("食品", "sp"), ("医疗保健", "yl"), ("通信设备", "tx"), ("互联网", "hlw"), ("小金属", "xj"),
)  # fmt: skip
AREAS = ("浙江", "江苏", "北京", "广东", "上海", "深圳", "山东", "四川", "湖北", "福建")


@dataclass(frozen=True)
class MarketSpec:
    """What the simulated market is like. Rates are per stock and year unless the name says otherwise.

    :param effect: how far the past predicts the future, in [0, 1); 0 plants nothing. See `market`.
    :param origin: the first day prices are made for; earlier dates have no rows.
    :param volatility: of a stock's own daily returns, the median over the stocks; 0.02 is 2 %.
    :param volatility_spread: how far stocks differ in it: the standard deviation of its logarithm.
    :param renames: stocks whose code changes; ``bse_day``: when all of the Beijing exchange change to 920xxx.
    :param history: the code under which what lies before a rename is served afterwards.
    :param odd_suspensions: the share of stock-sessions of which suspend_d and daily contradict each other.
    :param untidy_names: names stay open when a later one begins, and two begin on one day.
    """

    stocks: int = 60
    seed: int = 7
    effect: float = 0.0
    origin: date = date(2016, 1, 1)
    ipo_rate: float = 0.015
    delist_rate: float = 0.007
    st_rate: float = 0.03
    ex_right_rate: float = 0.8
    suspend_rate: float = 0.25
    suspend_sessions: float = 5.0
    renames: tuple[Rename, ...] = ()
    bse_day: date | None = None
    history: History = "new"
    odd_suspensions: float = 0.0
    untidy_names: bool = False
    volatility: float = 0.016
    volatility_spread: float = 0.25

    def __post_init__(self) -> None:
        if not 1 <= self.stocks <= MAX_STOCKS:
            raise ValueError(f"stocks must be 1 to {MAX_STOCKS}, not {self.stocks}")
        if not 0.0 <= self.effect < 1.0:
            raise ValueError(f"effect must be at least 0 and below 1, not {self.effect}")
        if not 0.001 <= self.volatility <= 0.1:
            raise ValueError(f"volatility must be 0.001 to 0.1, not {self.volatility}")
        if not 0.0 <= self.volatility_spread <= 1.0:
            raise ValueError(f"volatility_spread must be 0 to 1, not {self.volatility_spread}")


@dataclass(frozen=True)
class Universe:
    """One entry per stock in every array; dates are ordinals, NEVER where there is none."""

    codes: tuple[str, ...]
    names: tuple[str, ...]
    board: Ints
    industry: Ints
    area: Ints
    list_day: Ints
    delist_day: Ints
    st_from: Ints
    st_to: Ints
    book: CodeBook

    def is_st(self, day: int) -> npt.NDArray[np.bool_]:
        """Mark the stocks under special treatment on a day."""
        return (self.st_from <= day) & (day < self.st_to)

    def is_listed(self, day: int) -> npt.NDArray[np.bool_]:
        """Mark the stocks listed on a day."""
        return (self.list_day <= day) & (day < self.delist_day)

    def name_at(self, at: int, day: int) -> str:
        """Return what the stock at an index is called on a day."""
        name = self.names[at]
        rename = self.book.renames.get(at)
        if rename is not None and rename.name and day >= rename.day.toordinal():
            name = rename.name
        if not self.st_from[at] <= day < self.st_to[at]:
            return name
        return f"*ST{name[2:]}" if self.delist_day[at] != NEVER else f"ST{name[2:]}"


def build_universe(spec: MarketSpec, sessions: SessionList) -> Universe:
    """Draw a universe from the seed. 000001.SZ and, from two stocks on, 600000.SH are always in it."""
    rng = np.random.default_rng([spec.seed, 1])
    codes, board, opened = _codes(spec.stocks)
    count = spec.stocks
    origin = max(spec.origin, sessions.first).toordinal()
    list_day = _listing_days(spec, rng, origin, opened)
    delist_day = _scheduled(rng, spec.delist_rate, origin, count)
    delist_day = np.where(delist_day > list_day + _YEAR, delist_day, NEVER)
    delist_day[:2] = NEVER
    st_from = _scheduled(rng, spec.st_rate, origin, count)
    st_to = st_from + rng.integers(200, 800, count)
    st_from = np.where(delist_day != NEVER, delist_day - 250, st_from)
    st_to = np.where(delist_day != NEVER, delist_day, st_to)
    st_from[:2] = NEVER
    none = (st_from >= NEVER) | (st_from <= list_day + 60)
    industry = rng.integers(0, len(INDUSTRIES), count)
    return Universe(
        codes=codes,
        names=tuple(f"沙盒{INDUSTRIES[kind][0][:2]}{at + 1}" for at, kind in enumerate(industry)),
        board=board,
        industry=industry,
        area=rng.integers(0, len(AREAS), count),
        list_day=_on_sessions(list_day, origin, sessions),
        delist_day=_on_sessions(delist_day, origin, sessions),
        st_from=_on_sessions(np.where(none, NEVER, st_from), origin, sessions),
        st_to=_on_sessions(np.where(none, NEVER, st_to), origin, sessions),
        book=code_book(codes, spec.renames, spec.bse_day, spec.history),
    )


def _codes(count: int) -> tuple[tuple[str, ...], Ints, Ints]:
    """Deal stocks out to the boards in their shares, so that a small market has every board from 20 stocks on."""
    dealt = [0] * len(_GROUPS)
    codes, board, opened = [], [], []
    for n in range(1, count + 1):
        group = max(range(len(_GROUPS)), key=lambda g: _GROUPS[g][2] * n - dealt[g]) if n > 2 else n - 1
        suffix, kind, _, prefixes, first = _GROUPS[group]
        number = dealt[group] + (1 if n != 2 else 0)
        dealt[group] += 1
        prefix = prefixes[number // 1000]
        codes.append(f"{prefix}{number % 1000:03d}.{suffix}")
        board.append(kind)
        opened.append(first.toordinal())
    return tuple(codes), np.array(board, dtype=np.int64), np.array(opened, dtype=np.int64)


def _listing_days(spec: MarketSpec, rng: np.random.Generator, origin: int, opened: Ints) -> Ints:
    count = spec.stocks
    span = _SCHEDULE_YEARS * _YEAR
    old = opened + (rng.random(count) * np.maximum(origin - opened, 2 * _YEAR)).astype(np.int64)
    new = np.maximum(origin + 1, opened) + (rng.random(count) * span).astype(np.int64)
    comes_later = rng.random(count) < spec.ipo_rate * _SCHEDULE_YEARS
    comes_later[:2] = False
    return np.where(comes_later, new, old)


def _scheduled(rng: np.random.Generator, rate: float, origin: int, count: int) -> Ints:
    days = origin + (rng.random(count) * _SCHEDULE_YEARS * _YEAR).astype(np.int64)
    return np.where(rng.random(count) < rate * _SCHEDULE_YEARS, days, NEVER)


def _on_sessions(days: Ints, origin: int, sessions: SessionList) -> Ints:
    """Move days from the origin on to the next session; earlier ones and NEVER stay."""
    moved = [
        sessions.at_or_after(date.fromordinal(day)).toordinal() if origin <= day < NEVER else day
        for day in days.tolist()
    ]
    return np.array(moved, dtype=np.int64)
