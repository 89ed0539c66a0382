"""What the forward record says of each answerer, and what its answers would have earned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from ljwx.core.forward.chain import Batch
from ljwx.core.forward.earned import Earned, IcAt, Ratio, earn
from ljwx.core.forward.market import Market, market_of
from ljwx.core.forward.portfolio import LEFT_OUT, PortfolioSpec
from ljwx.core.forward.scores import Score, scores
from ljwx.core.forward.settled import signals
from ljwx.core.labels.costs import Costs
from ljwx.core.tasks import TASKS
from ljwx.core.tasks.answers import RISK_NOTE
from ljwx.exceptions import NotFound
from ljwx.hooks.warehouse import WarehouseHook

BOUNDS: Final = "low and high hold with 95 % over all days on which one looks, for each number by itself."


@dataclass(frozen=True)
class ScoredRecord:
    """The forward record as it is known now.

    :param last: the newest complete session.
    :param batches: sessions that were asked about; ``gaps``: sessions since the first that were not, and never will be.
    :param late: answers that count nowhere; ``open``: answers in time that wait for their outcome.
    """

    first: date
    last: date
    batches: int
    gaps: int
    late: int
    open: int
    scores: tuple[Score, ...]
    bounds: str = BOUNDS
    note: str = RISK_NOTE


@dataclass(frozen=True)
class EarnedBy:
    """A simulated portfolio of one answerer's answers to one task; fractions a year, but the curves.

    :param curve: its value at each close, after all costs; ``market``: of the equal-weight market of the same stocks.
    """

    answerer: str
    digest: str | None
    task: str
    horizon: int
    meaning: str
    sessions: tuple[date, ...]
    curve: tuple[float, ...]
    market: tuple[float, ...]
    annual: float
    market_annual: float
    excess: float
    drawdown: float
    turnover: float
    capacity_cny: float | None
    capacity_cny_low: float | None
    information_ratio: Ratio | None
    deflated_sharpe: float | None
    recipes_tried: int
    ics: tuple[IcAt, ...]
    note: str = LEFT_OUT


def scored_record() -> ScoredRecord:
    """Score every answerer of the forward record.

    :raises NotFound: there is no record yet.
    """
    warehouse = WarehouseHook()
    batches, last = _record(warehouse)
    settled = warehouse.settled_record()
    first = batches[0].session
    days = warehouse.trading_days(first, max(last, batches[-1].session))
    waiting = settled.filter(~pl.col("late") & pl.col("label").is_null() & pl.col("reason").is_null())
    return ScoredRecord(
        first=first,
        last=last,
        batches=len(batches),
        gaps=len({day for day in days if day <= batches[-1].session} - {batch.session for batch in batches}),
        late=int(settled["late"].sum()),
        open=len(waiting),
        scores=scores(settled, days),
    )


def earned_from_record(top: float = 0.1, slippage: float = 0.0005) -> list[EarnedBy]:
    """Simulate what the answers of each answerer, to each task that orders stocks, would have earned.

    :param top: share of the stocks that is bought. ``slippage``: what each side loses, a fraction.
    :raises NotFound: there is no record yet, or no session after its first.
    """
    warehouse = WarehouseHook()
    batches, last = _record(warehouse)
    first = batches[0].session
    codes = warehouse.codes()
    days = warehouse.trading_days(first, last)
    if len(days) < 2:
        raise NotFound(f"no session is complete after {first}, the first of the forward record")
    market = market_of(codes.as_stocks(warehouse.bars(first, last)), days)
    portfolios = {
        each.meaning: PortfolioSpec(
            horizon=each.horizon, top=top, costs=Costs.model_validate(each.spec["costs"]), slippage=slippage
        )
        for each in batches
    }
    answers = codes.as_stocks(warehouse.settled_record().filter(~pl.col("late"), pl.col("session") < last))
    known = answers.filter(pl.col("probabilities").is_not_null(), pl.col("ts_code").is_in(market.stocks))
    tried = max(len(warehouse.lines()), 1)
    apart = ("answerer", "digest", "task", "meaning")
    parts = known.sort(*apart, maintain_order=True).partition_by(*apart, maintain_order=True)
    return [
        _earned(rows, market, portfolios[rows.item(0, "meaning")], tried)
        for rows in parts
        if TASKS[rows.item(0, "task")].direction is not None
    ]


def _earned(rows: pl.DataFrame, market: Market, spec: PortfolioSpec, tried: int) -> EarnedBy:
    answerer, digest, task, meaning = rows.select("answerer", "digest", "task", "meaning").row(0)
    said = rows.select("session", "ts_code", signal=pl.Series(signals(rows, task)))
    found: Earned = earn(said, market, spec, tried)
    return EarnedBy(
        answerer=answerer,
        digest=digest,
        task=task,
        horizon=spec.horizon,
        meaning=meaning,
        sessions=found.curve.sessions,
        curve=tuple(found.curve.values.tolist()),
        market=tuple(found.market.values.tolist()),
        annual=found.annual,
        market_annual=found.market_annual,
        excess=found.excess,
        drawdown=found.drawdown,
        turnover=found.turnover,
        capacity_cny=found.capacity,
        capacity_cny_low=found.capacity_low,
        information_ratio=found.information_ratio,
        deflated_sharpe=found.deflated,
        recipes_tried=found.tried,
        ics=found.ics,
    )


def _record(warehouse: WarehouseHook) -> tuple[list[Batch], date]:
    batches, complete = warehouse.forward_batches(), warehouse.complete_sessions()
    if not batches or not complete:
        raise NotFound("there is no forward record yet; the DAG ljwx_forward makes one")
    return batches, complete[-1]
