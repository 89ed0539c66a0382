"""The header of a GGUF file, without the items of its lists: a tokenizer's hundred thousand texts are only passed over.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, version 3, little-endian.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import Any, Final

_STRING: Final = 8
_ARRAY: Final = 9
_SCALARS: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


def read_header(path: Path) -> tuple[dict[str, Any], list[tuple[str, tuple[int, ...], int]]]:
    """Return the keys with their values, None for a list, and each tensor's name, shape and type.

    :raises ValueError: not a GGUF file, or a damaged one.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _Reader(content).header()
    except (ValueError, struct.error, KeyError, OverflowError) as error:
        raise ValueError("supplied file was not in GGUF format") from error


class _Reader:
    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        self._at = 0

    def header(self) -> tuple[dict[str, Any], list[tuple[str, tuple[int, ...], int]]]:
        if self._content[:4] != b"GGUF":
            raise ValueError("no magic number")
        self._at = 4
        _, tensors, keys = self._number("I"), self._number("Q"), self._number("Q")
        return {self._text(): self._value(self._number("I")) for _ in range(keys)}, [
            self._tensor() for _ in range(tensors)
        ]

    def _tensor(self) -> tuple[str, tuple[int, ...], int]:
        name = self._text()
        shape = tuple(self._number("Q") for _ in range(self._number("I")))
        kind = self._number("I")
        self._number("Q")  # where its data are
        return name, shape, kind

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._text()
        if kind == _ARRAY:
            return self._pass_list()
        return self._number(_SCALARS[kind])

    def _pass_list(self) -> None:
        kind, count = self._number("I"), self._number("Q")
        if kind in _SCALARS:
            self._pass(count * struct.calcsize(_SCALARS[kind]))
            return
        for _ in range(count):
            if kind == _STRING:
                self._pass(self._number("Q"))
            else:
                self._pass_list()

    def _pass(self, size: int) -> None:
        self._at += size
        if self._at > len(self._content):
            raise ValueError("the file ends early")

    def _text(self) -> str:
        size = self._number("Q")
        start = self._at
        self._pass(size)
        return self._content[start : self._at].decode()

    def _number(self, form: str) -> Any:
        (value,) = struct.unpack_from(f"<{form}", self._content, self._at)
        self._at += struct.calcsize(form)
        return value
