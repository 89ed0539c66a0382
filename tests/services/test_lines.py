"""Which lines challenge: three at most, and what makes room for a fourth."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from ljwx.core.lines import line_of
from ljwx.core.models import BuildSpec
from ljwx.services.lines import to_close
from ljwx.warehouse.lines import KnownLine

NOW = datetime(2026, 11, 20, tzinfo=timezone.utc)
SPEC = BuildSpec(base="b", base_digest="a" * 64, strategy="prompt", system="x")
FIRST, SECOND, THIRD = (
    KnownLine(name, "prompt", line_of(SPEC), NOW + timedelta(at), None)
    for at, name in enumerate(("one", "two", "three"))
)


def closed(open_lines: list[KnownLine], evidence: dict[str, float], serves: str | None = None) -> list[str]:
    return [each.line_id for each in to_close(open_lines, evidence, serves)]


def test_a_third_line_closes_none() -> None:
    assert closed([], {}) == closed([FIRST, SECOND], {"one": -1.0}) == []


def test_a_fourth_line_closes_the_one_with_the_least_evidence() -> None:
    assert closed([FIRST, SECOND, THIRD], {"one": 1.0, "two": -0.5, "three": 0.2}) == ["two"]


def test_a_line_that_nobody_has_looked_at_has_little_evidence_and_of_equal_ones_the_oldest_goes() -> None:
    assert closed([FIRST, SECOND, THIRD], {"one": 1.0}) == ["two"]


def test_a_line_that_lost_a_little_outlasts_one_that_nobody_has_looked_at_and_one_that_lost_much_does_not() -> None:
    assert closed([FIRST, SECOND, THIRD], {"one": 1.0, "two": -0.1}) == ["three"]
    assert closed([FIRST, SECOND, THIRD], {"one": 1.0, "two": -1.1}) == ["two"]


def test_the_champions_line_is_never_closed() -> None:
    assert closed([FIRST, SECOND, THIRD], {"one": -3.0, "two": 1.0, "three": 2.0}, serves="one") == ["two"]
