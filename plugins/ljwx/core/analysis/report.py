"""An analysis as a report in Chinese or English: composed by code, so that no unchecked number stands unmarked.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ljwx.core.analysis.analysis import Analysis, Judgement, Language, Line, Section
from ljwx.core.analysis.facts import facts_beside, other_facts
from ljwx.core.analysis.first import of_session, of_stock, without_record
from ljwx.core.analysis.overviews.written import written
from ljwx.core.analysis.reasons import claims, reasons
from ljwx.core.analysis.record import CLASS_ALONE, fared_lines, told_from
from ljwx.core.analysis.words import class_word, meaning, title
from ljwx.core.standing import standing
from ljwx.core.tasks import TASKS
from ljwx.core.tasks.technical_analysis import conclusion, sides

_NEAR: Final = 0.05
"""A probability that differs less from the class rate says hardly more than the rate does."""
_OPPOSITE: Final = {("buy", "down"), ("sell", "up")}


def headline(analysis: Analysis, language: Language) -> str:
    """The stock and the session in one line."""
    if language == "zh":
        return f"{analysis.name}({analysis.ts_code}) 截至 {analysis.session} 收盘的分析"
    return f"{analysis.name} ({analysis.ts_code}) as of the close of {analysis.session}"


def text(analysis: Analysis, language: Language) -> str:
    """The whole report, without a line break at its end."""
    return written(headline(analysis, language), sections(analysis, language), language)


def sections(analysis: Analysis, language: Language) -> tuple[Section, ...]:
    """The parts of the report in their order: how proven it is, each question, other facts, check and basis."""
    zh = language == "zh"
    asked = tuple(_question(analysis, each, language) for each in analysis.judgements)
    others = tuple(Line(sentence, "checked") for sentence in other_facts(analysis.facts, language))
    return (
        Section("先读这里" if zh else "Read this first", tuple(_first(analysis, language))),
        *asked,
        *((Section("其他事实" if zh else "Other facts", others),) if others else ()),
        Section("核对" if zh else "Check", (_check(analysis, language),)),
        Section("依据" if zh else "Basis", tuple(_basis(analysis, language))),
    )


def _first(analysis: Analysis, language: Language) -> Iterator[Line]:
    """What a reader has to know before anything else."""
    seen, zh = standing(analysis.basis.proven, analysis.basis.failing), language == "zh"
    yield Line(f"模型可信度:{seen.word_chinese}。{seen.chinese}" if zh else f"The model is {seen.word}. {seen.english}")
    if wrong := claims(analysis).wrong:
        yield Line(
            f"模型的回答有 {wrong} 处与当日事实不符(见 ✗):连对事实的复述也不可依赖。"
            if zh
            else f"{wrong} of the model's statements contradict the facts (see ✗): it does not even repeat them well."
        )
    yield from without_record(analysis, language)
    yield from of_session(analysis, language)
    yield from of_stock(analysis, language)
    labels = {each.task: each.label for each in analysis.judgements}
    if (labels.get("investment_advice"), labels.get("price_direction")) in _OPPOSITE:
        yield Line(
            "结论与走势方向不同并不矛盾:结论与市场平均相比,走势只看涨跌本身。"
            if zh
            else "Call and direction differ, and may: the call is against the market's mean, the direction is its own."
        )


def _question(analysis: Analysis, judgement: Judgement, language: Language) -> Section:
    """What was said to one question: the class, what it means, how likely, why; and the facts that belong to it."""
    facts = analysis.facts
    lines = [*_said(analysis, judgement, language), *_likely(judgement, language)]
    if any(each.fared is not None for each in analysis.judgements):
        lines += fared_lines(judgement, language)
    if judgement.source.way == "class" and judgement.label is not None:
        lines.append(Line(CLASS_ALONE[language]))
    lines += reasons(judgement, facts, language)
    lines += (Line(sentence, "checked") for sentence in facts_beside(judgement.task, facts, language))
    return Section(title(judgement.task, language), tuple(lines))


def _said(analysis: Analysis, judgement: Judgement, language: Language) -> Iterator[Line]:
    zh, label = language == "zh", judgement.label
    if label is None:
        yield Line(
            f"模型的回答无法读取({judgement.reason}),没有用别的内容代替。"
            if zh
            else f"The model's answer could not be read ({judgement.reason}); nothing was made up in its place."
        )
        return
    word = class_word(judgement.task, label, language)
    means = meaning(judgement.task, label, analysis.measures, language)
    if judgement.task == "technical_analysis":
        yield _conclusion(word, label, analysis.facts, language)
    elif zh:
        yield Line(f"模型判断:{word}" + (f",即{means}" if means else ""))
    else:
        yield Line(f"The model says: {word}" + (f", which is: {means}" if means else ""))


def _conclusion(word: str, label: str, facts: Mapping[str, Any], language: Language) -> Line:
    """The class of the technical analysis, which the snapshot's signals decide: true or not."""
    has, (bullish, bearish) = conclusion(facts), sides(facts)
    zh = language == "zh"
    rule = (
        f"五项指标中 {bullish} 项偏多、{bearish} 项偏空"
        if zh
        else f"of five signals {bullish} bullish, {bearish} bearish"
    )
    if label == has:
        return Line(f"{word}({rule})" if language == "zh" else f"{word.capitalize()} ({rule})", "checked")
    right = class_word("technical_analysis", has, language)
    if language == "zh":
        return Line(f"模型说{word},而{rule},应为{right}", "wrong")
    return Line(f"The model says {word}, but {rule}: that is {right}", "wrong")


