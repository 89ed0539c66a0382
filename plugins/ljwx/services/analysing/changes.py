"""What is kept of what was read, until the tables that it rests on are changed: a look tells, one query for all."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from ljwx.hooks.warehouse import WarehouseHook

Key = TypeVar("Key")
Value = TypeVar("Value")

OLD_SECONDS: Final = 43_200.0
"""A look so long ago is none: the database forgets changes after two days."""


@dataclass(frozen=True)
class Look:
    """A look at what was changed.

    :param number: of this look; later ones have larger ones.
    :param first: of the look before which nothing is known.
    :param last: by table, the last look that saw it changed.
    """

    number: int
    snapshot: str
    at: float
    first: int
    last: Mapping[str, int]

    def version(self, tables: Iterable[str] | None = None) -> int:
        """Return the last look that saw one of these tables changed, or any: what was read since is as it is now."""
        seen = self.last.values() if tables is None else (self.last.get(table, 0) for table in tables)
        return max(self.first, max(seen, default=0))


class Changes:
    """Looks for changes; shared by threads, of which those that come during a look share the next one."""

    def __init__(self, warehouse: WarehouseHook) -> None:
        self._warehouse = warehouse
        self._looking, self._begun = threading.Lock(), 0
        self._newest: Look | None = None

    def look(self) -> Look:
        """Return a look that began after this was called: it sees whatever had been changed by then."""
        arrived = self._begun
        with self._looking:
            if self._newest is not None and self._newest.number > arrived:
                return self._newest
            self._begun += 1
            self._newest = self._after(self._newest, self._begun)
            return self._newest

    def _after(self, before: Look | None, number: int) -> Look:
        now = time.monotonic()
        if before is None or now - before.at > OLD_SECONDS:
            return Look(number, self._warehouse.changes_since().snapshot, now, number, {})
        found = self._warehouse.changes_since(before.snapshot)
        last = {**before.last, **dict.fromkeys(found.changed, number)}
        return Look(number, found.snapshot, now, before.first, last)


class Fresh(Generic[Key, Value]):
    """At most so many values, the last used ones, each as good as its version; shared by threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock, self._reading = threading.Lock(), threading.Lock()
        self._values: OrderedDict[Key, tuple[int, Value]] = OrderedDict()

    def get(self, key: Key, version: int) -> Value | None:
        """Return a value that was read at this version or a later one; None where there is none."""
        with self._lock:
            found = self._values.get(key)
            if found is None or found[0] < version:
                return None
            self._values.move_to_end(key)
            return found[1]

    def put(self, key: Key, version: int, value: Value) -> Value:
        """Keep a value, and return it.

        :param version: of a look that ended before the value was read.
        """
        with self._lock:
            self._values[key] = (version, value)
            self._values.move_to_end(key)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return value

    def read(self, key: Key, version: int, read: Callable[[], Value]) -> Value:
        """Return a value, which is read where it has to be, by one at a time: others wait for what that one reads."""
        found = self.get(key, version)
        if found is not None:
            return found
        with self._reading:
            found = self.get(key, version)
            return self.put(key, version, read()) if found is None else found
