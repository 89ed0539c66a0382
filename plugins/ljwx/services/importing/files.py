"""Which files an import takes, and by what it knows them again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ljwx.exceptions import ConfigurationError, NotFound
from ljwx.resources import files_below
from ljwx.sources.files.reading import SUFFIXES, MarketFile, open_file
from ljwx.sources.files.tables import DAILY

NAMED = 5
"""How many files a message names."""
DIGITS = 16
CHUNK = 1 << 20


@dataclass(frozen=True, eq=False)
class Found:
    """The files of an import.

    :param used: those with a table that is read, in order of their names; at least one of bars.
    :param left_out: those below a folder whose columns are of no table that is read.
    """

    used: tuple[MarketFile, ...]
    left_out: tuple[Path, ...] = ()

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables that they hold, sorted."""
        return tuple(sorted({table.name for file in self.used for table in file.tables}))


@dataclass(frozen=True)
class Digests:
    """What files contain, whatever they are called: of each the SHA-256, and one digest of all, 16 hex digits."""

    of_files: tuple[str, ...]

    @property
    def of_all(self) -> str:
        """The same for the same contents in another order, or with another name."""
        return hashlib.sha256("\n".join(sorted(set(self.of_files))).encode()).hexdigest()[:DIGITS]


def find_files(paths: Sequence[Path]) -> Found:
    """Look for files and at their columns; a folder stands for all Parquet and CSV files below it.

    :raises NotFound: there is no such file or folder.
    :raises ConfigurationError: in one line, what is wrong with a file, or that there are no bars.
    """
    used, left_out, wrong = [], [], []
    for path, is_named in _all_of(paths):
        try:
            file = open_file(path)
        except ConfigurationError as error:
            wrong.append(str(error))
            continue
        if file.tables:
            used.append(file)
        elif is_named:
            columns = ", ".join(file.schema.names()[:NAMED])
            wrong.append(f"{path} holds no table of TuShare that is imported: its columns are {columns}")
        else:
            left_out.append(path)
    if wrong:
        more = f" (and {len(wrong) - 1} more files cannot be imported)" if len(wrong) > 1 else ""
        raise ConfigurationError(wrong[0] + more)
    found = Found(tuple(used), tuple(left_out))
    if DAILY.name not in found.tables:
        raise ConfigurationError(
            f"no bars in {_some(paths)}: none of its {len(used) + len(left_out)} files has the columns of TuShare's "
            f"daily ({', '.join(DAILY.needed)})"
        )
    return found


def digests(files: Iterable[MarketFile]) -> Digests:
    """Read the files through once."""
    return Digests(tuple(_digest(file.path) for file in files))


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def _all_of(paths: Sequence[Path]) -> list[tuple[Path, bool]]:
    """Return each file once, and whether it was named itself."""
    found: dict[Path, bool] = {}
    for path in paths:
        if path.is_dir():
            below = [each for each in files_below(path) if each.suffix.lower() in SUFFIXES]
            if not below:
                raise ConfigurationError(f"{path}: no file below it ends in {' or '.join(SUFFIXES)}")
            found |= {each: False for each in below if each not in found}
        elif not path.is_file():
            raise NotFound(f"there is no file or folder {path}")
        elif path.suffix.lower() not in SUFFIXES:
            raise ConfigurationError(f"{path}: the file's name must end in {' or '.join(SUFFIXES)}")
        else:
            found[path] = True
    return sorted(found.items())


def _some(paths: Sequence[Path]) -> str:
    return ", ".join(map(str, paths[:NAMED])) + (", …" if len(paths) > NAMED else "")
