"""Codes that the source's list lacks: renamed, gone, or missing from an answer that came short."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import polars as pl
import pytest

from ljwx.core.bars import Known, Settled, settle
from ljwx.core.bars.canonical import INSTRUMENTS, RENAMES
from ljwx.core.bars.retiring import ENDED

LISTED = date(2020, 7, 27)
LAST, AFTER = date(2025, 9, 30), date(2025, 10, 9)
OLD, NEW = "430047.BJ", "920047.BJ"


def stock(code: str, name: str, **changed: Any) -> dict[str, Any]:
    exchange = {"SZ": "SZSE", "SH": "SSE", "BJ": "BSE"}[code[-2:]]
    usual = {"ts_code": code, "name": name, "exchange": exchange, "list_status": "L", "list_date": LISTED}
    return {**usual, **changed}


MARKET = [stock(f"{at:06d}.SZ", f"股{at}", list_date=date(2000, 1, 1 + at % 28)) for at in range(1, 400)]


def frame(rows: list[dict[str, Any]], schema: Any = INSTRUMENTS) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema)


def settled(
    fetched: list[dict[str, Any]],
    known: list[dict[str, Any]],
    told: list[tuple[str, str]] | None = None,
    *,
    called: Mapping[str, Collection[str]] | None = None,
    traded: Collection[str] = (OLD,),
    unreadable: Collection[str] = (),
    silent: Collection[str] = (),
) -> Settled:
    names = {row["ts_code"]: {row["name"]} for row in fetched} | dict(called or {})
    mapping = (
        None
        if told is None
        else [{"ts_code": old, "renamed_to": new, "name": "诺思", "list_date": LISTED} for old, new in told]
    )
    before = Known(
        frame(known, {**INSTRUMENTS, **ENDED}),
        {},
        lambda codes: {code: AFTER for code in codes if code in traded},
        silent,
    )
    return settle(frame(fetched), names, None if mapping is None else frame(mapping, RENAMES), before, unreadable)


def row_of(result: Settled, code: str) -> dict[str, Any] | None:
    found = result.instruments.filter(ts_code=code)
    return found.row(0, named=True) if len(found) else None


def ended(result: Settled, code: str) -> tuple[Any, ...]:
    row = row_of(result, code)
    assert row is not None
    return row["delist_date"], row["end_reason"], row["renamed_to"]


def test_a_code_that_the_mapping_renames_ends_after_its_last_bar_and_the_new_one_goes_on() -> None:
    result = settled([*MARKET, stock(NEW, "新名")], [*MARKET, stock(OLD, "诺思")], [(OLD, NEW)])
    assert ended(result, OLD) == (AFTER, "renamed", NEW)
    assert ended(result, NEW) == (None, None, None)
    assert (result.renamed, result.gone, result.doubted) == ((OLD,), (), ())


def test_a_whole_exchange_may_be_renamed_on_one_day() -> None:
    old = [stock(f"43{at:04d}.BJ", f"京{at}") for at in range(248)]
    new = [stock(f"92{at:04d}.BJ", f"京{at}") for at in range(248)]
    told = [(before["ts_code"], after["ts_code"]) for before, after in zip(old, new, strict=True)]
    result = settled([*MARKET, *new], [*MARKET, *old], told)
    assert len(result.renamed) == 248
    assert result.doubted == ()
    assert len(settled([*MARKET, *new], [*MARKET, *old]).renamed) == 248
    others = [row | {"name": "别名"} for row in new]
    assert len(settled([*MARKET, *others], [*MARKET, *old]).doubted) == 248


def test_without_a_mapping_a_name_of_the_same_listing_day_says_what_became_of_a_code() -> None:
    known = [*MARKET, stock("000922.SZ", "深赤湾A")]
    new = stock("001872.SZ", "招商港口")
    assert ended(settled([*MARKET, new], known, called={"001872.SZ": {"招商港口", "深赤湾A"}}), "000922.SZ")[1:] == (
        "renamed", "001872.SZ",
    )  # fmt: skip
    assert ended(settled([*MARKET, stock("001872.SZ", "深赤湾A")], known), "000922.SZ")[1:] == ("renamed", "001872.SZ")
    for other in (new, stock("001872.SZ", "深赤湾A", list_date=date(2018, 12, 26)), stock("601872.SH", "深赤湾A")):
        assert ended(settled([*MARKET, other], known), "000922.SZ")[1:] == ("gone", None)


def test_two_codes_that_bear_the_name_say_nothing() -> None:
    fetched = [*MARKET, stock("001872.SZ", "深赤湾A"), stock("001873.SZ", "深赤湾A")]
    assert ended(settled(fetched, [*MARKET, stock("000922.SZ", "深赤湾A")]), "000922.SZ")[1:] == ("gone", None)


def test_a_code_that_is_gone_ends_after_its_last_bar_and_one_that_never_traded_when_it_was_listed() -> None:
    assert ended(settled(MARKET, [*MARKET, stock(OLD, "诺思")]), OLD) == (AFTER, "gone", None)
    assert ended(settled(MARKET, [*MARKET, stock(OLD, "诺思")], traded=()), OLD) == (LISTED, "gone", None)


def test_codes_that_are_known_by_their_bars_alone_were_never_listed_and_raise_no_doubt() -> None:
    seen = [stock(f"43{at:04d}.BJ", "", list_date=None, list_status=None) for at in range(50)]
    result = settled(MARKET, [*MARKET, *seen])
    assert (result.gone, result.doubted) == ((), ())
    assert result.instruments.height == len(MARKET)


def test_an_end_stays_when_the_bars_before_it_are_gone() -> None:
    for known in (stock(OLD, "诺思", delist_date=LAST, end_reason="gone"), stock(OLD, "诺", renamed_to=NEW)):
        ended_before = known | {"delist_date": LAST, "end_reason": "renamed" if known.get("renamed_to") else "gone"}
        result = settled([*MARKET, stock(NEW, "新名")], [*MARKET, ended_before], traded=())
        assert ended(result, OLD)[0] == LAST


def test_a_code_that_the_source_delisted_is_left_as_it_said() -> None:
    known = [*MARKET, stock(OLD, "诺思", list_status="D", delist_date=LAST)]
    assert row_of(settled(MARKET, known), OLD) is None


def test_an_answer_that_is_short_or_empty_ends_nothing_and_says_so() -> None:
    short = settled(MARKET[:390], MARKET)
    assert short.instruments.height == 390
    assert (short.gone, len(short.doubted)) == ((), 9)
    empty = settled([], MARKET)
    assert empty.instruments.is_empty()
    assert len(empty.doubted) == len(MARKET)
    assert len(settled(MARKET[:396], MARKET).gone) == 3


def test_codes_that_had_no_bar_of_late_are_believed_to_be_gone_however_many_they_are() -> None:
    codes = [row["ts_code"] for row in MARKET[300:]]
    every = settled(MARKET[:300], MARKET, silent=codes, traded=codes)
    assert (every.gone, every.doubted) == (tuple(codes), ())
    assert ended(every, codes[0]) == (AFTER, "gone", None)
    most = settled(MARKET[:300], MARKET, silent=codes[9:])
    assert (most.gone, most.doubted) == (tuple(codes[9:]), tuple(codes[:9]))
    assert row_of(most, codes[0]) is None
    assert len(settled(MARKET[:300], MARKET, silent=codes[3:]).gone) == 99


def test_codes_that_ended_before_stay_ended_while_an_answer_is_short() -> None:
    known = [*MARKET, stock(OLD, "诺思", delist_date=LAST, end_reason="gone")]
    result = settled(MARKET[:390], known)
    assert ended(result, OLD) == (AFTER, "gone", None)
    assert len(result.doubted) == 9


def test_a_code_whose_row_could_not_be_read_is_there() -> None:
    assert row_of(settled(MARKET, [*MARKET, stock(OLD, "诺思")], unreadable=[OLD]), OLD) is None


def test_a_code_that_is_listed_again_goes_on() -> None:
    known = [*MARKET, stock(OLD, "诺思", delist_date=AFTER, end_reason="gone")]
    assert ended(settled([*MARKET, stock(OLD, "诺思")], known), OLD) == (None, None, None)


def test_a_mapping_is_kept_while_it_cannot_be_had() -> None:
    known = [*MARKET, stock(NEW, "诺思"), stock(OLD, "诺", delist_date=AFTER, end_reason="renamed", renamed_to=NEW)]
    result = settled([*MARKET, stock(NEW, "诺思")], known)
    assert ended(result, OLD) == (AFTER, "renamed", NEW)
    assert result.renamed == ()


def test_a_mapping_that_comes_before_the_day_links_two_codes_and_ends_none() -> None:
    result = settled([*MARKET, stock(OLD, "诺思"), stock(NEW, "诺思")], [*MARKET, stock(OLD, "诺思")], [(OLD, NEW)])
    assert ended(result, OLD) == (None, None, NEW)


def test_a_mapping_to_a_code_that_is_not_listed_yet_says_nothing() -> None:
    result = settled([*MARKET, stock(OLD, "诺思")], [*MARKET, stock(OLD, "诺思")], [(OLD, NEW)])
    assert ended(result, OLD) == (None, None, None)


def test_an_old_code_that_was_never_listed_here_is_known_by_the_mapping() -> None:
    row = row_of(settled([*MARKET, stock(NEW, "诺思")], MARKET, [(OLD, NEW)], traded=()), OLD)
    assert row is not None
    assert {name: row[name] for name in ("list_date", "delist_date", "end_reason", "renamed_to", "exchange")} == {
        "list_date": LISTED, "delist_date": None, "end_reason": "renamed", "renamed_to": NEW, "exchange": "BSE",
    }  # fmt: skip


OLDER = "430048.BJ"
RENAMED_BEFORE = [
    *MARKET,
    stock(NEW, "诺思"),
    stock(OLD, "诺", delist_date=AFTER, end_reason="renamed", renamed_to=NEW),
    stock(OLDER, "诺", delist_date=AFTER, end_reason="renamed", renamed_to=NEW),
]


@pytest.mark.parametrize("fetched", [[], MARKET[:200], MARKET[:390], MARKET], ids=["empty", "half", "short", "without"])
@pytest.mark.parametrize("told", [None, [], [(OLD, NEW), (OLDER, NEW)], [(NEW, "920999.BJ")]])
def test_a_rename_stays_while_an_answer_lacks_the_newest_code(
    fetched: list[dict[str, Any]], told: list[tuple[str, str]] | None
) -> None:
    result = settled(fetched, RENAMED_BEFORE, told, traded=(OLD, OLDER, NEW))
    assert ended(result, OLD) == ended(result, OLDER) == (AFTER, "renamed", NEW)
    assert (result.renamed, result.relinked) == ((), ())


def test_a_code_that_is_new_in_a_mapping_whose_newest_code_is_missing_from_the_answer_is_renamed() -> None:
    result = settled(MARKET, [*MARKET, stock(OLD, "诺思"), stock(NEW, "诺思")], [(OLD, NEW)])
    assert ended(result, OLD) == (AFTER, "renamed", NEW)
    assert (result.renamed, result.relinked) == ((OLD,), (NEW,))


def test_a_code_between_two_renames_need_not_be_known() -> None:
    told = [(OLD, "830047.BJ"), ("830047.BJ", NEW)]
    result = settled([*MARKET, stock(NEW, "诺思")], [*MARKET, stock(OLD, "诺思")], told)
    assert ended(result, OLD) == (AFTER, "renamed", NEW)


def test_a_mapping_in_a_circle_says_nothing() -> None:
    both = [*MARKET, stock(OLD, "诺思"), stock(NEW, "新名")]
    assert ended(settled(both, both, [(OLD, NEW), (NEW, OLD)]), OLD) == (None, None, None)


def test_the_stocks_that_codes_come_to_and_leave_are_computed_anew() -> None:
    other = stock("920050.BJ", "诺思二")
    again = settled([*MARKET, stock(NEW, "诺思"), stock(OLD, "诺思")], RENAMED_BEFORE)
    assert ended(again, OLD) == (None, None, None)
    assert (again.renamed, again.relinked) == ((), (NEW,))
    corrected = settled([*MARKET, stock(NEW, "诺思"), other], RENAMED_BEFORE, [(OLD, "920050.BJ")])
    assert (corrected.renamed, corrected.relinked) == ((OLD,), (NEW, "920050.BJ"))
    onwards = settled([*MARKET, other], RENAMED_BEFORE, [(NEW, "920050.BJ")])
    assert (onwards.renamed, onwards.relinked) == ((OLD, OLDER, NEW), ("920050.BJ",))


def test_names_correct_a_stored_rename_while_both_codes_are_listed() -> None:
    other, newest = stock("920050.BJ", "诺"), stock(NEW, "诺思")
    once = [row for row in RENAMED_BEFORE if row["ts_code"] != OLDER]
    assert ended(settled([*MARKET, newest, other], once), OLD) == (AFTER, "renamed", "920050.BJ")
    assert ended(settled([*MARKET, other], once), OLD) == (AFTER, "renamed", NEW)
    assert ended(settled([*MARKET, newest, other], once, [(OLD, NEW)]), OLD) == (AFTER, "renamed", NEW)
