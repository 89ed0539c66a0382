"""Markets for the samples' tests: small ones by hand, and a seeded one with suspensions, ex-rights and limits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ljwx.core import features
from ljwx.core.datasets.build import Dataset, build
from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.prompts import Prompts, load_prompts
from ljwx.core.tasks import DEFAULT_TASKS
from ljwx.core.tasks.forms import PROSE, Form
from ljwx.resources import included_below

REPOSITORY = Path(__file__).resolve().parents[2]
BAR_SCHEMA = {
    "ts_code": pl.String,
    "session": pl.Date,
    **dict.fromkeys(("open", "high", "low", "close", "pre_close", "vol", "amount", "ah_vol", "ah_amount"), pl.Float64),
    **dict.fromkeys(("adj_factor", "up_limit", "down_limit"), pl.Float64),
    "flags": pl.List(pl.String),
}


def weekdays(start: dt.date, count: int) -> list[dt.date]:
    days = (start + dt.timedelta(days=k) for k in range(2 * count + 7))
    return [d for d in days if d.weekday() < 5][:count]


def hand_bars(
    sessions: Sequence[dt.date], stocks: dict[str, Sequence[dict[str, float] | float | None]]
) -> pl.DataFrame:
    """A number is a flat bar at that price, a dict names what differs from it, None is a suspended session."""
    rows = []
    for code, days in stocks.items():
        before = None
        for session, day in zip(sessions, days, strict=False):
            if day is None:
                continue
            given = day if isinstance(day, dict) else {"close": day}
            close = given["close"]
            row = {
                "open": close,
                "high": max(close, given.get("open", close)),
                "low": min(close, given.get("open", close)),
            }
            pre = before or close
            row |= {"pre_close": pre, "vol": 100.0, "amount": close * 10, "adj_factor": 1.0}
            row |= {"up_limit": round(pre * 1.1 + 1e-9, 2), "down_limit": round(pre * 0.9 + 1e-9, 2)}
            rows.append({"ts_code": code, "session": session, "flags": []} | row | given)
            before = close
    return pl.DataFrame(rows, schema=BAR_SCHEMA)


def instruments_of(codes: Sequence[str], **changes: dict[str, object]) -> pl.DataFrame:
    rows = []
    for code in sorted(codes):
        row: dict[str, object] = {"ts_code": code, "list_date": dt.date(2000, 1, 4), "delist_date": None}
        rows.append(row | changes.get(code, {}))
    return pl.DataFrame(rows, schema_overrides={"list_date": pl.Date, "delist_date": pl.Date})


@dataclass(frozen=True)
class Market:
    bars: pl.DataFrame
    instruments: pl.DataFrame
    sessions: list[dt.date]
    names: pl.DataFrame
    industries: pl.DataFrame

    def build(
        self,
        bars: pl.DataFrame | None = None,
        members: pl.DataFrame | None = None,
        form: Form = PROSE,
        **settings: object,
    ) -> Dataset:
        bars, spec = self.bars if bars is None else bars, SampleSpec(**settings)
        feature = features.compute(bars)
        return build(bars, feature, self.instruments, self.sessions, spec, **self.profiles, members=members, form=form)

    @property
    def profiles(self) -> dict[str, pl.DataFrame]:
        return {"names": self.names, "industries": self.industries}


def since_2000(what: str, values: dict[str, str]) -> pl.DataFrame:
    return pl.DataFrame({"ts_code": list(values), what: list(values.values()), "start_date": dt.date(2000, 1, 4)})


def seeded_market(stocks: int = 10, count: int = 150, seed: int = 11) -> Market:
    random = np.random.default_rng(seed)
    sessions = weekdays(dt.date(2024, 1, 2), count)
    frames, kinds = [], ("银行", '医药"生物', "电力\\热力")
    for k in range(stocks):
        code = f"{600000 + k}.SH"
        close = 10 * np.exp(np.cumsum(random.normal(0, 0.02, count)))
        factor = np.where(np.arange(count) >= 70 + k, 1.25, 1.0)
        raw = (close / factor).round(2)
        pre = np.r_[raw[0], (raw[:-1] * factor[:-1] / factor[1:]).round(2)]
        opened = (pre * (1 + random.normal(0, 0.004, count))).round(2)
        spread = 1 + np.abs(random.normal(0, 0.006, (2, count)))
        vol = random.lognormal(10, 0.4, count).round()
        frames.append(
            pl.DataFrame(
                {
                    "ts_code": [code] * count,
                    "session": sessions,
                    "open": opened,
                    "high": (np.maximum(opened, raw) * spread[0]).round(2),
                    "low": (np.minimum(opened, raw) / spread[1]).round(2),
                    "close": raw,
                    "pre_close": pre,
                    "vol": vol,
                    "amount": (vol * raw / 10).round(2),
                    "adj_factor": factor,
                    "up_limit": (pre * 1.1).round(2),
                    "down_limit": (pre * 0.9).round(2),
                }
            ).filter(pl.Series(random.random(count) > 0.01))
        )
    bars = pl.concat(frames).with_columns(
        ah_vol=pl.lit(None, pl.Float64), ah_amount=pl.lit(None, pl.Float64), flags=pl.lit([], pl.List(pl.String))
    )
    codes = [f"{600000 + k}.SH" for k in range(stocks)]
    return Market(
        bars.select(list(BAR_SCHEMA)),
        instruments_of(codes),
        sessions,
        names=since_2000("name", {code: f"甲{code[:6]}" for code in codes}),
        industries=since_2000("industry", {code: kinds[k % 3] for k, code in enumerate(codes)}),
    )


@pytest.fixture(scope="session")
def market() -> Market:
    return seeded_market()


@pytest.fixture(scope="session")
def built(market: Market) -> Dataset:
    return market.build()


@pytest.fixture(scope="session")
def prompts() -> Prompts:
    return load_prompts(included_below("prompts"), "v1", DEFAULT_TASKS)


@pytest.fixture(scope="session")
def days() -> list[dt.date]:
    return weekdays(dt.date(2024, 3, 4), 40)


@pytest.fixture(scope="session")
def bars_of(days: list[dt.date]) -> Callable[..., pl.DataFrame]:
    return lambda **stocks: hand_bars(days, {code.replace("_", "."): rows for code, rows in stocks.items()})


@pytest.fixture(scope="session")
def listed() -> Callable[..., pl.DataFrame]:
    return instruments_of


@pytest.fixture(scope="session")
def make_market() -> Callable[..., Market]:
    return seeded_market
