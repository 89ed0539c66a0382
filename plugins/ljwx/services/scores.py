"""What the forward record says of each answerer, and what its answers would have earned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import polars as pl

from ljwx.core.evidence.sessions import RECORD, VALIDATION, Source
from ljwx.core.features.of_index import BENCHMARK
from ljwx.core.features.of_index import TABLE as INDEX_BARS
from ljwx.core.forward.chain import Batch, meaning_of
from ljwx.core.forward.earned import Earned, EarnedBy, earn
from ljwx.core.forward.market import Market, market_of
from ljwx.core.forward.portfolio import BACKTEST, LEFT_OUT, IndexLevels, PortfolioSpec
from ljwx.core.forward.scores import Score, scores
from ljwx.core.forward.settled import SETTLED, signals
from ljwx.core.labels.costs import Costs
from ljwx.core.tasks import TASKS
from ljwx.core.tasks.answers import RISK_NOTE
from ljwx.exceptions import NotFound
from ljwx.hooks.warehouse import WarehouseHook

__all__ = [
    "EarnedBy", "KnownRecord", "ScoredRecord", "earned_from_record", "earned_from_validation", "known_record",
    "scored_record",
]  # fmt: skip

VALIDATED: Final = {name: SETTLED[name] for name in ("session", "ts_code", "task", "answerer", "digest", "meaning")} | {
    "place": pl.Int64(),
    "of_classes": pl.Boolean(),
    "probabilities": SETTLED["probabilities"],
}
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
class KnownRecord:
    """The record as one sees it at the close of a session, read once.

    :param last: that session. ``days``: the exchange's, from the first of the record on.
    :param settled: SETTLED frame.
    """

    batches: Sequence[Batch]
    last: date
    days: Sequence[date]
    settled: pl.DataFrame


def known_record(
    warehouse: WarehouseHook, until: date = date.max, read: Callable[[Sequence[Batch]], pl.DataFrame] | None = None
) -> KnownRecord:
    """Read the record up to a session, with the outcomes that are known now.

    :param read: returns the answers of batches as a SETTLED frame; None: they are read from the warehouse.
    :raises NotFound: there is none.
    """
    every = warehouse.forward_batches()
    batches = [each for each in every if each.session <= until]
    complete = [day for day in warehouse.complete_sessions() if day <= until]
    if every and not batches:
        raise NotFound(f"the forward record has no session up to {until}")
    if not batches or not complete:
        raise NotFound("there is no forward record yet; the DAG ljwx_forward makes one")
    first, last = batches[0].session, complete[-1]
    days = warehouse.trading_days(first, max(last, batches[-1].session))
    settled = warehouse.settled_record() if read is None else read(batches)
    return KnownRecord(batches, last, days, settled.filter(pl.col("session") <= until))


def scored_record(known: KnownRecord | None = None, brief: bool = False) -> ScoredRecord:
    """Score every answerer of the forward record.

    :param known: None: all of it, as it is now.
    :param brief: as :func:`ljwx.core.forward.scores.scores` has it.
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
        scores=scores(settled, days, brief),
    )


