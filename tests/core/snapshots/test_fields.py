"""The JSON of a snapshot: to the byte what Python's own encoder makes of the same values, keys sorted, no spaces."""

from __future__ import annotations

import json

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ljwx.core.features import GROUPS
from ljwx.core.snapshots.fields import Field, encoded, fields

FIELDS = (
    Field(("bar", "change"), pl.col("number")),
    Field(("bar", "rank"), pl.col("whole")),
    Field(("name",), pl.col("text")),
    Field(("readings", "rsi"), pl.col("text")),
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@settings(deadline=None)
@given(
    number=st.none() | st.floats(-1e9, 1e9).map(lambda x: round(x, 2) + 0.0),
    whole=st.none() | st.integers(-1000, 1000),
    text=TEXT,
)
def test_values_are_written_as_python_writes_them(number: float | None, whole: int | None, text: str) -> None:
    rows = pl.DataFrame(
        {"number": [number], "whole": [whole], "text": [text]},
        schema={"number": pl.Float64, "whole": pl.Int64, "text": pl.String},
    )
    expected = {"bar": {"change": number, "rank": whole}, "name": text, "readings": {"rsi": text}}
    assert rows.select(encoded(FIELDS)).item() == json.dumps(expected, ensure_ascii=False, separators=(",", ":"))


def test_every_place_is_declared_once_and_in_the_order_of_the_json() -> None:
    paths = [field.path for field in fields(GROUPS, horizon=5)]
    assert paths == sorted(set(paths))
    sections = {path[0] for path in paths if len(path) > 1}
    of_groups = {"features", "flow", "fundamentals", "index", "market", "ranks", "valuation"}
    assert sections == {"bar", "levels", "range", "readings", *of_groups}
    assert not sections & {path[0] for path in paths if len(path) == 1}
