"""Texts with places to fill in, from a parsed snapshot or from the columns of a frame.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from ljwx.exceptions import ConfigurationError

NONE: Final = "无"
"""The text of a fact that is null."""
Path = tuple[str, ...]
"""Keys of a snapshot, from the outermost."""


@dataclass(frozen=True)
class Template:
    """Text with ``{path.into.the.snapshot}`` places, taken apart once so that filling it is cheap.

    :param words: of a place, what is written instead of each of its values; of others, the value.
    """

    text: str
    pattern: str
    paths: tuple[Path, ...]
    words: Mapping[Path, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str, where: str, words: Mapping[Path, Mapping[str, str]] | None = None) -> Template:
        """Take a template apart.

        :param words: of a place, what is written instead of each of its values.
        :raises ConfigurationError: naming the file when braces do not match or a place is more than a path.
        """
        pattern, paths = [], []
        try:
            for literal, path, form, conversion in string.Formatter().parse(text):
                pattern.append(literal.replace("%", "%%"))
                if path is None:
                    continue
                if not path or form or conversion:
                    raise ConfigurationError(
                        f"prompt {where}: place {{{path}}} must be a plain path such as {{ranks.ret_5}}"
                    )
                pattern.append("%s")
                paths.append(tuple(path.split(".")))
        except ValueError as error:
            raise ConfigurationError(f"prompt {where}: {error}") from error
        return cls(text, "".join(pattern), tuple(paths), words or {})

    @property
    def pieces(self) -> Iterator[str | Path]:
        """The text as literals and paths in turn."""
        for literal, path, _, _ in string.Formatter().parse(self.text):
            if literal:
                yield literal
            if path is not None:
                yield tuple(path.split("."))

    def fill(self, facts: Mapping[str, Any]) -> str:
        """Render with a snapshot read by :func:`ljwx.core.prompts.facts_of`.

        :raises ConfigurationError: when the snapshot has no such fact.
        """
        try:
            return self.pattern % tuple([self._written(path, _at(facts, path)) for path in self.paths])
        except KeyError as error:
            raise ConfigurationError(
                f"prompt template names a fact that the snapshot does not hold: {error}"
            ) from error

    def _written(self, path: Path, value: Any) -> Any:
        return self.words[path].get(value, value) if path in self.words else value


def _at(facts: Mapping[str, Any], path: Path) -> Any:
    value = facts[path[0]]
    for key in path[1:]:
        value = value[key]
    return NONE if value is None else value


def concatenated(pieces: list[pl.Expr | str]) -> pl.Expr:
    """One string of literals and expressions; neighbouring literals are joined first, which halves the work."""
    merged: list[pl.Expr | str] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        else:
            merged.append(piece)
    return pl.concat_str([pl.lit(p) if isinstance(p, str) else p for p in merged])
