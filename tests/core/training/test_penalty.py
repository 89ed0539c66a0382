"""The penalty of a regression is chosen by sessions that it was not fitted on."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable

import polars as pl
import pytest

from ljwx.core.training import penalty
from ljwx.core.training.penalty import CHOICES, FEWEST, inverse_penalties

TASK = "price_direction"


def day_of(number: int) -> dt.date:
    return dt.date(2026, 1, 1) + dt.timedelta(number)


def market(
    rises: Callable[[int, float], bool], sessions: int = 40, stocks: int = 12
) -> tuple[pl.DataFrame, list[list[float]]]:
    """Samples of all stocks on each day, and their numbers: one that `rises` is asked about, and nine others."""
    chance = random.Random(7)
    rows, numbers = [], []
    for day in range(sessions):
        mood = chance.gauss(0, 1)
        for _ in range(stocks):
            own = chance.gauss(0, 1)
            numbers.append([own, *(mood + chance.gauss(0, 0.3) for _ in range(9))])
            label = "up" if rises(day, own) else "down"
            rows.append({"task": TASK, "label": label, "session": day_of(day), "label_end": day_of(day + 5)})
    return pl.DataFrame(rows), numbers


def test_what_holds_in_all_sessions_gets_the_weakest_penalty() -> None:
    assert inverse_penalties(*market(lambda _, own: own > 0)) == {TASK: CHOICES[0]}


def test_what_moves_all_stocks_of_a_session_at_once_is_no_reason_to_be_sure() -> None:
    """480 samples, and yet 40 tosses of one coin: a regression finds in the numbers which toss it was."""
    coin = [random.Random(day).random() < 0.5 for day in range(40)]
    (chosen,) = inverse_penalties(*market(lambda day, _: coin[day])).values()
    assert chosen <= 0.001


def test_with_few_sessions_nothing_is_chosen() -> None:
    coin = [random.Random(day).random() < 0.5 for day in range(FEWEST)]
    assert inverse_penalties(*market(lambda day, _: coin[day], sessions=FEWEST - 1)) == {TASK: CHOICES[0]}


def test_a_sample_whose_outcome_reaches_into_the_block_is_not_learned_from() -> None:
    told, _ = market(lambda _, own: own > 0, stocks=1)
    blocks = list(penalty._blocks(told))
    assert [held.arg_true().to_list() for _, held in blocks] == [list(range(at, at + 8)) for at in range(0, 40, 8)]
    second, _ = blocks[1]
    assert second.arg_true().to_list() == [0, 1, 2, *range(21, 40)], "outcomes of 3 to 7 and of 8 to 15 come within it"


def test_each_task_has_its_own_choice() -> None:
    told, numbers = market(lambda _, own: own > 0)
    coin = [random.Random(day).random() < 0.5 for day in range(40)]
    other, more = market(lambda day, _: coin[day])
    both = inverse_penalties(pl.concat([told, other.with_columns(task=pl.lit("risk_assessment"))]), numbers + more)
    assert (both[TASK], both["risk_assessment"] <= 0.001) == (CHOICES[0], True)


@pytest.mark.parametrize("label", ["up", "down"])
def test_one_class_in_all_samples_is_no_error(label: str) -> None:
    assert set(inverse_penalties(*market(lambda _day, _own: label == "up"))) == {TASK}
