"""Which models are loaded: one engine a GGUF file, shared by the models made from it; the longest unused goes first."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ljwx_sandbox.ollama.pieces import LanguageEngine

MAX_CONTEXT = 8192
MakeEngine = Callable[[Path, int], LanguageEngine]
"""Loads a GGUF file with a context of so many tokens."""
_STEP = 4096


@dataclass
class Resident:
    """A model that counts as loaded, until `expires` (monotonic seconds; None: for ever)."""

    context: int
    expires: float | None


@dataclass
class _Entry:
    engine: LanguageEngine
    users: int = 0
    used: float = 0.0
    residents: dict[str, Resident] = field(default_factory=dict)


class EnginePool:
    """At most `limit` engines; a larger context than an engine has reloads it once nobody uses it."""

    def __init__(self, make: MakeEngine, limit: int = 2) -> None:
        self.loads = 0
        self._make = make
        self._limit = limit
        self._entries: dict[Path, _Entry] = {}
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def use(self, path: Path, context: int) -> Iterator[LanguageEngine]:
        """Hold an engine for the GGUF at `path` that has at least `context` tokens."""
        with self._changed:
            entry = self._obtain(path, context)
            entry.users += 1
        try:
            yield entry.engine
        finally:
            with self._changed:
                entry.users -= 1
                entry.used = time.monotonic()
                self._changed.notify_all()

    def touch(self, name: str, path: Path, context: int, seconds: float | None) -> None:
        """Count a model as loaded for `seconds` from now (None: for ever)."""
        with self._changed:
            if path in self._entries:
                expires = None if seconds is None else time.monotonic() + seconds
                self._entries[path].residents[name] = Resident(context, expires)
        if seconds is not None:
            timer = threading.Timer(seconds, self.expire)
            timer.daemon = True
            timer.start()

    def unload(self, name: str) -> None:
        """Stop counting a model as loaded; an engine that serves no other one is freed."""
        with self._changed:
            for entry in self._entries.values():
                entry.residents.pop(name, None)
            self._free()

    def expire(self) -> None:
        """Forget the models whose time is over."""
        with self._changed:
            now = time.monotonic()
            for entry in self._entries.values():
                over = [name for name, model in entry.residents.items() if model.expires and model.expires <= now]
                for name in over:
                    del entry.residents[name]
            self._free()

    def residents(self) -> dict[str, Resident]:
        """Return the loaded models by name."""
        self.expire()
        with self._changed:
            return {name: model for entry in self._entries.values() for name, model in entry.residents.items()}

    def _obtain(self, path: Path, context: int) -> _Entry:
        while True:
            entry = self._entries.get(path)
            if entry is not None and entry.engine.context >= context:
                return entry
            if entry is None and len(self._entries) < self._limit:
                return self._load(path, context, {})
            idle = [known for known, other in self._entries.items() if not other.users]
            if entry is not None and not entry.users:
                return self._load(path, context, self._entries.pop(path).residents)
            if entry is None and idle:
                del self._entries[min(idle, key=lambda known: self._entries[known].used)]
            else:
                self._changed.wait()

    def _load(self, path: Path, context: int, residents: dict[str, Resident]) -> _Entry:
        rounded = -(-context // _STEP) * _STEP
        entry = self._entries[path] = _Entry(self._make(path, rounded), residents=residents)
        self.loads += 1
        return entry

    def _free(self) -> None:
        for path in [path for path, entry in self._entries.items() if not entry.residents and not entry.users]:
            del self._entries[path]
        self._changed.notify_all()
