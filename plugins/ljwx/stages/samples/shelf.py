"""A shelf of frames in files on this machine's disk, for a market that does not fit into memory."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import polars as pl


class DiskShelf:
    """See :class:`ljwx.core.datasets.market.shelf.Shelf`; each piece is a file.

    :param folder: is there, and empty; what is left in it is the caller's to remove.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pieces: dict[str, list[Path]] = {}

    def put(self, name: str, frame: pl.DataFrame) -> None:
        """Write a file.

        :raises OSError: as on a full disk; it names the file, and how another disk is taken.
        """
        pieces = self._pieces.setdefault(name, [])
        path = self._folder / f"{name}.{len(pieces)}.arrow"
        packed = BytesIO()
        frame.write_ipc(packed, compression="lz4")
        try:
            path.write_bytes(packed.getbuffer())  # by Python, whose error says by its number that a disk is full
        except OSError as error:
            reason = f"{error.strerror} (TMPDIR names another folder for what waits on disk)"
            raise OSError(error.errno, reason, str(path)) from None
        pieces.append(path)

    def get(self, name: str) -> pl.DataFrame:
        """Read the files of a name into memory."""
        return pl.concat([pl.read_ipc(path) for path in self._pieces[name]], rechunk=True)

    def drop(self, name: str) -> None:
        """Remove the files of a name."""
        for path in self._pieces.pop(name, ()):
            path.unlink()
