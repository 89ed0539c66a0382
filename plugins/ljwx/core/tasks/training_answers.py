"""The answers of the training data, written by code from labels and snapshot columns.

Pure: never imports airflow, an HTTP client or a database driver. Classes come from what happened; everything else
in an answer (reasons, prose, range, levels, states) says only what the snapshot holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import polars as pl

from ljwx.core.datasets.spec import RISK_NOTE, SampleSpec
from ljwx.core.features.signals import Signal
from ljwx.core.features.technical.signals import SIGNAL, STATES
from ljwx.core.tasks import CLASSES, Task
from ljwx.core.tasks.answers import CLASS_FIELD, TENTHS
from ljwx.core.templates import concatenated

Pieces = list[pl.Expr | str]


@dataclass(frozen=True)
class Fit:
    """What the labels learned from the train split, and from nothing else.

    ``volatility`` and ``drawdown`` are medians that put both on one scale; ``low`` and ``high`` are the terciles of
    their sum; ``rates`` is each class's share per task.
    """

    volatility: float
    drawdown: float
    low: float
    high: float
    rates: Mapping[str, Mapping[str, float]]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def risk_cuts(train: pl.DataFrame) -> tuple[float, float, float, float]:
    """Medians of volatility and drawdown, and the terciles of the risk score, over the train split's outcomes."""
    volatility, drawdown = (float(train[c].median() or 0) or 1.0 for c in ("realised_volatility", "max_drawdown"))  # type: ignore[arg-type]
    score = train.select(_risk_score(volatility, drawdown).alias("score"))["score"]
    low, high = (float(score.quantile(q, "linear") or 0) for q in (1 / 3, 2 / 3))
    return volatility, drawdown, low, high


def _risk_score(volatility: float, drawdown: float) -> pl.Expr:
    return pl.col("realised_volatility") / volatility + pl.col("max_drawdown") / drawdown


def label(task: Task, spec: SampleSpec, cuts: tuple[float, float, float, float]) -> pl.Expr:
    """The class of an outcome row (of a snapshot row for the technical analysis)."""
    if task == "technical_analysis":
        return pl.col("conclusion")
    if task == "risk_assessment":
        volatility, drawdown, low, high = cuts
        score = _risk_score(volatility, drawdown)
        return _three(score <= low, "low", score > high, "high", "medium")
    if task == "investment_advice":
        excess = pl.col("excess")
        return _three(excess >= spec.buy_excess, "buy", excess <= spec.sell_excess, "sell", "hold")
    net = pl.col("net")
    return _three(net >= spec.flat_band, "up", net <= -spec.flat_band, "down", "flat")


def _three(first: pl.Expr, one: str, second: pl.Expr, two: str, rest: str) -> pl.Expr:
    return pl.when(first).then(pl.lit(one)).when(second).then(pl.lit(two)).otherwise(pl.lit(rest))


def probabilities(task: Task, truth: str, rates: Mapping[str, float], weight: float) -> dict[str, float]:
    """Truth mixed with the train split's class rates, in tenths that sum to 1.

    No class is empty and none stands above the truth. A model trained on certainty would be overconfident by
    construction; weight 0 tells the rates, 1 the truth.
    """
    classes = CLASSES[task]
    wanted = {c: TENTHS * (weight * (c == truth) + (1 - weight) * rates.get(c, 0.0)) for c in classes}
    tenths = {c: max(1, int(wanted[c])) for c in classes}
    while sum(tenths.values()) < TENTHS:
        tenths[max(classes, key=lambda c: (wanted[c] - tenths[c], c == truth))] += 1
    while sum(tenths.values()) > TENTHS:
        tenths[max((c for c in classes if tenths[c] > 1), key=lambda c: (tenths[c] - wanted[c], c != truth))] -= 1
    while tenths[truth] < max(tenths.values()):
        tenths[max(classes, key=lambda c: tenths[c])] -= 1
        tenths[truth] += 1
    return {c: tenths[c] / TENTHS for c in classes}


