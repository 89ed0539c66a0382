"""Which sessions and stocks the class alone is asked of: whole sessions, and the same ones from day to day."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date, timedelta
from itertools import groupby, pairwise

from ljwx.core.evaluations import Question
from ljwx.core.evaluations.cross_sections import FEWEST_COUNTING, cross_sections
from ljwx.core.evidence.sessions import FEWEST_STOCKS
from ljwx.core.tasks import TASKS

PREDICTIVE = ("investment_advice", "risk_assessment", "price_direction")
WEEKDAYS = [day for at in range(400) if (day := date(2025, 1, 6) + timedelta(at)).weekday() < 5]


def candidates(sessions: list[date], stocks: int) -> list[Question]:
    return [
        Question(f"{task}{session}{at}", task, f"{at:06d}.SZ", session, TASKS[task].classes[0], None, "主板", "银行")
        for task in TASKS
        for session in sessions
        for at in range(stocks)
    ]


def sections(questions: tuple[Question, ...]) -> dict[tuple[str, date], set[str]]:
    found = defaultdict[tuple[str, date], set[str]](set)
    for each in questions:
        found[each.task, each.session].add(each.ts_code)
    return found


def test_where_facts_come_first_what_is_asked_about_a_stock_and_session_follows_each_other() -> None:
    by_task = cross_sections(candidates(WEEKDAYS[:30], 12), 600, 20, 7)
    by_stock = cross_sections(candidates(WEEKDAYS[:30], 12), 600, 20, 7, facts_first=True)
    assert {q.sample_id for q in by_stock} == {q.sample_id for q in by_task}, "the choice is the same"
    runs = [key for key, _ in groupby(by_stock, key=lambda q: (q.session, q.ts_code))]
    assert len(runs) == len(set(runs)) < len(by_stock)
    assert len([task for task, _ in groupby(by_task, key=lambda q: q.task)]) == len(PREDICTIVE)


def test_small_sessions_are_asked_about_whole_in_every_task_that_needs_the_future() -> None:
    found = sections(cross_sections(candidates(WEEKDAYS[:30], 12), 6000, 20, 7))
    assert {task for task, _ in found} == set(PREDICTIVE)
    assert len({session for _, session in found}) == 20
    assert {len(stocks) for stocks in found.values()} == {12}


def test_of_large_sessions_the_same_stocks_are_asked_about_and_no_more_questions_than_wanted() -> None:
    chosen = cross_sections(candidates(WEEKDAYS[:40], 50), 1200, 20, 7)
    found = sections(chosen)
    assert len(chosen) == 1200
    assert len({frozenset(stocks) for stocks in found.values()}) == 1


def test_few_questions_go_to_few_sessions_that_still_have_an_order_to_find() -> None:
    found = sections(cross_sections(candidates(WEEKDAYS[:40], 50), 60, 20, 7))
    assert {len(stocks) for stocks in found.values()} == {10}
    assert {session for _, session in found} >= {WEEKDAYS[39]}


def test_the_newest_sessions_are_among_them_and_the_others_lie_evenly_before() -> None:
    chosen = sorted({session for _, session in sections(cross_sections(candidates(WEEKDAYS, 10), 6000, 32, 7))})
    assert chosen[-16:] == WEEKDAYS[-16:]
    older, before = chosen[:16], WEEKDAYS[:-16]
    gaps = [before.index(late) - before.index(early) for early, late in pairwise(older)]
    assert len(older) == 16
    assert max(gaps) <= 3 * len(before) / 16
    quarters = [sum(before.index(each) * 4 // len(before) == part for each in older) for part in range(4)]
    assert min(quarters) >= 3


def test_a_day_later_hardly_anything_is_new() -> None:
    split = 100
    before = {q.sample_id for q in cross_sections(candidates(WEEKDAYS[:split], 40), 1200, 20, 7)}
    later = {q.sample_id for q in cross_sections(candidates(WEEKDAYS[1 : split + 1], 40), 1200, 20, 7)}
    assert len(before) == len(later) == 1200
    assert len(later - before) <= 3 * 60  # the new session, and at most two that take the place of others


def test_after_a_pause_every_session_that_was_not_noted_is_asked_about() -> None:
    chosen = cross_sections(candidates(WEEKDAYS[:100], 40), 6000, 20, 7, WEEKDAYS[59])
    found = sections(chosen)
    assert {session for _, session in found} == set(WEEKDAYS[60:100])
    assert {len(stocks) for stocks in found.values()} == {40}


def test_after_a_long_pause_the_oldest_that_were_not_noted_come_first_with_enough_stocks_each() -> None:
    found = sections(cross_sections(candidates(WEEKDAYS[:200], 40), 1500, 20, 7, WEEKDAYS[59]))
    assert {session for _, session in found} == set(WEEKDAYS[60:85])
    assert {len(stocks) for stocks in found.values()} == {20}
    assert FEWEST_COUNTING == FEWEST_STOCKS


def test_without_a_pause_the_choice_is_the_usual_one() -> None:
    every = candidates(WEEKDAYS[:100], 12)
    assert cross_sections(every, 6000, 20, 7, WEEKDAYS[95]) == cross_sections(every, 6000, 20, 7)


def test_every_session_is_asked_about_in_its_turn() -> None:
    asked = set[date]()
    for day in range(100, 140):
        asked |= {q.session for q in cross_sections(candidates(WEEKDAYS[day - 50 : day], 10), 6000, 8, 7)}
    assert set(WEEKDAYS[99:139]) <= asked


def test_the_order_of_the_candidates_decides_nothing_and_questions_stand_by_task_and_session() -> None:
    every = candidates(WEEKDAYS[:30], 20)
    chosen = cross_sections(every, 300, 5, 7)
    random.Random(1).shuffle(every)
    assert cross_sections(every, 300, 5, 7) == chosen
    assert [q.task for q in chosen] == sorted((q.task for q in chosen), key=list(TASKS).index)
    assert all(
        (one.session, one.ts_code) < (other.session, other.ts_code)
        for one, other in pairwise(chosen)
        if one.task == other.task
    )


def test_there_are_none_where_none_are_wanted_or_none_need_the_future() -> None:
    every = candidates(WEEKDAYS[:5], 5)
    assert cross_sections(every, 0, 20, 7) == ()
    assert cross_sections([q for q in every if q.task == "technical_analysis"], 100, 20, 7) == ()
    assert cross_sections([], 100, 20, 7) == ()
