"""Shards: runs of an evaluation's questions, each for one Airflow task."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Shard:
    """A run of an evaluation's questions for one mapped task: the position of the first, and how many.

    :param optional: it is decided without it, as a model's of another line.
    """

    evaluation_id: int
    first: int
    questions: int
    optional: bool = False

    @property
    def told(self) -> dict[str, int]:
        """Return it as it is passed on: `optional` only where it is."""
        return {name: value for name, value in asdict(self).items() if value is not False}


def shared_out(evaluation_id: int, questions: int, size: int, *, optional: bool) -> list[Shard]:
    """Share the questions of an evaluation out evenly, none with more than ``size``."""
    count = -(-questions // size)
    edges = [questions * at // count for at in range(count + 1)]
    return [Shard(evaluation_id, first, last - first, optional) for first, last in pairwise(edges)]