def _likely(judgement: Judgement, language: Language) -> Iterator[Line]:
    """The probabilities beside how often each class came; the technical state is a fact and has neither."""
    if judgement.label is None or judgement.task == "technical_analysis":
        return
    zh, rates, given = language == "zh", judgement.rates, judgement.probabilities
    names = [name for name in TASKS[judgement.task].classes if name in (given or rates or ())]
    if given is None:
        yield Line("模型没有给出可用的概率。" if zh else "The model gave no probabilities that can be used.")
    shares = [_share(judgement.task, name, given, rates, language) for name in names]
    if shares:
        what = "可能性(括号内是历史上出现的频率)" if given else "历史上出现的频率"
        english = "Chances (in brackets: how often it came before)" if given else "How often it came before"
        yield Line(f"{what}:{'、'.join(shares)}" if zh else f"{english}: {', '.join(shares)}")
    own, usual = (given or {}).get(judgement.label), (rates or {}).get(judgement.label)
    if own is None or usual is None:
        return
    if own < usual - _NEAR:
        yield Line(
            "模型给这个判断的可能性还低于历史频率。"
            if zh
            else "The model takes this class to be less likely than it usually is."
        )
    elif own - usual < _NEAR:
        yield Line(
            "与历史频率相差不到 5 个百分点:模型在这里几乎没有说出更多。"
            if zh
            else "That is within 5 points of how often it came before: the model says hardly more than that."
        )


def _share(
    task: str, name: str, given: Mapping[str, float] | None, rates: Mapping[str, float] | None, language: Language
) -> str:
    word, rate = class_word(task, name, language), None if rates is None else rates.get(name)
    if given is None:
        return f"{word} {rate:.0%}" if rate is not None else word
    return f"{word} {given[name]:.0%}" + (f"({rate:.0%})" if rate is not None else "")


def _check(analysis: Analysis, language: Language) -> Line:
    total = claims(analysis)
    all_of = total.right + total.wrong
    if not all_of and not total.unchecked:
        return Line(
            "模型的回答里没有要核对的数字和读数。" if language == "zh" else "The answers hold nothing to check."
        )
    if language == "zh":
        rest = f",另有 {total.unchecked} 处文字无法核对" if total.unchecked else ""
        return Line(f"模型的回答含 {all_of} 个数字和读数:{total.right} 个与当日事实一致,{total.wrong} 个不符{rest}。")
    phrases = "1 phrase" if total.unchecked == 1 else f"{total.unchecked} phrases"
    rest = f"; {phrases} cannot be checked" if total.unchecked else ""
    return Line(
        f"The answers hold {all_of} numbers and readings: {total.right} are the session's, {total.wrong} are not{rest}."
    )


def _basis(analysis: Analysis, language: Language) -> Iterator[Line]:
    of = analysis.basis
    yield from told_from(analysis.judgements, language)
    if language == "zh":
        yield Line("只依据行情与上面列出的事实;没有读新闻、公告原文和研报")
        yield Line(f"交易日 {analysis.session};百分比以当日收盘价为基准,不含以后的任何信息")
        yield Line(f"模型 {of.model}(摘要 {of.digest[:12]}):{of.made['zh']}")
        yield Line(f"配方 {of.recipe[:12]},数据集 {of.dataset_id};来源可用 ljwx lineage {of.model} 追溯")
        return
    yield Line("From market data and the facts above alone; no news, announcement texts or research were read")
    yield Line(f"Session {analysis.session}; percents are of its close, and nothing later is known to it")
    yield Line(f"Model {of.model} (digest {of.digest[:12]}): {of.made['en']}")
    yield Line(f"Recipe {of.recipe[:12]}, dataset {of.dataset_id}; ljwx lineage {of.model} walks back to its bars")
