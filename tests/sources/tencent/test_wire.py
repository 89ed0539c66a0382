"""Answers of the k-line endpoint as rows, and codes as its symbols."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ljwx.exceptions import BadQuery
from ljwx.sources.tencent.wire import read_kline, to_symbol

STOCK = "000001.SZ"
GOOD = ["2026-03-03", "10.000", "10.100", "10.200", "9.900", "1000.000"]


def body(*rows: list[Any]) -> bytes:
    return json.dumps({"code": 0, "msg": "", "data": {"sz000001": {"day": list(rows)}}}).encode()


def test_elements_after_the_sixth_are_events_or_passed_over() -> None:
    event = {"FHcontent": "10派1元", "fh_sh": "1", "cqr": "2026-03-03"}
    for rest in ([event], [[event]], [event, "0.19", "42546.00", ""]):
        (row,) = read_kline(STOCK, body([*GOOD, *rest])).rows
        assert row.announced == (("10派1元", "1"),)
    for rest in ([{}], ["0"], [{}, "0.00", "42546.00", ""], [[]], [None]):
        (row,) = read_kline(STOCK, body([*GOOD, *rest])).rows
        assert row.announced == ()


def test_numbers_may_be_numbers_and_what_is_no_number_stays_as_it_came() -> None:
    (row,) = read_kline(STOCK, body(["2026-03-03", 10, "--", None, "nan", "1000.000"])).rows
    assert row.values == (10.0, "--", None, "nan", 1000.0)


@pytest.mark.parametrize("code", ["000001", "000001.sz", "000001.HK", "", "00001.SZ"])
def test_what_is_no_code_is_not_asked_for(code: str) -> None:
    with pytest.raises(BadQuery, match="is not a stock code"):
        to_symbol(code)