def earned_from_record(
    top: float = 0.1, slippage: float = 0.0005, known: KnownRecord | None = None, brief: bool = False
) -> list[EarnedBy]:
    """Simulate what the answers of each answerer, to each task that orders stocks, would have earned.

    :param top: share of the stocks that is bought. ``slippage``: what each side loses, a fraction.
    :param known: None: all of the record, as it is now.
    :param brief: of models alone, and as :func:`ljwx.core.forward.earned.earn` has it.
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
    portfolios = {each.meaning: _portfolio(each.spec, top, slippage) for each in batches}
    shown = pl.col("digest").is_not_null() if brief else pl.lit(True)
    answers = codes.as_stocks(known.settled.filter(~pl.col("late"), pl.col("session") < last, shown))
    return _simulated(answers, market, portfolios, _levels(warehouse, first, last), _tried(warehouse), brief=brief)


def earned_from_validation(top: float = 0.1, slippage: float = 0.0005) -> list[EarnedBy]:
    """Simulate, as a backtest, what answers to validation questions would have earned, by line.

    :param top: share of the stocks that is bought. ``slippage``: what each side loses, a fraction.
    :raises NotFound: there is no such answer, or no session after the first.
    """
    warehouse = WarehouseHook()
    complete, champion = warehouse.complete_sessions(), warehouse.champion()
    models = [*([champion.model] if champion else []), *(each.model for each in warehouse.newest_models())]
    said = [
        found for name in dict.fromkeys(models) if complete and (found := _validated(warehouse, name, complete[-1]))
    ]
    if not said:
        raise NotFound("no model of a line has answered validation questions yet; ljwx_model_build asks them")
    codes, portfolios = (
        warehouse.codes(),
        {meaning_of(each.spec): _portfolio(each.spec, top, slippage) for each in said},
    )
    rows = codes.as_stocks(pl.concat([each.rows for each in said]))
    asked = sorted(rows["session"].unique())
    longest = 2 * max(each.horizon for each in portfolios.values())
    last = warehouse.trading_days(asked[-1], complete[-1])[: longest + 1][-1]
    days = warehouse.trading_days(asked[0], last)
    market = market_of(codes.as_stocks(warehouse.bars(asked[0], last)), days)
    known = rows.filter(pl.col("session").is_in(days[:-1]))
    return _simulated(known, market, portfolios, _levels(warehouse, asked[0], last), _tried(warehouse), VALIDATION)


@dataclass(frozen=True)
class _Validated:
    """What a line said to validation questions, and the settings, as JSON, of the samples of its newest model."""

    rows: pl.DataFrame
    spec: Mapping[str, Any]


def _validated(warehouse: WarehouseHook, name: str, until: date) -> _Validated | None:
    """Return what the line of a model said: of each session its newest model that nothing of it was made from.

    Questions of which the class alone was asked go before those asked in full: they are whole cross-sections.
    """
    model, spec = warehouse.model(name), warehouse.sample_spec_of(name)
    if model is None or model.line_id is None or spec is None:
        return None
    made = {each.model: (at, each) for at, each in enumerate(warehouse.made_of(model.line_id, name))}
    tasks = [task for task, each in TASKS.items() if each.direction is not None]
    said = warehouse.said_by([each for _, each in made.values()], tasks, date.min, until)
    rows = [
        (each.session, each.ts_code, each.task, name, model.digest, meaning_of(spec), made[each.model][0],
         each.of_classes, [each.probabilities[label] for label in TASKS[each.task].classes])
        for each in said
        if each.probabilities is not None and each.session >= made[each.model][1].counts_from
    ]  # fmt: skip
    if not rows:
        return None
    frame = pl.DataFrame(rows, VALIDATED, orient="row")
    newest = frame.filter(pl.col("place") == pl.col("place").min().over("session"))
    once = newest.sort("of_classes", descending=True, maintain_order=True)
    return _Validated(once.unique(["session", "ts_code", "task"], keep="first", maintain_order=True), spec)


def _tried(warehouse: WarehouseHook) -> int:
    return max(len(warehouse.lines()), 1)


def _levels(warehouse: WarehouseHook, first: date, last: date) -> IndexLevels:
    """Return the closes of the benchmark, or else of the first other index by its code that has any."""
    rows = warehouse.facts(INDEX_BARS, first, last)
    codes = sorted(rows.get_column("ts_code").unique(), key=lambda code: (code != BENCHMARK, code))
    if not codes:
        return IndexLevels()
    return IndexLevels(codes[0], dict(rows.filter(ts_code=codes[0]).select("session", "close").iter_rows()))


def _portfolio(spec: Mapping[str, Any], top: float, slippage: float) -> PortfolioSpec:
    costs = Costs.model_validate(spec["costs"])
    return PortfolioSpec(horizon=int(spec["horizon"]), top=top, costs=costs, slippage=slippage)


def _simulated(
    answers: pl.DataFrame,
    market: Market,
    portfolios: Mapping[str, PortfolioSpec],
    levels: IndexLevels,
    tried: int,
    origin: Source = RECORD,
    brief: bool = False,
) -> list[EarnedBy]:
    """Simulate each answerer's answers to each task that orders stocks, whose classes mean the same."""
    valid = answers.filter(pl.col("probabilities").is_not_null(), pl.col("ts_code").is_in(market.stocks))
    apart = ("answerer", "digest", "task", "meaning")
    parts = valid.sort(*apart, maintain_order=True).partition_by(*apart, maintain_order=True)
    return [
        _earned(rows, market, portfolios[rows.item(0, "meaning")], levels, tried, origin, brief)
        for rows in parts
        if TASKS[rows.item(0, "task")].direction is not None
    ]


def _earned(
    rows: pl.DataFrame,
    market: Market,
    spec: PortfolioSpec,
    levels: IndexLevels,
    tried: int,
    origin: Source,
    brief: bool,
) -> EarnedBy:
    answerer, digest, task, meaning = rows.select("answerer", "digest", "task", "meaning").row(0)
    said = rows.select("session", "ts_code", signal=pl.Series(signals(rows, task)))
    first = rows.select(pl.col("session").min()).item()
    days = [day for day in market.sessions if day >= first]
    found: Earned = earn(said, market, spec, tried, levels.of(days), brief)
    return EarnedBy(
        answerer=answerer,
        digest=digest,
        task=task,
        horizon=spec.horizon,
        meaning=meaning,
        sessions=found.curve.sessions,
        curve=tuple(found.curve.values.tolist()),
        market=tuple(found.market.values.tolist()),
        index_code=None if found.index is None else levels.code,
        index=None if found.index is None else tuple(found.index.tolist()),
        annual=found.annual,
        market_annual=found.market_annual,
        index_annual=found.index_annual,
        excess=found.excess,
        drawdown=found.drawdown,
        turnover=found.turnover,
        capacity_cny=found.capacity,
        capacity_cny_low=found.capacity_low,
        information_ratio=found.information_ratio,
        deflated_sharpe=found.deflated,
        recipes_tried=found.tried,
        ics=found.ics,
        index_note=levels.note(days),
        origin=origin,
        note=LEFT_OUT if origin == RECORD else f"{BACKTEST}{LEFT_OUT}",
    )
