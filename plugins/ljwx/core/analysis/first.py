"""What a reader has to know before a report: how old it is, what it cannot show, and what is special about the stock.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from ljwx.core.analysis.analysis import Analysis, Language, Line
from ljwx.core.tasks import TASKS

OLD_DAYS: Final = 12
"""No holiday of the exchange is as long: older data have stopped."""
_SPECIAL: Final = re.compile(r"^(?:XD|XR|DR|N|C|U|W|S)?(\*?ST)")
_LIMITS: Final[Mapping[str, tuple[str, str]]] = {
    "涨停": ("收盘涨停:按收盘价多半买不到", "closed at its upper limit: at the close hardly any could be bought"),
    "跌停": ("收盘跌停:按收盘价多半卖不出", "closed at its lower limit: at the close hardly any could be sold"),
    "触及涨停": ("盘中触及涨停", "touched its upper limit"),
    "触及跌停": ("盘中触及跌停", "touched its lower limit"),
}

_NONE_SETTLED: Final[Mapping[Language, tuple[str, str]]] = {
    "zh": (
        "此前的成绩:前瞻记录里还没有这个模型已结算的判断,准不准尚无从谈起。",
        "此前的成绩:前瞻记录里还没有这个模型已结算的判断;上面的证实来自对更早数据的检验。",
    ),
    "en": (
        "Track record: no call of this model is settled yet; nothing is shown of it so far.",
        "Track record: no call of this model is settled yet; what is proven comes from earlier data.",
    ),
}
"""Of a model that is not proven, and of one that is."""


def of_session(analysis: Analysis, language: Language) -> Iterator[Line]:
    """Yield what holds for every stock of the session."""
    zh, asked, session, basis = language == "zh", analysis.asked_day, analysis.session, analysis.basis
    if asked is not None and asked != session:
        yield Line(
            f"{asked} 没有可用的完整行情(休市或数据未到),以下截至之前最近的交易日 {session}。"
            if zh
            else f"There is no complete session on {asked}; what follows is as of the one before, {session}."
        )
    if analysis.days_old is not None and analysis.days_old > OLD_DAYS:
        yield Line(
            f"数据停在 {session},距今 {analysis.days_old} 天:这不是当前的情况。"
            if zh
            else f"The data end with {session}, {analysis.days_old} days ago: this is not how things are now."
        )
    if basis.made_until is not None and session < basis.made_until and _is_asked_later(analysis):
        yield Line(
            f"模型的数据到 {basis.made_until} 为止,晚于 {session}:它可能见过此后的行情,这不是当时能作出的判断。"
            if zh
            else f"The model's data go on until {basis.made_until}, after {session}: it may have seen what followed."
        )
    if basis.is_small_market:
        n = basis.market_stocks
        yield Line(
            f"排名只在 {n} 只股票之间,不代表全市场。" if zh else f"Ranks are among {n} stocks, and not the market's."
        )


def of_stock(analysis: Analysis, language: Language) -> Iterator[Line]:
    """Yield what is special about the stock."""
    zh, name = language == "zh", analysis.name
    if special := _SPECIAL.match(name):
        word = special[1]
        what = ("退市风险警示", "risk of delisting") if word == "*ST" else ("其他风险警示", "other risks")
        yield Line(
            f"{name} 名称带 {word},被实施{what[0]}:原因在公告里,本报告没有读公告原文。"
            if zh
            else f"{name} is under special treatment ({word}, {what[1]}); the announcements that say why were not read."
        )
    if name.endswith("退"):
        yield Line(f"{name} 处于退市整理期。" if zh else f"{name} is about to be delisted.")
    if limit := _LIMITS.get(str(analysis.facts.get("limit"))):
        yield Line(f"{name} 当日{limit[0]}。" if zh else f"{name} {limit[1]}.")
    if not analysis.basis.in_universe:
        yield Line(
            f"模型的训练样本里没有 {name} 这类股票。" if zh else f"The model's samples are of other stocks than {name}."
        )


def without_record(analysis: Analysis, language: Language) -> Iterator[Line]:
    """Yield once, where no call of any question is settled, that nothing is shown of the model so far."""
    calls = [each for each in analysis.judgements if each.task not in TASKS or TASKS[each.task].needs_future]
    if calls and all(each.fared is None for each in calls):
        yield Line(_NONE_SETTLED[language][int(bool(analysis.basis.proven))])


def _is_asked_later(analysis: Analysis) -> bool:
    """Whether an answer was given with what the model knows today, and not at the time."""
    return any(each.source.way == "asked" for each in analysis.judgements)
