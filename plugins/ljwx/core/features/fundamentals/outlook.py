"""The kind of a company's forecast, as the exchanges name them: from profit that rises much to profit that is lost.

Pure: nothing here may import airflow, HTTP or SQL.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from ljwx.core.features.signals import Condition, Signal, State

CODE: Final = "outlook_code"
"""The place of a word among :data:`OUTLOOK`'s; the best is the highest, and what is no word of them is the last."""

_WORDS: Final = (
    ("预增", "large rise"),
    ("略增", "small rise"),
    ("扭亏", "back to profit"),
    ("续盈", "profit again"),
    ("略减", "small fall"),
    ("预减", "large fall"),
    ("续亏", "loss again"),
    ("首亏", "first loss"),
)
_REST: Final = ("未明示", "not said")
"""Of kinds that say neither, such as 不确定, which is too common a word to be read in prose as a claim."""


def _states() -> tuple[State, ...]:
    best = len(_WORDS)
    known = (
        State(word, english, 0, (Condition(CODE, ">=", float(best - at)),)) for at, (word, english) in enumerate(_WORDS)
    )
    return (*known, State(*_REST))


OUTLOOK: Final = Signal("outlook", "业绩预告", "the company's forecast", _states(), required=False)


def code_of(column: str) -> pl.Expr:
    """The code of a word; 0 of one that is not known, null where there is none."""
    codes = {word: float(len(_WORDS) - at) for at, (word, _) in enumerate(_WORDS)}
    word = pl.col(column)
    known = word.replace_strict(codes, default=0.0, return_dtype=pl.Float64)
    return pl.when(word.is_not_null()).then(known)
