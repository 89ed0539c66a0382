"""Tiers: what a token may call, and how often. Limits hold per token and per interface."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

SHANGHAI = timezone(timedelta(hours=8))
MINUTE = 60.0


def shanghai_today() -> date:
    """Return today's date in Shanghai."""
    return datetime.now(SHANGHAI).date()


@dataclass(frozen=True)
class Rare:
    """The limit of an interface that a tier answers, but seldom; None stands for no limit."""

    per_hour: int | None = None
    per_day: int | None = None


@dataclass(frozen=True)
class Tier:
    """What one token may do; None stands for no limit.

    :param apis: the interfaces carried; None for all but those in `lacks`.
    :param slow: interfaces with a per-minute limit of their own, lower than the tier's.
    :param rare: interfaces that are answered a few times an hour or a day.
    """

    per_minute: int | None = None
    per_day: int | None = None
    apis: frozenset[str] | None = None
    slow: dict[str, int] = field(default_factory=dict)
    rare: dict[str, Rare] = field(default_factory=dict)
    lacks: frozenset[str] = frozenset()

    def carries(self, api: str) -> bool:
        """Say whether the tier carries the interface."""
        return api not in self.lacks and (self.apis is None or api in self.apis)

    def minute_limit(self, api: str) -> int | None:
        """Return the calls a minute this tier has on the interface."""
        limits = [each for each in (self.per_minute, self.slow.get(api)) if each is not None]
        return min(limits) if limits else None

    def day_limit(self, api: str) -> int | None:
        """Return the calls a day this tier has on the interface."""
        limits = [each for each in (self.per_day, self.rare.get(api, Rare()).per_day) if each is not None]
        return min(limits) if limits else None


_SLOW = {"stock_basic": 50}
_WHOLE_QUARTERS = frozenset({"fina_indicator_vip", "express_vip", "forecast_vip"})
"""Interfaces from 5,000 points on; smaller tiers ask for a company each."""
_RARE = {"stock_basic": Rare(1, 5), "trade_cal": Rare(1, 5)}
SANDBOX_TOKENS: dict[str, Tier] = {
    "sandbox-120": Tier(50, 8_000, frozenset({"daily"}), _SLOW),
    "sandbox-rare": Tier(50, 8_000, frozenset({"daily", *_RARE}), _SLOW, _RARE),
    "sandbox-2000": Tier(200, 100_000, None, _SLOW, lacks=_WHOLE_QUARTERS),
    "sandbox-5000": Tier(500, None, None, _SLOW),
    "sandbox-unlimited": Tier(),
}


_KEYS = ("per_minute", "per_day", "apis", "rare")


def read_tokens(path: Path) -> dict[str, Tier]:
    """Read tiers from JSON: ``{"token": {"per_minute": 3, "per_day": 9, "apis": ["daily"]}}``; keys may be left out.

    ``"rare": {"stock_basic": {"per_hour": 1, "per_day": 5}}`` names interfaces that answer seldom.
    """
    tiers: dict[str, Tier] = {}
    for token, given in json.loads(path.read_text(encoding="utf-8")).items():
        _require_known(path, "a tier", given, _KEYS)
        for limits in given.get("rare", {}).values():
            _require_known(path, "a rare interface", limits, ("per_hour", "per_day"))
        apis = given.get("apis")
        tiers[token] = Tier(
            given.get("per_minute"),
            given.get("per_day"),
            frozenset(apis) if apis is not None else None,
            rare={api: Rare(**limits) for api, limits in given.get("rare", {}).items()},
        )
    return tiers


def _require_known(path: Path, where: str, given: Iterable[str], known: Sequence[str]) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ValueError(f"{path}: unknown key {unknown[0]!r} in {where}; known are {', '.join(known)}")


class RateBook:
    """Counts calls: sliding windows of a minute and an hour, and the Shanghai day. A refused call is not counted.

    TuShare does not say whether its minute is fixed or sliding; sliding is the stricter reading.

    :param minute: seconds that stand for a minute; sixty of them stand for an hour.
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
        self._times: dict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._day: dict[tuple[str, str, date], int] = defaultdict(int)

    def take(self, token: str, api: str, tier: Tier) -> str | None:
        """Count one call, or return the limit it would break, as TuShare writes it: ``500次/分钟``, ``1次/小时``."""
        today, per_day = self._today(), tier.day_limit(api)
        with self._lock:
            times, now = self._times[token, api], self._clock()
            while times and now - times[0] >= 60 * self._length:
                times.popleft()
            if per_day is not None and self._day[token, api, today] >= per_day:
                return f"{per_day}次/天"
            for limit, unit, seconds in self._windows(tier, api):
                if len(times) >= limit and now - times[-limit] < seconds:
                    return f"{limit}次/{unit}"
            times.append(now)
            self._day[token, api, today] += 1
        return None

    def _windows(self, tier: Tier, api: str) -> list[tuple[int, str, float]]:
        """Return a tier's limits on an interface, each with its unit and its seconds."""
        hour, minute = tier.rare.get(api, Rare()).per_hour, tier.minute_limit(api)
        windows = [(hour, "小时", 60 * self._length), (minute, "分钟", self._length)]
        return [(limit, unit, seconds) for limit, unit, seconds in windows if limit is not None]
