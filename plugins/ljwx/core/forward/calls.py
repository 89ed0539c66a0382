"""What one model's calls of each kind were worth, for who reads the next one. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from ljwx.core.analysis.analysis import Bounded, Fared
from ljwx.core.forward.scores import RIVALS, Followed, Score, scores
from ljwx.core.forward.settled import counting, matrix
from ljwx.core.tasks import TASKS


def calls(settled: pl.DataFrame, calendar: Sequence[date], model: str, digest: str) -> dict[str, Fared]:
    """Return by task what a model's settled answers were worth; of classes that changed their meaning, the newest.

    :param settled: SETTLED frame with the answers of the model and of its rivals.
    :param calendar: the exchange's sessions, from the first of the record to the one at whose close one looks.
    """
    whole = [
        each
        for each in scores(settled, calendar)
        if each.window.name == "all" and (each.answerer, each.digest) == (model, digest)
    ]
    newest = {each.task: each for each in sorted(whole, key=lambda each: each.last)}
    return {task: _fared(score, counting(settled, task)) for task, score in newest.items()}


def _fared(score: Score, asked: pl.DataFrame) -> Fared:
    mine = asked.filter(~pl.col("late"), answerer=score.answerer, digest=score.digest, meaning=score.meaning)
    gain = next((skill.log for skill in score.skills if skill.rival == RIVALS[0]), None)
    return Fared(
        first=mine["session"].min(),  # type: ignore[arg-type]
        last=score.last,
        sessions=score.sessions,
        calls=score.answered,
        hits=_bounded(score.hit_rate),
        gain=None if gain is None else _bounded(gain),
        by_class=_by_class(mine, score.task),
    )


def _by_class(mine: pl.DataFrame, task: str) -> Mapping[str, tuple[int, int]]:
    """How often each class was said, and how often it came true then; invalid answers say none."""
    said, classes = matrix(mine, task), TASKS[task].classes
    valid = said.sum(axis=1) > 0
    named = pl.DataFrame({"said": [classes[at] for at in said.argmax(axis=1)], "came": mine["label"]}).filter(
        pl.Series(valid)
    )
    counted = named.group_by("said").agg(
        pl.len().alias("calls"), (pl.col("said") == pl.col("came")).sum().alias("hits")
    )
    return {name: (calls, hits) for name, calls, hits in counted.iter_rows()}


def _bounded(followed: Followed) -> Bounded:
    return Bounded(followed.mean, followed.low, followed.high)
