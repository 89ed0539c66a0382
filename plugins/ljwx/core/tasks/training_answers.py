"""What the answers of the training data are made of: the fields that several tasks share, as polars expressions.

Pure: never imports airflow, an HTTP client or a database driver. The class comes from what happened; everything else
in an answer (reasons, prose, range, levels, states) says only what the snapshot holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from ljwx.core.features.signals import Signal
from ljwx.core.features.technical.signals import SIGNAL, STATES
from ljwx.core.tasks.answers import TENTHS, Classes
from ljwx.core.templates import concatenated


def probabilities(classes: Classes, truth: str, rates: Mapping[str, float], weight: float) -> dict[str, float]:
    """Truth mixed with the train split's class rates, in tenths that sum to 1.

    No class is empty and none stands above the truth. A model trained on certainty would be overconfident by
    construction; weight 0 gives the rates, 1 the truth.
    """
    wanted = {c: TENTHS * (weight * (c == truth) + (1 - weight) * rates.get(c, 0.0)) for c in classes}
    tenths = {c: max(1, int(wanted[c])) for c in classes}
    while sum(tenths.values()) < TENTHS:
        tenths[max(classes, key=lambda c: (wanted[c] - tenths[c], c == truth))] += 1
    while sum(tenths.values()) > TENTHS:
        tenths[max((c for c in classes if tenths[c] > 1), key=lambda c: (tenths[c] - wanted[c], c != truth))] -= 1
    while tenths[truth] < max(tenths.values()):
        tenths[max(classes, key=lambda c: tenths[c])] -= 1
        tenths[truth] += 1
    return {c: tenths[c] / TENTHS for c in classes}


def probability(classes: Classes, rates: Mapping[str, float], weight: float) -> pl.Expr:
    """The probabilities to state for each row's ``label``, as a struct: one of three."""
    stated = {truth: probabilities(classes, truth, rates, weight) for truth in classes}
    shares = [
        pl.col("label").replace_strict({truth: stated[truth][c] for truth in classes}, return_dtype=pl.Float64).alias(c)
        for c in classes
    ]
    return pl.struct(shares)


def prose(*pieces: pl.Expr | str) -> pl.Expr:
    """Text of literals and columns; numbers as the snapshot writes them."""
    return concatenated([piece if isinstance(piece, str) else piece.cast(pl.String) for piece in pieces])


def number(feature: str) -> pl.Expr:
    """A number among the snapshot's features."""
    return pl.col(f"features.{feature}")


def word(signal: str) -> pl.Expr:
    """The word of one of the snapshot's signals."""
    return pl.col(signal)


_FILLING: Final = ("volume", "drawdown")


def reasons(wanted_votes: Mapping[str, int]) -> pl.Expr:
    """Two signals that hold, as a list: first states whose vote speaks for the class, then volume and drawdown.

    :param wanted_votes: class → the vote that speaks for it.
    """
    wanted = pl.col("label").replace_strict(dict(wanted_votes), return_dtype=pl.Int32)
    speaking = [pl.when(pl.col(f"{r.name}_vote") == wanted).then(phrase(r)) for r in STATES]
    held = [*speaking, *(phrase(SIGNAL[name]) for name in _FILLING)]
    first = pl.coalesce(held)
    return pl.concat_list(first, pl.coalesce([pl.when(each != first).then(each) for each in held]))


def phrase(signal: Signal) -> pl.Expr:
    """Subject and word of a signal in one, as a reason names it."""
    return pl.lit(signal.subject) + pl.col(signal.name)
