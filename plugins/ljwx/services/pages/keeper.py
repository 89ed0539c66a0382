"""A page that is worked out once for all who look at it, and again when what it rests on has changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, Generic, TypeGuard, TypeVar

from ljwx.exceptions import Busy

Page = TypeVar("Page")

DAY_SECONDS: Final = 86_400.0
WAIT_SECONDS: Final = 5.0


class Keeper(Generic[Page]):
    """Keeps the newest page; shared by threads.

    :param state: what the page rests on, which is quick to read; while it stays the same, the page is kept.
    :param work: works the page out.
    :param wait_seconds: how long another one who asks waits for the first page; later ones get the page before.
    """

    def __init__(
        self, state: Callable[[], object], work: Callable[[], Page], wait_seconds: float = WAIT_SECONDS
    ) -> None:
        self._state, self._work, self._wait_seconds = state, work, wait_seconds
        self._kept: tuple[object, float, Page] | None = None
        self._working = threading.Lock()

    def page(self) -> Page:
        """Return the page.

        :raises Busy: another one works the first page out, and that takes long.
        """
        state, before = self._state(), self._kept
        if _is_of(before, state):
            return before[2]
        if not self._working.acquire(timeout=self._wait_seconds if before is None else 0.0):
            if before is not None:
                return before[2]
            raise Busy("this page is being worked out for the first time; try again", "本页正在首次计算,请稍后再试")
        try:
            kept = self._kept
            if not _is_of(kept, state):
                kept = self._kept = (state, time.monotonic(), self._work())
            return kept[2]
        finally:
            self._working.release()


def _is_of(kept: tuple[object, float, Page] | None, state: object) -> TypeGuard[tuple[object, float, Page]]:
    return kept is not None and kept[0] == state and time.monotonic() - kept[1] < DAY_SECONDS
