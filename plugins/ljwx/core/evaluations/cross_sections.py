"""Cross-sections: of which sessions and stocks the class alone is asked. Pure: no airflow, no I/O, no clock.

Evidence gathers session by session, day after day, while the split that is asked about moves on. So the choice hardly
moves: a session or a stock that is chosen today is chosen tomorrow, and only what is new has to be asked.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection
from datetime import date
from typing import Final

from ljwx.core.evaluations.questions import Question
from ljwx.core.tasks import TASKS

FEWEST_COUNTING: Final = 20
"""Stocks of a session that say something of a line."""
FEWEST: Final = 10
"""Stocks of a session that are asked about at least, where it has them: fewer tell next to nothing of their order."""
_DAY_BITS: Final = 22


def cross_sections(
    candidates: Collection[Question],
    size: int,
    sessions: int,
    seed: int,
    noted: date | None = None,
    *,
    facts_first: bool = False,
) -> tuple[Question, ...]:
    """Choose questions about whole sessions, of each task that needs the future.

    Half of the sessions are the newest, so that every session is asked about in its turn; the others lie evenly over
    the time before. A session gives all its stocks, or, where there are too many, the same ones as every other. After a
    pause, all sessions are asked about that have not been noted, the oldest first: they are noted in their order.

    The choice depends on the candidates and the seed, not on their order. Requests that share a prompt prefix follow
    each other: those of a task, or where questions give the facts first, those about a stock and session.

    :param size: most questions, all tasks together.
    :param sessions: most sessions, unless more have not been noted and each of these can be given enough stocks.
    :param noted: the last session of which was noted what it says; None before one was.
    :param facts_first: whether questions give the facts before what is asked.
    :return: empty where nothing is asked for, or no candidate needs the future.
    """
    able = [question for question in candidates if TASKS[question.task].needs_future]
    tasks = [task for task in TASKS if any(question.task == task for question in able)]
    each = size // len(tasks) if tasks else 0
    if not each:
        return ()
    most = min(sessions, max(1, each // FEWEST))
    chosen = _sessions({question.session for question in able}, most, max(most, each // FEWEST_COUNTING), noted)
    stocks = each // len(chosen)
    by_section: dict[tuple[str, date], list[Question]] = defaultdict(list)
    for question in able:
        if question.session in chosen:
            by_section[question.task, question.session].append(question)
    asked = [
        question
        for section in by_section.values()
        for question in sorted(section, key=lambda question: _draw(seed, question))[:stocks]
    ]

    def place(question: Question) -> tuple[object, ...]:
        task, about = tasks.index(question.task), (question.session, question.ts_code)
        return (*about, task, question.sample_id) if facts_first else (task, *about, question.sample_id)

    return tuple(sorted(asked, key=place))


def _sessions(there: Collection[date], usual: int, most: int, noted: date | None) -> set[date]:
    """Return the newest sessions, half of them, and as many of those before as are wanted.

    More are new where more have not been noted, and then, of too many, the oldest.
    """
    ordered = sorted(there)
    half = max(0, len(ordered) - (usual + 1) // 2)
    first = half if noted is None else min(half, bisect_right(ordered, noted))
    newest = ordered[first:][:most]
    before = sorted(ordered[:first], key=_spread)
    return {*newest, *before[: max(0, usual - len(newest))]}


def _spread(session: date) -> str:
    """Return a rank of a day, of which the first few lie evenly over any span: its number, read backwards in bits."""
    return f"{session.toordinal():0{_DAY_BITS}b}"[::-1]


def _draw(seed: int, question: Question) -> tuple[str, str]:
    """Return a number for a stock that looks random and is the same for all sessions, machines and runs."""
    return hashlib.sha256(f"{seed}:{question.ts_code}".encode()).hexdigest(), question.sample_id
