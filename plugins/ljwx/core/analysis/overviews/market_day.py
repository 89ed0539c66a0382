"""A session of the whole market: what stored bars say of it, and what the model said of its stocks.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from ljwx.core.analysis.analysis import Language, Line, Section
from ljwx.core.analysis.overviews.written import written
from ljwx.core.analysis.words import class_word, title
from ljwx.core.bars.limits import TICK
from ljwx.core.datasets.spec import MARKET_STOCKS
from ljwx.core.standing import standing
from ljwx.core.tasks import TASKS

BEFORE: Final = 20
"""Sessions whose mean turnover a session's is held against."""


@dataclass(frozen=True)
class Breadth:
    """What the bars of a session say of all stocks together; returns are fractions against the previous close.

    :param mean: of all stocks, each with the same weight; ``median``: half of them did better.
    :param at_limit: closes at the upper and at the lower limit; None where the source gives no limits.
    :param turnover: amount against the mean of the sessions before, 1 as usual; None without them.
    :param suspended: stocks that did not trade.
    """

    session: date
    stocks: int
    up: int
    flat: int
    down: int
    mean: float
    median: float
    at_limit: tuple[int, int] | None
    turnover: float | None
    suspended: int


@dataclass(frozen=True)
class Calls:
    """How often a model said each class of a question about a session's stocks, in the forward record."""

    task: str
    stocks: int
    by_class: Mapping[str, int]


@dataclass(frozen=True)
class MarketDay:
    """A session of the market.

    :param asked_day: the day that was asked about; None for the newest session.
    :param model: whose calls they are; None where the record has none of the champion's. ``proven``, ``failing``: as of
        the champion.
    """

    breadth: Breadth
    asked_day: date | None
    model: str | None
    calls: tuple[Calls, ...]
    proven: bool | None = None
    failing: str | None = None


def breadth(bars: pl.DataFrame, session: date, suspended: int) -> Breadth | None:
    """Return what bars say of a session; None where it has none.

    :param bars: session, close, pre_close, amount and limits, of the session and of some before it.
    """
    day = bars.filter(pl.col("session") == session, pl.col("pre_close") > 0)
    if day.is_empty():
        return None
    gain = (day["close"] - day["pre_close"]).round(4)
    returns = day["close"] / day["pre_close"] - 1
    limits = day.drop_nulls(["up_limit", "down_limit"])
    at_limit = (
        int((limits["close"] >= limits["up_limit"] - TICK / 2).sum()),
        int((limits["close"] <= limits["down_limit"] + TICK / 2).sum()),
    )
    amounts = bars.group_by("session").agg(pl.col("amount").sum()).sort("session")
    before = amounts.filter(pl.col("session") < session).tail(BEFORE)["amount"]
    usual = before.mean()
    return Breadth(
        session=session,
        stocks=len(day),
        up=int((gain > 0).sum()),
        flat=int((gain == 0).sum()),
        down=int((gain < 0).sum()),
        mean=float(returns.mean() or 0.0),
        median=float(returns.median() or 0.0),
        at_limit=at_limit if len(limits) else None,
        turnover=float(day["amount"].sum()) / float(usual) if isinstance(usual, float) and usual > 0 else None,
        suspended=suspended,
    )


def headline(day: MarketDay, language: Language) -> str:
    """The session in one line."""
    session = day.breadth.session
    return f"A 股全市场 {session} 收盘概况" if language == "zh" else f"The A-share market at the close of {session}"


def text(day: MarketDay, language: Language) -> str:
    """The whole overview, without a line break at its end."""
    return written(headline(day, language), parts(day, language), language)


def parts(day: MarketDay, language: Language) -> tuple[Section, ...]:
    """Return the parts of the overview: what to know first, the session's facts, and the model's calls."""
    zh = language == "zh"
    calls = tuple(_calls(day, language))
    return (
        Section("先读这里" if zh else "Read this first", tuple(_first(day, language))),
        Section("当日事实" if zh else "The session's facts", tuple(_facts(day.breadth, language))),
        Section("模型当晚的判断" if zh else "What the model said that night", calls),
    )


def _first(day: MarketDay, language: Language) -> Iterator[Line]:
    zh, session, n = language == "zh", day.breadth.session, day.breadth.stocks
    yield Line(
        "这是当日收盘的事实,不预测大盘以后的涨跌;没有指数点位,也没有板块数据。"
        if zh
        else "These are facts of the close. Where the market goes is not forecast; there are no indices and no sectors."
    )
    if day.asked_day is not None and day.asked_day != session:
        yield Line(
            f"{day.asked_day} 没有可用的完整行情(休市或数据未到),以下是之前最近的交易日 {session}。"
            if zh
            else f"There is no complete session on {day.asked_day}; what follows is of the one before, {session}."
        )
    if n < MARKET_STOCKS:
        yield Line(f"数据里只有 {n} 只股票,不代表全市场。" if zh else f"Only {n} stocks are known: they are no market.")


def _facts(of: Breadth, language: Language) -> Iterator[Line]:
    zh = language == "zh"
    yield Line(
        f"{of.stocks} 只股票有成交:上涨 {of.up} 只,平盘 {of.flat} 只,下跌 {of.down} 只"
        if zh
        else f"{of.stocks} stocks traded: {of.up} rose, {of.flat} stayed, {of.down} fell",
        "checked",
    )
    yield Line(
        f"等权平均涨跌 {of.mean:+.2%},中位数 {of.median:+.2%}"
        if zh
        else f"Mean return with equal weights {of.mean:+.2%}, median {of.median:+.2%}",
        "checked",
    )
    if of.at_limit is None:
        yield Line("数据源没有涨跌停价,无法统计涨停与跌停。" if zh else "The source gives no price limits.")
    else:
        up, down = of.at_limit
        yield Line(
            f"收盘涨停 {up} 只,跌停 {down} 只" if zh else f"{up} closed at the upper limit, {down} at the lower",
            "checked",
        )
    if of.turnover is not None:
        yield Line(
            f"成交额是此前 {BEFORE} 个交易日均值的 {of.turnover:.2f} 倍"
            if zh
            else f"Turnover is {of.turnover:.2f} times the mean of the {BEFORE} sessions before",
            "checked",
        )
    if of.suspended:
        yield Line(f"停牌 {of.suspended} 只" if zh else f"{of.suspended} were suspended", "checked")


def _calls(day: MarketDay, language: Language) -> Iterator[Line]:
    zh = language == "zh"
    if day.model is None:
        yield Line(
            "前瞻记录里没有现任模型对这一天的判断。"
            if zh
            else "The forward record has no call of the champion that day."
        )
        return
    seen = standing(day.proven, day.failing)
    for each in day.calls:
        shares = [
            f"{class_word(each.task, name, language)} {each.by_class.get(name, 0) / each.stocks:.0%}"
            for name in TASKS[each.task].classes
        ]
        what = "、".join(shares) if zh else ", ".join(shares)
        yield Line(
            f"{title(each.task, language)}:{each.stocks} 只中 {what}"
            if zh
            else f"{title(each.task, language)}: of {each.stocks} stocks {what}"
        )
    yield Line(
        f"模型 {day.model}({seen.word_chinese});以上是判断的分布,不是事实,也不预测大盘"
        if zh
        else f"Model {day.model} ({seen.word}); judgements, and neither facts nor a forecast of the market"
    )
