"""Repeats within a budget that only trouble uses up."""

from __future__ import annotations

import pytest

from ljwx.exceptions import BadQuery, MalformedAnswer, SourceUnavailable
from ljwx.sources.transport import Retries


def failing(times: int, error: Exception) -> list[Exception | str]:
    return [*[error] * times, "answer"]


class Script:
    """Raises or returns what stands in a list, one a call."""

    def __init__(self, *steps: Exception | str) -> None:
        self._steps = list(steps)

    def __call__(self) -> str:
        step = self._steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step


@pytest.mark.parametrize("error", [SourceUnavailable("no answer"), MalformedAnswer("not JSON")])
def test_what_may_heal_is_repeated_after_growing_delays(error: Exception) -> None:
    delays: list[float] = []
    assert Retries(60.0, delays.append).call(Script(*failing(6, error))) == "answer"
    bounds = [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]
    assert all(bound / 2 <= delay <= bound for delay, bound in zip(delays, bounds, strict=True))


def test_the_budget_is_of_all_requests_together() -> None:
    delays: list[float] = []
    retries = Retries(1.0, delays.append)
    assert retries.call(Script(*failing(1, SourceUnavailable("x")))) == "answer"
    with pytest.raises(SourceUnavailable):
        retries.call(Script(*failing(9, SourceUnavailable("x"))))
    assert sum(delays) <= 1.0


def test_what_waiting_cannot_heal_is_raised_at_once() -> None:
    delays: list[float] = []
    with pytest.raises(BadQuery):
        Retries(60.0, delays.append).call(Script(BadQuery("wrong")))
    assert delays == []


def test_each_attempt_is_allowed_first() -> None:
    allowed: list[str] = []
    script = Script(*failing(2, SourceUnavailable("x")))
    Retries(60.0, lambda _: None).call(script, before=lambda: allowed.append("asked"))
    assert len(allowed) == 3
