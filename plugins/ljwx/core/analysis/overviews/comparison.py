"""Several stocks beside each other as of one session: what the model says of each, and the same facts of all.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ljwx.core.analysis.analysis import Analysis, Judgement, Language, Line, Section
from ljwx.core.analysis.facts import fact_told
from ljwx.core.analysis.first import of_session, of_stock, without_record
from ljwx.core.analysis.overviews.written import written
from ljwx.core.analysis.reasons import claims
from ljwx.core.analysis.words import class_word, title
from ljwx.core.standing import standing
from ljwx.core.tasks import TASKS
from ljwx.core.tasks.technical_analysis import conclusion, sides

FACTS: Final = (
    "ret5", "ret20", "rank20", "volatility", "drawdown", "rsi", "trend", "pe", "pb", "size", "large_1",
)  # fmt: skip
"""Keys of the facts that are compared, where all the stocks have them."""
NEAR: Final = 0.05
"""Probabilities that differ less count as equal."""


def headline(analyses: Sequence[Analysis], language: Language) -> str:
    """The stocks and the session in one line."""
    names = [f"{each.name}({each.ts_code})" for each in analyses]
    if language == "zh":
        return f"{'、'.join(names)} 截至 {analyses[0].session} 收盘的对比"
    return f"{', '.join(names)} beside each other as of the close of {analyses[0].session}"


def text(analyses: Sequence[Analysis], language: Language) -> str:
    """The whole overview, without a line break at its end."""
    return written(headline(analyses, language), compared(analyses, language), language)


def compared(analyses: Sequence[Analysis], language: Language) -> tuple[Section, ...]:
    """Return the parts of a comparison of stocks that were analysed as of one session."""
    zh = language == "zh"
    return (
        Section("先读这里" if zh else "Read this first", tuple(_first(analyses, language))),
        Section("模型的判断" if zh else "What the model says", tuple(_said(analyses, language))),
        Section("当日事实" if zh else "The session's facts", tuple(_facts(analyses, language))),
    )


def _first(analyses: Sequence[Analysis], language: Language) -> Iterator[Line]:
    basis, zh = analyses[0].basis, language == "zh"
    seen = standing(basis.proven, basis.failing)
    yield Line(f"模型可信度:{seen.word_chinese}。{seen.chinese}" if zh else f"The model is {seen.word}. {seen.english}")
    yield from without_record(analyses[0], language)
    yield from of_session(analyses[0], language)
    for each in analyses:
        yield from of_stock(each, language)
    yield Line(
        "对比把同一模型的判断和同一天的事实并排列出,不是推荐,也不是排名。"
        if zh
        else "The same model's answers and the same session's facts stand side by side: no recommendation, no ranking."
    )


def _said(analyses: Sequence[Analysis], language: Language) -> Iterator[Line]:
    """A line for each question that a model answers for all stocks."""
    colon, comma = (":", ";") if language == "zh" else (": ", "; ")
    for task in (each.task for each in analyses[0].judgements if each.task != "technical_analysis"):
        sentences = [f"{each.name} {_call(each.judgement(task), language)}" for each in analyses]
        yield Line(f"{title(task, language)}{colon}{comma.join(sentences)}")
    yield from _nearness(analyses, language)
    wrong = [(each.name, claims(each).wrong) for each in analyses]
    if any(n for _, n in wrong):
        counts = comma.join(f"{name} {n}" for name, n in wrong)
        yield Line(
            f"回答中与当日事实不符的处数{colon}{counts}" if language == "zh" else f"Wrong statements{colon}{counts}"
        )


def _call(judgement: Judgement | None, language: Language) -> str:
    if judgement is None or judgement.label is None:
        return "回答无法读取" if language == "zh" else "no readable answer"
    word = class_word(judgement.task, judgement.label, language)
    share = (judgement.probabilities or {}).get(judgement.label)
    return word if share is None else f"{word} {share:.0%}"


def _nearness(analyses: Sequence[Analysis], language: Language) -> Iterator[Line]:
    """Whether the calls differ by more than the model can tell apart."""
    calls = [each.judgement("investment_advice") for each in analyses]
    shares = [(each.probabilities or {}).get("buy") for each in calls if each is not None]
    known = [share for share in shares if share is not None]
    if len(known) == len(analyses) > 1 and max(known) - min(known) < NEAR:
        yield Line(
            "各股「买入」的可能性相差不到 5 个百分点:模型在它们之间几乎看不出差别。"
            if language == "zh"
            else 'The chances of "buy" differ by less than 5 points: the model hardly tells these stocks apart.'
        )


def _facts(analyses: Sequence[Analysis], language: Language) -> Iterator[Line]:
    comma = ";" if language == "zh" else "; "
    if all("technical_analysis" in TASKS for _ in analyses):
        yield Line(comma.join(f"{each.name} {_state(each, language)}" for each in analyses), "checked")
    for key in FACTS:
        sentences = [fact_told(key, each.facts, language) for each in analyses]
        if all(sentences):
            yield Line(
                comma.join(f"{each.name} {sentence}" for each, sentence in zip(analyses, sentences, strict=True)),
                "checked",
            )


def _state(analysis: Analysis, language: Language) -> str:
    """The technical state, which the facts decide."""
    word, (bullish, bearish) = (
        class_word("technical_analysis", conclusion(analysis.facts), language),
        sides(analysis.facts),
    )
    if language == "zh":
        return f"技术面{word}(五项指标中 {bullish} 项偏多、{bearish} 项偏空)"
    return f"{word} (of five signals {bullish} bullish, {bearish} bearish)"
