"""The real gate on the simulated market, with the effect planted and without: who knows it passes, chance does not.

No language model is asked. The challenger knows the planted reversal and reads it from the snapshot: a stock low among
the five-session returns of the day is said to rise. The champion uses the same rule on another question's snapshot, so
that it says each class as often and knows nothing. Labels, splits, outcomes, evidence and the gate's default policy are
the product's. ``LJWX_BENCH_MARKETS`` markets are drawn for each figure.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

REPOSITORY = Path(__file__).resolve().parents[1]
SESSIONS = REPOSITORY / "include" / "sessions" / "sse.txt"
FIRST, LAST = date(2024, 1, 2), date(2025, 6, 30)
STOCKS, EFFECT, HORIZON = 80, 0.5, 5
TASKS = ("price_direction", "investment_advice")
MARKETS = int(os.environ.get("LJWX_BENCH_MARKETS", "20"))


def gate_with_effect() -> dict[str, Any]:
    """Share of markets with a planted effect on which the answerer that knows it is promoted."""
    return _figure(EFFECT)


def gate_without_effect() -> dict[str, Any]:
    """Share of markets without an effect on which the same answerer is promoted."""
    return _figure(0.0)


def _figure(effect: float) -> dict[str, Any]:
    gaps, promoted = zip(*(judged(effect, seed) for seed in range(MARKETS)), strict=True)
    return {
        "value": sum(promoted) / MARKETS, "unit": "share", "ours": sum(promoted), "peer": MARKETS, "runs": MARKETS,
        "note": f"effect {effect}, {STOCKS} stocks; mean difference in RankIC {sum(gaps) / MARKETS:+.3f}",
    }  # fmt: skip


def judged(effect: float, seed: int) -> tuple[float, bool]:
    """Let the gate decide on one market; return the difference in RankIC, and whether it promotes."""
    from ljwx.core.evidence.sessions import ranking_differences
    from ljwx.core.promotions import Circumstances, GatePolicy, Reason, decide_line
    from ljwx.core.promotions.judging import against, of_all_tasks

    asked, ranks, outcomes, calendar = validation(effect, seed)
    by_hash = sorted(asked, key=lambda question: question.sample_id)
    others = zip(by_hash, [*by_hash[1:], by_hash[0]], strict=True)
    strange = {question.sample_id: ranks[other.sample_id] for question, other in others}
    ours, theirs = ({question.sample_id: _answer(question, known) for question in asked} for known in (ranks, strange))
    policy, held = GatePolicy(), (Reason(code="floors", text="held", favourable=True),)
    told = {task: ranking_differences(task, asked, ours, theirs, outcomes) for task in TASKS}
    alone = {task: ranking_differences(task, asked, ours, None, outcomes) for task in TASKS}
    alpha = policy.budget.stake([], 0).alpha
    pair, own = (against(each, {}, calendar, HORIZON, alpha) for each in (told, alone))
    decision = decide_line(policy, held, pair, own, Circumstances(1, 1, alpha, alpha))
    values = [each.value for each in of_all_tasks(told)]
    return sum(values) / len(values), decision.promote


def validation(effect: float, seed: int) -> tuple[list[Any], dict[str, float], dict[str, float], list[date]]:
    """Return the validation split's questions, of each the percentile of its return before and its excess after.

    Last the sessions from the first question to the last outcome.
    """
    from ljwx.core.datasets.build import build
    from ljwx.core.datasets.spec import SampleSpec
    from ljwx.core.evaluations import Question
    from ljwx.core.features import compute

    spec = SampleSpec.model_validate({"tasks": TASKS, "train_share": 0.3, "validation_share": 0.5, "thin_gap": 1})
    bars, stocks, sessions = market(effect, seed)
    built = build(bars, compute(bars), stocks, sessions, spec)
    questions, ranks, outcomes = [], {}, {}
    for row in built.samples.filter(pl.col("split") == "validation").iter_rows(named=True):
        facts = json.loads(row["snapshot"])
        told = {name: row[name] for name in ("sample_id", "task", "ts_code", "session", "label")}
        questions.append(Question(**told, previous_label=None, board=facts["board"], industry=facts["industry"]))
        ranks[row["sample_id"]] = facts["ranks"]["ret_5"]
        outcomes[row["sample_id"]] = row["excess"]
    first = min(question.session for question in questions)
    last = max(question.session for question in questions)
    calendar = [session for session in sessions if session >= first]
    return questions, ranks, outcomes, calendar[: calendar.index(last) + HORIZON + 1]


def _answer(question: Any, ranks: Mapping[str, float]) -> Any:
    """Say that a stock which is low among the returns rises, and never the class between."""
    from ljwx.core.evaluations import ScoredAnswer
    from ljwx.core.tasks import TASKS

    higher, _, lower = TASKS[question.task].classes
    return ScoredAnswer(question.sample_id, True, higher if ranks[question.sample_id] <= 50 else lower)


def market(effect: float, seed: int, first: date = FIRST) -> tuple[pl.DataFrame, pl.DataFrame, list[date]]:
    """Return bars, instruments and sessions of a simulated market, from a day on."""
    from ljwx.core.bars import BARS, assemble
    from ljwx.sources.rows import fetched_bars
    from ljwx.sources.tushare import rows
    from ljwx_sandbox.tushare.market import SimulatedMarket
    from ljwx_sandbox.tushare.sessions import SessionList
    from ljwx_sandbox.tushare.simulated import SimulatedSource
    from ljwx_sandbox.tushare.universe import MarketSpec

    sessions = SessionList.read(SESSIONS)
    source = SimulatedSource(SimulatedMarket(MarketSpec(STOCKS, seed, effect, first), sessions), first, LAST)
    daily, factors, limits, stocks = (
        _frame(source, api, first) for api in ("daily", "adj_factor", "stk_limit", "stock_basic")
    )
    joined = rows.factors(factors, None).usable, rows.limits(limits, None).usable
    bars = assemble(fetched_bars(daily), *joined).select(BARS.names())
    instruments = rows.instruments(stocks).usable.drop("exchange", "list_status")
    return bars, instruments, bars["session"].unique().sort().to_list()


def _frame(source: Any, api: str, first: date) -> pl.DataFrame:
    from ljwx_sandbox.tushare.interfaces import INTERFACES
    from ljwx_sandbox.tushare.wire import Query

    names = [*INTERFACES[api].default, *INTERFACES[api].hidden]

    def parts() -> Iterator[pl.DataFrame]:
        query = Query(start=f"{first:%Y%m%d}", end=f"{LAST:%Y%m%d}") if api != "stock_basic" else Query()
        for block in source.blocks(api, query):
            yield pl.DataFrame({name: block.column(name, 0, block.size) for name in names}, strict=False)

    return pl.concat(parts(), how="vertical_relaxed")
