"""A message in free words answered by analyses: the text that every chat client is given."""

from __future__ import annotations

from collections.abc import Sequence

from ljwx.core.analysis import refusals, report
from ljwx.core.analysis.analysis import Analysis, Language
from ljwx.core.analysis.messages import Request
from ljwx.core.analysis.overviews import comparison, market_day
from ljwx.core.analysis.refusals import Refusal
from ljwx.core.analysis.words import SENTENCE
from ljwx.exceptions import NotFound
from ljwx.services.analysing.analyst import Analyst, read

__all__ = ["Analyst", "market_day", "reply", "texts_of"]

_OPERATOR = {"zh": "服务运营者:", "en": "Served by: "}


def reply(analyst: Analyst, message: str, operator: str | None = None) -> str:
    """Return the answer to a message: the reports of the stocks that it names, the market's day,
    or a sentence on why there is none.

    :param operator: who answers for what is served, if that is somebody.
    :raises Busy: the model server is asked for as many analyses as may be.
    :raises ModelMissing: the champion is not on the server any more, or its name stands for another model.
    """
    asked = read(message, analyst.directory())
    if isinstance(asked, Refusal):
        return _labelled(asked.text, asked.language)
    try:
        texts = _market(analyst, asked) if asked.is_market else _stocks(analyst, asked)
    except NotFound as why:
        return _labelled(_named(f"{why.chinese}。" if asked.language == "zh" else f"{why}.", asked), asked.language)
    if operator is not None:
        texts.append(f"{_OPERATOR[asked.language]}{operator}")
    return "\n\n".join(texts)


def _stocks(analyst: Analyst, asked: Request) -> list[str]:
    """The report of each stock; of several a comparison before them."""
    found = analyst.analyse([stock.ts_code for stock in asked.stocks], asked.day, asked.tasks)
    unread = [refusals.unread(asked.unread, asked.language)] if asked.unread else []
    return unread + texts_of(found, asked.language)


def texts_of(found: Sequence[Analysis], language: Language) -> list[str]:
    """Return the report of each stock; of several a comparison before them."""
    together = [comparison.text(found, language)] if len(found) > 1 else []
    return together + [report.text(each, language) for each in found]


def _market(analyst: Analyst, asked: Request) -> list[str]:
    return [market_day.text(analyst.market_day(asked.day), asked.language)]


def _named(text: str, asked: Request) -> str:
    """A sentence with the names of the stocks that were asked about beside their codes."""
    for stock in asked.stocks:
        text = text.replace(stock.ts_code, stock.shown) if stock.name else text
    return text


def _labelled(text: str, language: str) -> str:
    """A sentence that no model has said, labelled as what it is."""
    return f"{text}\n\n{SENTENCE['zh' if language == 'zh' else 'en']}"
