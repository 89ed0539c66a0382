"""The questions of a session: its stocks, their snapshots, and what the rules say to them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import polars as pl

from ljwx.core.bars.codes import Codes
from ljwx.core.datasets.spec import IndexUniverse, SampleSpec, spec_of_today
from ljwx.core.evaluations import TRAIN_SAMPLES, logistic, numbers, unknown
from ljwx.core.features import FEATURE_VERSION, feature_names
from ljwx.core.forward.chain import Batch
from ljwx.core.forward.choice import in_full, members_on, most_traded, traded_on
from ljwx.core.forward.rules import (
    CLASS_RATES,
    LOGISTIC,
    PERSISTENCE,
    Said,
    asked,
    previous_labels,
    said_by,
    said_by_persistence,
    said_by_rates,
)
from ljwx.core.labels.outcomes import outcomes
from ljwx.core.snapshots.snapshot import snapshots
from ljwx.core.tasks import TASKS
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.settings import Settings
from ljwx.settings.forward import ForwardSettings
from ljwx.warehouse.forward import NewAnswer

log = logging.getLogger(__name__)

LOOK_BACK: Final = 80
"""Sessions read before the one that is asked about: for its snapshots, and for the last outcome of each stock."""


@dataclass(frozen=True)
class Asked:
    """A question of the record.

    :param snapshot: JSON text, and `sha256` its hash.
    :param in_full: whether the whole answer is asked for, and not the class alone.
    """

    ts_code: str
    task: str
    snapshot: str
    sha256: str
    in_full: bool

    def answer(self, session: date, answerer: str, said: Said) -> NewAnswer:
        """Return what a rule said to it."""
        classes = TASKS[self.task].classes
        return NewAnswer(session, self.ts_code, self.task, answerer, None, None, self.sha256, classes, said)


@dataclass(frozen=True)
class _Market:
    """Bars and snapshots of the sessions up to the one that is asked about."""

    bars: pl.DataFrame
    snapshots: pl.DataFrame
    codes: Codes


def questions_of(warehouse: WarehouseHook, settings: Settings, batch: Batch, run_key: int) -> list[Asked]:
    """Return the questions of a batch, by task and stock; the rules have answered them then.

    Which stocks it is about is decided once: what the rules have answered stands in the record.
    """
    spec = spec_of_today(batch.spec)
    market = _market(warehouse, batch, spec)
    chosen = warehouse.forward_stocks(batch.session)
    stocks = chosen or _chosen(warehouse, settings.forward, batch.session, market)
    full = in_full(batch.session, stocks, settings.forward.watchlist, settings.forward.in_full)
    rows = market.snapshots.filter(pl.col("session") == batch.session, pl.col("ts_code").is_in(stocks))
    known = rows.drop_nulls("snapshot").select("ts_code", "snapshot", "snapshot_sha256").sort("ts_code").rows()
    if len(known) < len(stocks):
        log.info(
            "%d of %d stocks have no whole snapshot, and are not asked about", len(stocks) - len(known), len(stocks)
        )
    tasks = [task for task in TASKS if task in spec.tasks and TASKS[task].needs_future]
    questions = [
        Asked(code, task, snapshot, sha256, code in full) for task in tasks for code, snapshot, sha256 in known
    ]
    if questions and not chosen:
        rules = _rules(warehouse, batch, spec, market, questions)
        if not warehouse.save_forward_rules(batch.session, run_key, rules):
            return questions_of(warehouse, settings, batch, run_key)  # another run has chosen meanwhile
    return questions


def _market(warehouse: WarehouseHook, batch: Batch, spec: SampleSpec) -> _Market:
    first = warehouse.complete_sessions(last=batch.session)[-LOOK_BACK:][0]
    bars = warehouse.bars(first, batch.session)
    features = warehouse.features(feature_names(), FEATURE_VERSION, first, batch.session)
    with_industries = warehouse.tells_industries(batch.dataset_id)
    industries = warehouse.industries_as_of(warehouse.moment()) if with_industries else None
    codes = warehouse.codes()
    features = warehouse.with_facts(features, spec.groups, industries, codes)
    found = snapshots(bars, features, spec, warehouse.names(), industries, codes)
    return _Market(bars, found.filter(session=batch.session), codes)


def _chosen(warehouse: WarehouseHook, settings: ForwardSettings, session: date, market: _Market) -> list[str]:
    """The stocks that the settings name and that have a bar; one of the watchlist without is named in the log."""
    there = traded_on(market.bars, session)
    if isinstance(settings.stocks, IndexUniverse):
        members = warehouse.members_as_of(settings.stocks.index, warehouse.moment())
        stocks = members_on(market.bars, session, members, market.codes)
        if not stocks:
            log.warning("forward.stocks: no list of members of %s is in force on %s", settings.stocks.index, session)
    elif settings.stocks == "all":
        stocks = there
    else:
        stocks = most_traded(market.bars, session, settings.stocks, market.codes)
    absent = [code for code in settings.watchlist if code not in there]
    if absent:
        log.warning("forward.watchlist: no bar on %s of %s", session, ", ".join(absent))
    return sorted({*stocks, *(code for code in settings.watchlist if code in there)})


def _rules(
    warehouse: WarehouseHook, batch: Batch, spec: SampleSpec, market: _Market, questions: Sequence[Asked]
) -> list[NewAnswer]:
    """What the rules say to all questions."""
    last = _last_classes(warehouse, batch, spec, market, sorted({each.task for each in questions}))
    posed = {
        each: asked(each.ts_code, each.task, batch.session, last.get((market.codes.stock_of(each.ts_code), each.task)))
        for each in questions
    }
    rates = warehouse.class_rates(batch.dataset_id)
    answers = {
        CLASS_RATES: said_by_rates(list(posed.values()), rates),
        LOGISTIC: said_by(*_regression(warehouse, batch, rates, posed)),
        PERSISTENCE: said_by_persistence(list(posed.values())),
    }
    return [
        each.answer(batch.session, rule, said[posed[each].sample_id])
        for rule, said in answers.items()
        for each in questions
        if posed[each].sample_id in said
    ]


def _regression(
    warehouse: WarehouseHook, batch: Batch, rates: Mapping[str, Said], posed: Mapping[Asked, Any]
) -> tuple[Any, list[Any]]:
    """A regression fitted on the train split with natural priors, and the questions that it can answer."""
    train = [
        (sample.task, sample.label, json.loads(sample.snapshot))
        for sample in warehouse.train_snapshots(batch.dataset_id, TRAIN_SAMPLES)
        if TASKS[sample.task].needs_future
    ]
    facts = {posed[each].sample_id: json.loads(each.snapshot) for each in posed}
    left_out = unknown([*facts.values(), *(snapshot for _, _, snapshot in train)])
    fitted = logistic(
        [(task, label, numbers(snapshot, left_out)) for task, label, snapshot in train],
        {name: numbers(snapshot, left_out) for name, snapshot in facts.items()},
        rates,
    )
    trained = {task for task, _, _ in train}
    return fitted, [question for question in posed.values() if question.task in trained]


def _last_classes(
    warehouse: WarehouseHook, batch: Batch, spec: SampleSpec, market: _Market, tasks: Sequence[str]
) -> dict[tuple[str, str], str]:
    """The class that came true last of each stock and task, with what the batch says that classes mean."""
    days = warehouse.trading_days(market.bars.item(0, "session"), batch.session)
    days = sorted({*days, *market.bars.get_column("session").unique().to_list()})
    listed = market.codes.listed(warehouse.instruments())
    happened = outcomes(market.codes.as_stocks(market.bars), listed, days, spec)
    return previous_labels(happened, spec, batch.numbers, tasks)
