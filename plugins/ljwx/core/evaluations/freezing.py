"""How a question set is frozen: which of a split's samples are asked. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import TypeVar

from ljwx.core.evaluations.questions import Question
from ljwx.core.evaluations.ranking import FEWEST_STOCKS
from ljwx.core.tasks import TASKS
from ljwx.exceptions import ConfigurationError

Name = TypeVar("Name")


def freeze(candidates: Collection[Question], size: int, seed: int) -> tuple[Question, ...]:
    """Choose the question set: stratified by task, session, board and class.

    Tasks get equal numbers (a task with too few candidates leaves the rest to the others). Within a task the numbers by
    board and class follow the candidates' own, so that a set of n differs from them by rounding only. So do those by
    session, one or none a session in a small set; but questions of a task about returns come in clusters of at least
    ``FEWEST_STOCKS`` a session, not all of one class, on as many sessions as that allows: RankIC is the order of stocks
    within a session, and one stock has none.

    The choice depends on the candidates and the seed, not on their order. The set is ordered by task, then session:
    requests that share a prompt prefix follow each other, which is what a server's prefix cache needs.

    :param size: questions wanted; with fewer candidates, all of them are taken.
    :raises ConfigurationError: no candidate, or a size below 1.
    :raises ValueError: a sample_id that occurs twice.
    """
    if not candidates:
        raise ConfigurationError("question set: no candidates; the split is empty: give a longer range of sessions")
    if size < 1:
        raise ConfigurationError(f"question set: size must be at least 1, not {size}")
    if len({question.sample_id for question in candidates}) != len(candidates):
        raise ValueError("question set: a sample_id occurs twice among the candidates")
    by_task: dict[str, list[Question]] = defaultdict(list)
    for question in sorted(candidates, key=lambda question: _draw(seed, question.sample_id)):
        by_task[question.task].append(question)
    quotas = _equal_shares({task: len(by_task[task]) for task in TASKS if task in by_task}, size)
    chosen = (question for task, quota in quotas.items() for question in _choose(by_task[task], quota, seed))
    order = list(TASKS)
    return tuple(sorted(chosen, key=lambda q: (order.index(q.task), q.session, q.ts_code, q.sample_id)))


def _draw(seed: int, name: str) -> str:
    """Return a number for a name that looks random and is the same on every machine and run."""
    return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()


def _equal_shares(available: Mapping[Name, int], size: int) -> dict[Name, int]:
    """Share ``size`` out equally, nobody getting more than is available; the smallest are served first."""
    shares, left = {}, min(size, sum(available.values()))
    ascending = sorted(available, key=lambda name: available[name])
    for served, name in enumerate(ascending):
        shares[name] = min(available[name], left // (len(ascending) - served))
        left -= shares[name]
    return shares


def _choose(questions: Sequence[Question], quota: int, seed: int) -> list[Question]:
    """Choose ``quota`` of one task's questions, which come in drawn order.

    Within a session the cell (board, class) furthest behind its share is served next. What a session's rounding leaves
    over is carried to the next, so that the totals by board and by class stay right.
    """
    by_session: dict[date, list[Question]] = defaultdict(list)
    for question in questions:
        by_session[question.session].append(question)
    clustered = TASKS[questions[0].task].direction is not None
    wanted = (_clusters if clustered else _spread)(by_session, quota, seed)
    behind: Counter[tuple[str, str]] = Counter()
    chosen: list[Question] = []
    for session in sorted(by_session):
        for question in by_session[session]:
            behind.update({("board", question.board): quota, ("label", question.label): quota})
        chosen += _serve(by_session[session], wanted.get(session, 0), len(questions), behind, mixed=clustered)
    return chosen


def _spread(by_session: Mapping[date, Sequence[Question]], quota: int, seed: int) -> dict[date, int]:
    """Return how many questions each session gives: its share, by cumulative rounding from a seeded start.

    That is systematic sampling: a small quota is spread evenly over time.
    """
    total = sum(map(len, by_session.values()))
    start = int(_draw(seed, "start"), 16) % total
    wanted, seen, given = {}, 0, 0
    for session in sorted(by_session):
        seen += len(by_session[session])
        wanted[session] = (seen * quota + start) // total - given
        given += wanted[session]
    return wanted


def _clusters(by_session: Mapping[date, Sequence[Question]], quota: int, seed: int) -> dict[date, int]:
    """Return how many questions each session gives where they come in clusters.

    The sessions are drawn evenly over time from those that have enough stocks and more than one class, from a start of
    the task's own, so that tasks do not all fall on the same sessions. What they cannot give, the others do.
    """
    able = [
        session
        for session in sorted(by_session)
        if len(by_session[session]) >= FEWEST_STOCKS and len({each.label for each in by_session[session]}) > 1
    ]
    count = min(quota // FEWEST_STOCKS, len(able))
    if not count:
        return _spread(by_session, quota, seed)
    start = int(_draw(seed, f"start {by_session[able[0]][0].task}"), 16) % len(able)
    picked = [able[(at * len(able) + start) // count] for at in range(count)]
    wanted = _equal_shares({session: len(by_session[session]) for session in sorted(picked)}, quota)
    others = {session: members for session, members in by_session.items() if session not in wanted}
    left = quota - sum(wanted.values())
    return wanted | _spread(others, left, seed) if left else wanted


def _serve(
    questions: Sequence[Question], wanted: int, price: int, behind: Counter[tuple[str, str]], *, mixed: bool
) -> Iterator[Question]:
    """Yield ``wanted`` questions of one session; each lowers its board and its class in ``behind`` by ``price``.

    :param mixed: the last of several is of another class if all before are of one.
    """
    waiting: dict[tuple[str, str], deque[Question]] = defaultdict(deque)
    for question in questions:
        waiting[question.board, question.label].append(question)
    cells, said = sorted(waiting), set[str]()
    for left in range(wanted, 0, -1):
        full = [cell for cell in cells if waiting[cell]]
        if mixed and left == 1 and len(said) == 1:
            full = [cell for cell in full if cell[1] not in said] or full
        board, label = max(full, key=lambda cell: behind["board", cell[0]] + behind["label", cell[1]])
        behind.subtract({("board", board): price, ("label", label): price})
        said.add(label)
        yield waiting[board, label].popleft()