def answer(task: Task, spec: SampleSpec, fit: Fit) -> pl.Expr:
    """The answer's JSON, from ``label`` and the snapshot's columns."""
    if task in ("investment_advice", "price_direction"):
        shares = _shares(task, spec, fit)
        body = _advice(shares) if task == "investment_advice" else _direction(shares)
    else:
        body = _risk() if task == "risk_assessment" else _technical()
    return concatenated([f'{{"{CLASS_FIELD[task]}":"', pl.col("label"), '",', *body, f',"note":"{RISK_NOTE}"}}'])


def _advice(shares: pl.Expr) -> Pieces:
    told: Pieces = ["RSI14为", *_number("rsi_14"), _word("rsi"), ",MACD", _word("macd"), ",均线", _word("ma")]
    return ['"probability":', shares, ',"reasons":', _reasons(), ",", *_analysis(told)]


def _risk() -> Pieces:
    factors: Pieces = ['"factors":["波动', _word("volatility"), '","回撤', _word("drawdown"), '"]']
    return [*factors, ",", *_analysis(["20日波动", *_number("vol_20"), "%,60日回撤", *_number("drawdown_60"), "%"])]


def _direction(shares: pl.Expr) -> Pieces:
    band: Pieces = [
        ',"range":{"low":-',
        pl.col("range").cast(pl.String),
        ',"high":',
        pl.col("range").cast(pl.String),
        "}",
    ]
    told: Pieces = ["近5日", *_number("ret_5"), "%,近20日", *_number("ret_20"), "%,KDJ", _word("kdj")]
    return ['"probability":', shares, *band, ",", *_analysis(told)]


def _technical() -> Pieces:
    pieces: Pieces = []
    for rule in STATES:
        pieces += [f'"{rule.name}":"', _word(rule.name), '",']
    for level in ("support", "resistance"):
        pieces += [f'"{level}":', pl.col(level).cast(pl.String).fill_null("null"), ","]
    told: Pieces = ["RSI14为", *_number("rsi_14"), ",60日回撤", *_number("drawdown_60"), "%"]
    return [*pieces, *_analysis(told)]


def _analysis(told: Pieces) -> Pieces:
    return ['"analysis":"', *told, '"']


def _number(feature: str) -> Pieces:
    return [pl.col(f"features.{feature}").cast(pl.String)]


def _word(rule: str) -> pl.Expr:
    return pl.col(rule)


def _shares(task: Task, spec: SampleSpec, fit: Fit) -> pl.Expr:
    """The probability object of each row's class: one of three texts."""
    texts = {}
    for truth in CLASSES[task]:
        shares = probabilities(task, truth, fit.rates[task], spec.label_weight)
        texts[truth] = "{" + ",".join(f'"{c}":{p}' for c, p in shares.items()) + "}"
    return pl.col("label").replace_strict(texts, return_dtype=pl.String)


_WANTED_VOTE: Final = {"buy": 1, "hold": 0, "sell": -1}


def _reasons() -> pl.Expr:
    """Up to two readings that hold: first those whose vote speaks for the class, then volume and drawdown."""
    wanted = pl.col("label").replace_strict(_WANTED_VOTE, return_dtype=pl.Int32)
    speaking = [pl.when(pl.col(f"{r.name}_vote") == wanted).then(_phrase(r)) for r in STATES]
    filling = [_phrase(SIGNAL[n]) for n in ("volume", "drawdown")]
    first = pl.coalesce(*speaking, *filling)
    later = [pl.when(s != first).then(s) for s in speaking] + [pl.when(f != first).then(f) for f in filling]
    return pl.format('["{}","{}"]', first, pl.coalesce(later))


def _phrase(rule: Signal) -> pl.Expr:
    return pl.lit(rule.subject) + pl.col(rule.name)
