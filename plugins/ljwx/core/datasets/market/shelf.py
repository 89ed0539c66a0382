"""Where the rows of a market wait while others are worked on. Pure: frames in and out, whoever keeps them.

A market of ten years has 13 million rows with a hundred columns. They come by sessions, are looked at by stocks, and
are written by sessions again; what lies on a shelf need not be in memory.
"""

from __future__ import annotations

from typing import Protocol

import polars as pl


class Shelf(Protocol):
    """Frames by name, each in the order in which its pieces came."""

    def put(self, name: str, frame: pl.DataFrame) -> None:
        """Add rows to the frame of a name; all have the same columns."""

    def get(self, name: str) -> pl.DataFrame:
        """Return the frame of a name.

        :raises KeyError: nothing was put under it.
        """

    def drop(self, name: str) -> None:
        """Forget the frame of a name; nothing happens where there is none."""


class MemoryShelf:
    """A shelf for what fits into memory."""

    def __init__(self) -> None:
        self._pieces: dict[str, list[pl.DataFrame]] = {}

    def put(self, name: str, frame: pl.DataFrame) -> None:
        """See :class:`Shelf`."""
        self._pieces.setdefault(name, []).append(frame)

    def get(self, name: str) -> pl.DataFrame:
        """See :class:`Shelf`."""
        return pl.concat(self._pieces[name])

    def drop(self, name: str) -> None:
        """See :class:`Shelf`."""
        self._pieces.pop(name, None)
