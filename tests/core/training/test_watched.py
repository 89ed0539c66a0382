"""Training is stopped by the end of the train split, with the purge before it."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from ljwx.core.training.watched import parted
from ljwx.exceptions import ConfigurationError

FIRST = dt.date(2026, 1, 1)


def train(sessions: int, horizon: int = 2) -> pl.DataFrame:
    """Two samples a day, each with a label that ends so many days later."""
    days = [FIRST + dt.timedelta(n // 2) for n in range(2 * sessions)]
    return pl.DataFrame({"session": days, "label_end": [day + dt.timedelta(horizon) for day in days]})


def test_the_last_tenth_of_the_sessions_is_looked_at_and_the_purge_before_it_belongs_to_neither() -> None:
    learned, watched = parted("d", train(25), purge=3)
    assert (watched["session"].min(), len(watched)) == (FIRST + dt.timedelta(22), 6), "3 of 25, rounded up"
    assert (learned["session"].max(), len(learned)) == (FIRST + dt.timedelta(18), 38)
    late, _ = parted("d", train(25, horizon=6), purge=3)
    assert late["label_end"].max() < watched["session"].min(), "a label that reaches further is left out as well"


def test_a_train_split_too_short_for_both_is_refused() -> None:
    assert [len(part) for part in parted("d", train(5), purge=3)] == [2, 2]
    with pytest.raises(ConfigurationError, match=r"dataset d: its train split has 4 sessions, .* last 1 .* leaves 3"):
        parted("d", train(4), purge=3)
