"""What the forward record says of each answerer, and what its answers would have earned."""

from __future__ import annotations

from collections.abc import Sequence
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


@dataclass(frozen=True)
class KnownRecord:
    """The record as one sees it at the close of a session, read once.

    :param last: that session. ``days``: the exchange's, from the first of the record on.
    :param settled: SETTLED frame.
    """

    batches: Sequence[Batch]
    last: date
    days: Sequence[date]
    settled: pl.DataFrame


def known_record(warehouse: WarehouseHook, until: date = date.max) -> KnownRecord:
    """Read the record up to a session, with the outcomes that are known now.

    :raises NotFound: there is none.
    """
    batches = [each for each in warehouse.forward_batches() if each.session <= until]
    complete = [day for day in warehouse.complete_sessions() if day <= until]
    if not batches or not complete:
        raise NotFound("there is no forward record yet; the DAG ljwx_forward makes one")
    first, last = batches[0].session, complete[-1]
    days = warehouse.trading_days(first, max(last, batches[-1].session))
    return KnownRecord(batches, last, days, warehouse.settled_record().filter(pl.col("session") <= until))


def scored_record(known: KnownRecord | None = None) -> ScoredRecord:
    """Score every answerer of the forward record.

    :param known: None: all of it, as it is now.
    :raises NotFound: there is no record yet.
    """
    known = known or known_record(WarehouseHook())
    batches, settled, days = known.batches, known.settled, known.days
    waiting = settled.filter(~pl.col("late") & pl.col("label").is_null() & pl.col("reason").is_null())
    return ScoredRecord(
        first=batches[0].session,
        last=known.last,
        batches=len(batches),
        gaps=len({day for day in days if day <= batches[-1].session} - {batch.session for batch in batches}),
        late=int(settled["late"].sum()),
        open=len(waiting),
        scores=scores(settled, days),
    )


def earned_from_record(top: float = 0.1, slippage: float = 0.0005, known: KnownRecord | None = None) -> list[EarnedBy]:
    """Simulate what the answers of each answerer, to each task that orders stocks, would have earned.

    :param top: share of the stocks that is bought. ``slippage``: what each side loses, a fraction.
    :param known: None: all of the record, as it is now.
    :raises NotFound: there is no record yet, or no session after its first.
    """
    warehouse = WarehouseHook()
    known = known or known_record(warehouse)
    batches, last = known.batches, known.last
    first, codes = batches[0].session, warehouse.codes()
    days = [day for day in known.days if day <= last]
    if len(days) < 2:
        raise NotFound(f"no session is complete after {first}, the first of the forward record")
    market = market_of(codes.as_stocks(warehouse.bars(first, last)), days)
    portfolios = {
        each.meaning: PortfolioSpec(
            horizon=each.horizon, top=top, costs=Costs.model_validate(each.spec["costs"]), slippage=slippage
        )
        for each in batches
    }
    answers = codes.as_stocks(known.settled.filter(~pl.col("late"), pl.col("session") < last))
    valid = answers.filter(pl.col("probabilities").is_not_null(), pl.col("ts_code").is_in(market.stocks))
    tried = max(len(warehouse.lines()), 1)
    apart = ("answerer", "digest", "task", "meaning")
    parts = valid.sort(*apart, maintain_order=True).partition_by(*apart, maintain_order=True)
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

