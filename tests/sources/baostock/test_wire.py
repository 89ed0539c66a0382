"""BaoStock's wire: a recorded answer, and answers that cannot be believed."""

from __future__ import annotations

import json
import zlib

import pytest

from ljwx.exceptions import (
    BadQuery,
    BadToken,
    MalformedAnswer,
    NoPermission,
    RateLimited,
    SourceError,
    SourceUnavailable,
)
from ljwx.sources.baostock import wire

END = b"<![CDATA[]]>\n"
RECORDED = b"00.9.00\x0101\x0100000000430\x01success\x01login\x01anonymous\x0120260422163759563\x014202758179" + END
"""What the real server answered to a login of 2026-04-22, as a public recording has it."""


def plain(kind: str, body: str, length: int | None = None) -> bytes:
    sent = f"00.9.00\x01{kind}\x01{len(body) if length is None else length:010d}{body}".encode()
    return sent + f"\x01{zlib.crc32(sent)}".encode() + END


def packed(body: str, cut: int = 0) -> bytes:
    data = zlib.compress(body.encode())
    sent = f"00.9.00\x0199\x01{len(data) - cut:010d}".encode() + data[: len(data) - cut]
    return sent + f"\x01{zlib.crc32(sent)}".encode() + END


def test_a_request_is_what_the_package_sends() -> None:
    assert wire.message("00", "login", "anonymous", "123456", "0") == (
        b"00.9.40\x0100\x010000000024login\x01anonymous\x01123456\x010\x01"
        + b"%d\n" % zlib.crc32(b"00.9.40\x0100\x010000000024login\x01anonymous\x01123456\x010")
    )


def test_a_recorded_answer_is_read() -> None:
    assert wire.is_whole("login", RECORDED)
    assert wire.read_parts("login", RECORDED, "01") == ["0", "success", "login", "anonymous", "20260422163759563"]


def test_a_length_in_characters_and_one_in_bytes_are_both_known() -> None:
    body = "0\x01成功\x01query_stock_industry\x01anonymous"
    for length in (len(body), len(body.encode())):
        assert wire.read_parts("x", plain("60", body, length), "60")[1] == "成功"


def test_a_packed_body_may_hold_the_end_mark() -> None:
    body = "0\x01success\x01query_daily_history_k_AStock\x01anonymous"
    answer = packed(body)
    cut = answer[: 21 + 4] + END
    assert not wire.is_whole("x", cut), "its length says that more follows"
    assert wire.read_parts("x", answer, "99")[3] == "anonymous"


BAD = {
    "another program": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not begin with a head"),
    "wrong checksum": (RECORDED.replace(b"success", b"succesS"), "checksum is wrong"),
    "no checksum": (RECORDED[: 21 + 43] + END, "checksum is wrong"),
    "cut short": (plain("01", "0\x01success\x01login", 43), "cut short: 15 of 43 bytes"),
    "packed and cut short": (packed("0\x01success" + "x" * 4000, cut=9), "cut short"),
    "not packed": (b"00.9.00\x0199\x010000000010" + b"0\x01success\x01" + b"\x011" + END, "cannot be unpacked"),
    "another answer": (plain("34", "0\x01success\x01query_trade_dates"), "of type 34 where 01"),
    "no verdict": (plain("01", "ok"), "neither 0 nor why"),
}


@pytest.mark.parametrize("case", BAD)
def test_an_answer_that_cannot_be_believed_is_one_error(case: str) -> None:
    answer, message = BAD[case]
    with pytest.raises(MalformedAnswer, match=f"^login: .*{message}"):
        read(answer, "99" if "packed" in case else "01")


def read(answer: bytes, kind: str) -> list[str]:
    return wire.read_parts("login", answer, kind) if wire.is_whole("login", answer) else []


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("10001001", wire.LoginLost),
        ("10001002", BadToken),
        ("10001004", NoPermission),
        ("10001005", RateLimited),
        ("10001006", NoPermission),
        ("10001011", NoPermission),
        ("10001012", BadToken),
        ("10002007", SourceUnavailable),
        ("10004001", SourceUnavailable),
        ("10004010", BadQuery),
        ("10004020", BadQuery),
        ("10005001", SourceUnavailable),
        ("19999999", SourceUnavailable),
    ],
)
def test_error_codes_say_what_to_do(code: str, error: type[SourceError]) -> None:
    with pytest.raises(error, match=rf"^login: the server says '不行' \(code {code}\)") as raised:
        wire.read_parts("login", plain("04", f"{code}\x01不行"), "01")
    assert type(raised.value) is error


def table(fields: str, rows: str) -> list[str]:
    return ["0", "success", "query_trade_dates", "anonymous", "1", "2000", rows, "2026-03-02", "2026-03-03", fields]


def test_columns_are_taken_by_name_and_empty_values_are_none() -> None:
    read = wire.read_table(
        wire.TRADE_DATES, table("more, is_trading_day ,calendar_date", '{"record":[["x","","2026-03-02"]]}')
    )
    assert (read.fields, read.rows) == (("calendar_date", "is_trading_day"), [["2026-03-02", None]])
    assert wire.read_table(wire.TRADE_DATES, table("", "")).rows == []


def test_a_day_without_the_ratios_still_has_its_bars() -> None:
    given = {name: f"{at}" for at, name in enumerate(wire.DAILY.taken)}
    for left_out, told in ((), ["12", "13", "14", "15"]), (("pbMRQ",), [None] * 4):
        names = [name for name in given if name not in left_out]
        rows = json.dumps({"record": [[given[name] for name in names]]})
        read = wire.read_table(wire.DAILY, ["0", "", wire.DAILY.name, "", rows, ",".join(names)])
        assert read.rows == [[*(f"{at}" for at in range(12)), *told]]
        assert read.fields == wire.DAILY.taken


@pytest.mark.parametrize(
    ("fields", "rows", "message"),
    [
        ("calendar_date", '{"record":[["2026-03-02"]]}', "column is_trading_day is not there once"),
        ("calendar_date,calendar_date,is_trading_day", '{"record":[]}', "column calendar_date is not there once"),
        ("calendar_date,is_trading_day", '{"record":[["2026-03-02"]]}', "row 0 has not 2 values"),
        ("calendar_date,is_trading_day", '{"record":["2026-03-02"]}', "row 0 has not 2 values"),
        ("calendar_date,is_trading_day", '{"record":[', "not JSON"),
        ("calendar_date,is_trading_day", "[]", "not JSON with a list"),
        ("calendar_date,is_trading_day", '{"record":[' + ",".join(['["a","b"]'] * 2001) + "]}", "page of 2001 rows"),
    ],
)
def test_a_table_that_is_none_is_one_error(fields: str, rows: str, message: str) -> None:
    with pytest.raises(MalformedAnswer, match=f"^query_trade_dates: .*{message}"):
        wire.read_table(wire.TRADE_DATES, table(fields, rows))


def test_an_answer_to_another_query_is_refused() -> None:
    with pytest.raises(MalformedAnswer, match="to another query"):
        wire.read_table(wire.STOCK_BASIC, table("code", '{"record":[]}'))
