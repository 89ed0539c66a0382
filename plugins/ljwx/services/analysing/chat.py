"""A message in free words answered by analyses: the text that every chat client is given."""

from __future__ import annotations

from ljwx.core.analysis import refusals, report
from ljwx.core.analysis.refusals import Refusal
from ljwx.core.analysis.words import RISK
from ljwx.exceptions import NotFound
from ljwx.services.analysing.analyst import Analyst, read

_OPERATOR = {"zh": "服务运营者:", "en": "Served by: "}


def reply(analyst: Analyst, message: str, operator: str | None = None) -> str:
    """Return the answer to a message: the report of each stock that it names, or a sentence on why there is none.

    :param operator: who answers for what is served, if that is somebody.
    :raises Busy: the model server is asked for as many analyses as may be.
    :raises ModelMissing: the champion is not on the server any more, or its name stands for another model.
    """
    asked = read(message, analyst.directory())
    if isinstance(asked, Refusal):
        return _labelled(asked.text, asked.language)
    try:
        found = analyst.analyse([stock.ts_code for stock in asked.stocks], asked.day, asked.tasks)
    except NotFound as why:
        return _labelled(f"{why.chinese}。" if asked.language == "zh" else f"{why}.", asked.language)
    texts = [] if not asked.unread else [refusals.unread(asked.unread, asked.language)]
    texts += [report.text(each, asked.language) for each in found]
    if operator is not None:
        texts.append(f"{_OPERATOR[asked.language]}{operator}")
    return "\n\n".join(texts)


def _labelled(text: str, language: str) -> str:
    """A sentence that no model has said, with the risk statement."""
    return f"{text}\n\n{RISK['zh' if language == 'zh' else 'en']}"
