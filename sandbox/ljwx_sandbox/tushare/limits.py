"""Tiers: what a token may call, and how often. Limits hold per token and per interface."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

SHANGHAI = timezone(timedelta(hours=8))
MINUTE = 60.0


def shanghai_today() -> date:
    """Return today's date in Shanghai."""
    return datetime.now(SHANGHAI).date()


@dataclass(frozen=True)
class Tier:
    """What one token may do; None stands for no limit.

    :param apis: the interfaces carried; None for all.
    :param slow: interfaces with a per-minute limit of their own, lower than the tier's.
    """

    per_minute: int | None = None
    per_day: int | None = None
    apis: frozenset[str] | None = None
    slow: dict[str, int] = field(default_factory=dict)

    def carries(self, api: str) -> bool:
        """Say whether the tier carries the interface."""
        return self.apis is None or api in self.apis

    def minute_limit(self, api: str) -> int | None:
        """Return the calls a minute this tier has on the interface."""
        limits = [each for each in (self.per_minute, self.slow.get(api)) if each is not None]
        return min(limits) if limits else None


_SLOW = {"stock_basic": 50}
SANDBOX_TOKENS: dict[str, Tier] = {
    "sandbox-120": Tier(50, 8_000, frozenset({"daily"}), _SLOW),
    "sandbox-2000": Tier(200, 100_000, None, _SLOW),
    "sandbox-5000": Tier(500, None, None, _SLOW),
    "sandbox-unlimited": Tier(),
}


def read_tokens(path: Path) -> dict[str, Tier]:
    """Read tiers from JSON: ``{"token": {"per_minute": 3, "per_day": 9, "apis": ["daily"]}}``; keys may be left out."""
    tiers: dict[str, Tier] = {}
    for token, given in json.loads(path.read_text(encoding="utf-8")).items():
        unknown = set(given) - {"per_minute", "per_day", "apis"}
        if unknown:
            raise ValueError(
                f"{path}: unknown key {sorted(unknown)[0]!r} in a tier; known are per_minute, per_day, apis"
            )
        apis = given.get("apis")
        tiers[token] = Tier(
            given.get("per_minute"), given.get("per_day"), frozenset(apis) if apis is not None else None
        )
    return tiers


class RateBook:
    """Counts calls: a sliding window of 60 seconds and the Shanghai day. A refused call is not counted.

    TuShare does not say whether its minute is fixed or sliding; sliding is the stricter reading.

    :param minute: seconds that stand for a minute.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], date] = shanghai_today,
        minute: float = MINUTE,
    ) -> None:
        self._clock = clock
        self._length = minute
        self._today = today
        self._lock = threading.Lock()
        self._minute: dict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._day: dict[tuple[str, str, date], int] = defaultdict(int)

    def take(self, token: str, api: str, tier: Tier) -> str | None:
        """Count one call, or return the limit it would break, as TuShare writes it: ``500次/分钟``, ``8000次/天``."""
        key, today = (token, api), self._today()
        with self._lock:
            window, now = self._minute[key], self._clock()
            while window and now - window[0] >= self._length:
                window.popleft()
            if tier.per_day is not None and self._day[token, api, today] >= tier.per_day:
                return f"{tier.per_day}次/天"
            limit = tier.minute_limit(api)
            if limit is not None and len(window) >= limit:
                return f"{limit}次/分钟"
            if limit is not None:
                window.append(now)
            if tier.per_day is not None:
                self._day[token, api, today] += 1
        return None
