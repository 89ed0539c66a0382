"""What lies on a shelf on disk comes back as it was put there, and nothing else."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ljwx.stages.samples.shelf import DiskShelf

WORDS = pl.Enum(["低", "高"])
FIRST = pl.DataFrame(
    {"row": [0, 7], "session": [date(2026, 1, 5)] * 2, "word": ["高", None], "x": [0.1, None], "name": ["甲", '"乙,']},
    schema={"row": pl.UInt32, "session": pl.Date, "word": WORDS, "x": pl.Float64, "name": pl.String},
)


def test_pieces_come_back_as_one_frame_in_their_order_with_their_types(tmp_path: Path) -> None:
    shelf = DiskShelf(tmp_path)
    shelf.put("facts-1", FIRST)
    shelf.put("facts-2", FIRST.tail(1))
    shelf.put("facts-1", FIRST.head(1))
    assert shelf.get("facts-1").equals(pl.concat([FIRST, FIRST.head(1)]))
    assert shelf.get("facts-1").schema == FIRST.schema


def test_what_is_dropped_is_gone_from_the_disk(tmp_path: Path) -> None:
    shelf = DiskShelf(tmp_path)
    shelf.put("stocks-0", FIRST)
    shelf.drop("stocks-0")
    shelf.drop("never put")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyError):
        shelf.get("stocks-0")
