"""Turns at the model server: so many at a time, a short queue, and a clear refusal to those who would wait too long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ljwx.exceptions import Busy

IN_LINE: Final = 4
"""Who may wait for each turn: those in line hold threads that stored answers need too."""


class Turns:
    """Lets so many at a time; shared by threads.

    :param queue_seconds: for which one waits at most.
    """

    def __init__(self, at_a_time: int, queue_seconds: float) -> None:
        self._turns, self._queue_seconds = threading.BoundedSemaphore(at_a_time), queue_seconds
        self._line = threading.BoundedSemaphore(at_a_time * (1 + IN_LINE))

    @contextmanager
    def take(self) -> Iterator[None]:
        """Take a turn, and give it back.

        :raises Busy: the line is long, or the turn did not come in time.
        """
        if not self._line.acquire(blocking=False):
            raise Busy("as many analyses are being asked for as may be at a time; try again in a minute")
        try:
            if not self._turns.acquire(timeout=self._queue_seconds):
                raise Busy("as many analyses are being asked for as may be at a time; try again in a minute")
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._line.release()
