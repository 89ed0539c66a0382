"""Reference prices from announcements; expected values are the exchanges' published ones, or worked out by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ljwx.core.bars import ExRight, parse_ex_right, reference_price, within_widest_limit


def right(cash: str, shares: str) -> ExRight:
    return ExRight(Decimal(cash), Decimal(shares))


@pytest.mark.parametrize(
    ("announced", "cash", "shares"),
    [
        ("10派2.343元", "0.2343", "0"),
        ("10送8股, 10转12股, 10派39.74元", "3.974", "2"),
        ("10派20元转15股", "2", "1.5"),
        ("10转增4.9股", "0", "0.49"),
        ("10送红股3股，10派发现金1元", "0.1", "0.3"),
        (" 10派0.04元; ", "0.004", "0"),
    ],
)
def test_an_announcement_is_read_per_ten_shares(announced: str, cash: str, shares: str) -> None:
    assert parse_ex_right(announced) == right(cash, shares)


@pytest.mark.parametrize(
    "announced",
    ["", "10配3股", "10派1元,10配3股", "10派1股", "10送1元", "派", "10派元", "10派1,5元", "100派1元", "末期息5.3港元;",
     "10派1.元", "10派-1元", "每10股派1元", "10派1元 on 2026-01-05"],
)  # fmt: skip
def test_what_is_not_understood_as_a_whole_is_not_read_at_all(announced: str) -> None:
    assert parse_ex_right(announced) is None


@pytest.mark.parametrize(
    ("cash", "believed"),
    [("2.36", True), ("2.360", True), ("", True), ("2.355", True), ("2.3", False), ("0", False), ("n/a", True)],
)
def test_the_sources_own_cash_must_agree(cash: str, believed: bool) -> None:
    assert (parse_ex_right("10派2.36元", cash) is not None) is believed


@pytest.mark.parametrize(
    ("close", "cash", "shares", "reference"),
    [
        (337.00, "3.974", "2", 111.01),  # 002594 on 2025-07-29
        (1212.10, "28.0242", "0", 1184.08),  # 600519 on 2026-06-26
        (21.83, "0.07", "0.2", 18.13),  # 300059 on 2023-04-18
        (385.90, "2.52", "0.8", 212.99),  # 300750 on 2023-04-26
        (91.10, "0.58002", "0.4", 64.66),  # 603259 on 2019-07-02
        (10.00, "0.005", "0", 10.00),  # 9.995, a half: up
        (2.69, "0.125", "0", 2.57),  # 2.565, a half again, where the even neighbour is below
        (2.68, "0.125", "0", 2.56),  # 2.555, which the nearest binary fraction is below
    ],
)
def test_the_reference_is_rounded_half_up_to_a_cent(close: float, cash: str, shares: str, reference: float) -> None:
    assert reference_price(close, [right(cash, shares)]) == reference


def test_several_ex_rights_of_a_day_are_one_and_none_leaves_the_close() -> None:
    assert reference_price(10.0, [right("0.5", "0"), right("0", "0.5")]) == 6.33  # 9.5 / 1.5
    assert reference_price(10.0) == 10.0


@pytest.mark.parametrize("close", [0.0, -1.0, float("nan"), float("inf"), 0.3])
def test_there_is_no_reference_after_what_is_no_price_or_below_the_cash(close: float) -> None:
    assert reference_price(close, [right("0.3", "0")]) is None


@pytest.mark.parametrize(
    ("code", "day", "prices", "inside"),
    [
        ("600000.SH", date(2026, 3, 3), (11.0, 9.0), True),
        ("600000.SH", date(2026, 3, 3), (11.01,), False),
        ("600000.SH", date(2026, 3, 3), (8.99,), False),
        ("300001.SZ", date(2026, 3, 3), (12.0, 8.0), True),
        ("300001.SZ", date(2020, 8, 21), (11.01,), False),
        ("688001.SH", date(2026, 3, 3), (12.0,), True),
        ("688001.SH", date(2026, 3, 3), (12.01,), False),
        ("920001.BJ", date(2026, 3, 3), (13.0, 7.0, None, "--"), True),
        ("920001.BJ", date(2026, 3, 3), (6.99,), False),
    ],
)
def test_the_widest_band_of_a_board_on_a_day(code: str, day: date, prices: tuple[object, ...], inside: bool) -> None:
    assert within_widest_limit(code, day, 10.0, prices) is inside
