"""Which models are loaded: one engine and one runner a GGUF file; the longest unused goes first.

A runner is what Ollama lists as running: it serves every model of its GGUF file that wants the same runner options, and
is listed under the one that loaded it. A model that wants others has it loaded again, and is listed instead.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ljwx_sandbox.ollama.engines.pieces import LanguageEngine

MAX_CONTEXT = 8192
MakeEngine = Callable[[Path, int], LanguageEngine]
"""Loads a GGUF file with a context of so many tokens."""
_STEP = 4096


@dataclass
class Runner:
    """What is listed of a loaded GGUF file.

    :param options: what it was loaded with, the context among them.
    :param listed: what is told of the model that loaded it, which may be gone by now.
    :param expires: monotonic seconds; None: never.
    """

    options: Mapping[str, Any]
    listed: Mapping[str, Any]
    expires: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether its time is over."""
        return self.expires is not None and self.expires <= time.monotonic()


@dataclass
class _Entry:
    engine: LanguageEngine
    users: int = 0
    used: float = 0.0
    runner: Runner | None = None


class EnginePool:
    """At most `limit` engines; a larger context than an engine has reloads it once nobody uses it.

    An engine serves a smaller context too, so that a model which is listed anew need not be loaded anew.
    """

    def __init__(self, make: MakeEngine, limit: int = 2) -> None:
        self.loads = 0
        self._make = make
        self._limit = limit
        self._entries: dict[Path, _Entry] = {}
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def use(
        self, path: Path, context: int, options: Mapping[str, Any], listed: Mapping[str, Any]
    ) -> Iterator[LanguageEngine]:
        """Hold an engine for the GGUF at `path` that has at least `context` tokens, and its runner for these options.

        :param listed: what is told of the runner where it is loaded for this use.
        """
        with self._changed:
            entry = self._obtain(path, context)
            if entry.runner is None or entry.runner.options != options:
                entry.runner = Runner(options, listed)
            entry.runner.expires = None
            entry.users += 1
        try:
            yield entry.engine
        finally:
            with self._changed:
                entry.users -= 1
                entry.used = time.monotonic()
                self.expire()

    def keep(self, path: Path, seconds: float | None) -> None:
        """Let the runner of a GGUF stay for `seconds` from now (None: for ever), and in any case while it is used."""
        with self._changed:
            entry = self._entries.get(path)
            if entry is not None and entry.runner is not None:
                entry.runner.expires = None if seconds is None else time.monotonic() + seconds
        if seconds:
            timer = threading.Timer(seconds, self.expire)
            timer.daemon = True
            timer.start()

    def unload(self, path: Path) -> None:
        """End the runner of a GGUF, for every model that shares it."""
        with self._changed:
            entry = self._entries.get(path)
            if entry is not None:
                entry.runner = None
            self._free()

    def expire(self) -> None:
        """End the runners whose time is over."""
        with self._changed:
            for entry in self._entries.values():
                if not entry.users and entry.runner is not None and entry.runner.is_over:
                    entry.runner = None
            self._free()

    def runners(self) -> list[Runner]:
        """Return what is loaded."""
        self.expire()
        with self._changed:
            return [entry.runner for entry in self._entries.values() if entry.runner is not None]

    def _obtain(self, path: Path, context: int) -> _Entry:
        while True:
            entry = self._entries.get(path)
            if entry is not None and entry.engine.context >= context:
                return entry
            if entry is None and len(self._entries) < self._limit:
                return self._load(path, context)
            idle = [known for known, other in self._entries.items() if not other.users]
            if entry is not None and not entry.users:
                del self._entries[path]
                return self._load(path, context)
            if entry is None and idle:
                del self._entries[min(idle, key=lambda known: self._entries[known].used)]
            else:
                self._changed.wait()

    def _load(self, path: Path, context: int) -> _Entry:
        rounded = -(-context // _STEP) * _STEP
        entry = self._entries[path] = _Entry(self._make(path, rounded))
        self.loads += 1
        return entry

    def _free(self) -> None:
        for path in [path for path, entry in self._entries.items() if entry.runner is None and not entry.users]:
            del self._entries[path]
        self._changed.notify_all()
