"""What the daily message says of the stocks on the watchlist: answers and their record, and no price.

Pure: no airflow, no I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from ljwx.core.analysis.words import CLASSES, LABELLED, RISK, TITLES, Texts, texts
from ljwx.core.forward.chain import Answer
from ljwx.core.forward.scores import Followed, Score
from ljwx.core.standing import Standing
from ljwx.core.tasks import TASKS

MOST: Final = 30
"""Stocks that a message names: chats cut long ones."""
NO_CLASS: Final = "没有可读的回答 no answer that can be read"


def watchlist_message(
    session: date,
    answers: Sequence[Answer],
    names: Mapping[str, str | None],
    scores: Sequence[Score],
    standing: Standing,
) -> str:
    """Return the text of a message.

    :param answers: of one line, about the stocks of the watchlist; at least one.
    :param names: code → name.
    :param scores: of that line over the whole record; empty while nothing has an outcome.
    :param standing: what is known of the model that serves.
    """
    stocks = list(dict.fromkeys(each.ts_code for each in answers))
    speakers = ", ".join(dict.fromkeys(each.answerer for each in answers))
    left = [f"另有 {len(stocks) - MOST} 只股票 · {len(stocks) - MOST} more stocks: ljwx ask"] if stocks[MOST:] else []
    return "\n".join(
        [
            *LABELLED.values(),
            f"截至 As of: {session}; 回答者 Answers of: {speakers}",
            *(_of_stock(code, names.get(code), answers) for code in stocks[:MOST]),
            *left,
            "至今的记录 Its record so far:",
            *([_of_task(each) for each in scores] or ["还没有结果 No outcome yet: n = 0"]),
            f"{standing.word_chinese} · {standing.word}: {standing.chinese} {standing.english}",
            *RISK.values(),
        ]
    )


def _of_stock(code: str, name: str | None, answers: Sequence[Answer]) -> str:
    said = {each.task: each for each in answers if each.ts_code == code}
    classes = [_class(said[task]) for task in TASKS if task in said]
    return f"{code} {name or ''}".strip() + ": " + "; ".join(classes)


def _class(answer: Answer) -> str:
    if answer.probabilities is None:
        return f"{_both(TITLES.get(answer.task), answer.task)}: {NO_CLASS}"
    most = max(answer.classes, key=lambda name: (answer.probabilities or {}).get(name, 0.0))
    return f"{_both(CLASSES.get(most), most)} {answer.probabilities[most]:.0%}"


def _of_task(score: Score) -> str:
    gain = next((each.log for each in score.skills if each.rival == "class_rates"), None)
    over = f"; 对历史频率 over class rates {_signed(gain)}" if gain else ""
    hits = f"{score.hit_rate.mean:.0%} ({score.hit_rate.low:.0%} … {score.hit_rate.high:.0%})"
    title = f"{_both(TITLES.get(score.task), score.task)}, h = {score.horizon}"
    return f"{title}: n = {score.answered}, {score.sessions} 个交易日 sessions; 命中 hits {hits}{over}"


def _signed(found: Followed) -> str:
    return f"{found.mean:+.3f} ({found.low:+.3f} … {found.high:+.3f})"


def _both(found: Texts | None, name: str) -> str:
    return " ".join((found or texts(name, "")).values()).strip()
