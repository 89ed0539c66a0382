"""The penalty of a regression, chosen by cross-validation over blocks of sessions. Pure: no I/O.

Samples of one session rise and fall together, so that thousands of them are worth far fewer, and a regression that is
penalised by their number alone is too sure of itself. Whole blocks of sessions are left out in turn, with all samples
whose outcome reaches into them; the penalty is taken under which the regression of the others says most of the block.
Where nothing can be forecast that is the strongest, and what it expects is nearly the class rates.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ljwx.core.evaluations import fit_regression

CHOICES: Final = (1.0, 0.1, 0.01, 0.003, 0.001, 0.0003, 0.0001)
"""Of C, the inverse of the penalty's strength, from the weakest penalty to the strongest."""
BLOCKS: Final = 5
FEWEST: Final = 4 * BLOCKS
"""Sessions; with fewer nothing is chosen, and C is the first choice."""


def inverse_penalties(samples: pl.DataFrame, numbers: Sequence[Sequence[float]]) -> dict[str, float]:
    """Return of each task the C of its regression.

    :param samples: ``task``, ``label``, ``session`` and ``label_end``, the session at which the outcome was known.
    :param numbers: those of each sample's snapshot.
    """
    placed = samples.select("task", "label", "session", "label_end").with_row_index("at")
    every = np.array(numbers)
    return {
        str(task): _inverse_penalty(rows, every[rows["at"].to_numpy()])
        for (task,), rows in placed.group_by("task", maintain_order=True)
    }


def _inverse_penalty(samples: pl.DataFrame, numbers: NDArray[np.float64]) -> float:
    labels = samples["label"].to_list()
    scores: dict[float, list[float]] = {choice: [] for choice in CHOICES}
    for learned, held in _blocks(samples):
        known, asked = (np.flatnonzero(each.to_numpy()) for each in (learned, held))
        if not len(known) or not len(asked):
            continue
        known_labels, asked_labels = [labels[at] for at in known], [labels[at] for at in asked]
        for choice, found in scores.items():
            found.append(
                fit_regression(numbers[known], known_labels, None, choice).log_score(numbers[asked], asked_labels)
            )
    return max(CHOICES, key=lambda choice: fmean(scores[choice] or [0.0]))


def _blocks(samples: pl.DataFrame) -> Iterator[tuple[pl.Series, pl.Series]]:
    """Yield which samples are learned from and which are held out, block by block."""
    sessions: list[dt.date] = samples["session"].unique().sort().to_list()
    if len(sessions) < FEWEST:
        return
    for block in range(BLOCKS):
        first, behind = (block * len(sessions) // BLOCKS, (block + 1) * len(sessions) // BLOCKS)
        held = samples["session"].is_between(sessions[first], sessions[behind - 1])
        known = samples.filter(held)["label_end"].max()
        yield (samples["label_end"] < sessions[first]) | (samples["session"] > known), held
