"""Values that are kept for a while, so that the same question is not worked out twice."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """At most so many values, the last used ones, each for so long; shared by threads.

    :param seconds: after which a value is forgotten.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._lock = threading.Lock()
        self._values: OrderedDict[Key, tuple[float, Value]] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """Return a value; None where there is none, or it is too old."""
        with self._lock:
            found = self._values.get(key)
            if found is None or time.monotonic() - found[0] > self._seconds:
                self._values.pop(key, None)
                return None
            self._values.move_to_end(key)
            return found[1]

    def put(self, key: Key, value: Value) -> Value:
        """Keep a value, and return it."""
        with self._lock:
            self._values[key] = (time.monotonic(), value)
            self._values.move_to_end(key)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return value
