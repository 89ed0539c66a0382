"""A file of the forward record: every edit of it is found, and what it cannot show is said."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import polars as pl
import pytest

from ljwx.core.forward.chain import Answer, Batch, digest_of, header_of
from ljwx.core.forward.exported import EXPORT, exported, verify
from ljwx.core.sessions import Calendar
from ljwx.exceptions import ConfigurationError

DAYS = [date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 5)]
CALENDAR = Calendar((*DAYS[:2], date(2026, 3, 4), *DAYS[2:], date(2026, 3, 6)), date(2026, 3, 8))
NO_SEAL = (
    "when each session was sealed: sealed_at is no part of a digest. The day of the message with its digest shows it"
)


def moment(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=timezone.utc)


def answers_of(day: date) -> list[Answer]:
    said = Answer(
        day, "000001.SZ", "price_direction", "base", "d" * 64, None, "s" * 64, ("up", "down"),
        {"up": 0.75, "down": 0.25}, '{"direction":"up"}\n"涨",', None, moment(day, 11), False,
    )  # fmt: skip
    rule = replace(said, answerer="class_rates", digest=None, answer=None)
    silent = replace(said, ts_code="600000.SH", probabilities=None, answer=None, reason="no_class")
    return [said, rule, silent]


def record() -> tuple[pl.DataFrame, list[str]]:
    """Three sealed sessions as rows, and their digests."""
    parts: list[pl.DataFrame] = []
    digests: list[str] = []
    for day in DAYS:
        opened = Batch(day, moment(day + timedelta(days=1), 1), "ds", {"horizon": 5}, {"low": 0.2}, moment(day, 10))
        previous, answers = (digests[-1] if digests else None), answers_of(day)
        digests.append(digest_of(header_of(opened, previous), (each.texts for each in answers)))
        sealed = replace(opened, sealed_at=moment(day, 12), answers=3, digest=digests[-1], previous=previous)
        parts.append(exported(sealed, answers))
    return pl.concat(parts), digests


ROWS, DIGESTS = record()


def of(day: date, rows: pl.DataFrame = ROWS) -> pl.DataFrame:
    return rows.filter(session=day.isoformat())


def without(*numbers: int) -> pl.DataFrame:
    return ROWS.with_row_index("n").filter(~pl.col("n").is_in(list(numbers))).drop("n")


def edited(number: int, **changed: str) -> pl.DataFrame:
    at = pl.int_range(pl.len()) == number
    return ROWS.with_columns(
        pl.when(at).then(pl.lit(value)).otherwise(name).alias(name) for name, value in changed.items()
    )


def resealed(day: date) -> pl.DataFrame:
    """A session whose answers were edited, by somebody who made its digest anew."""
    part = of(day, edited(3, probabilities='{"down":0,"up":1}'))
    header = [part.item(0, name) for name in ("session", "deadline", "opened_at", "labels", "previous")]
    lines = [header, *part.select(EXPORT[8:]).rows()]
    text = "\n".join(json.dumps(list(line), ensure_ascii=False, separators=(",", ":")) for line in lines)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return pl.concat([of(DAYS[0]), part.with_columns(batch=pl.lit(digest)), of(DAYS[2])])


def test_a_file_as_it_was_sealed_is_found_whole_and_its_gaps_are_told() -> None:
    found = verify(ROWS, DIGESTS[-1], CALENDAR)
    assert (found.problems, found.unproven, found.noted) == ((), (NO_SEAL,), DAYS[-1])
    assert (found.sessions, found.answers, found.late, found.gaps) == (3, 9, 0, (date(2026, 3, 4),))
    assert (found.first, found.last, found.head) == (DAYS[0], DAYS[-1], DIGESTS[-1])


@pytest.mark.parametrize("column", [name for name in EXPORT if name not in ("batch_answers", "sealed_at")])
@pytest.mark.parametrize("number", [0, 4, 8])
def test_an_edit_of_any_column_is_found(column: str, number: int) -> None:
    """What classes mean stands in the first row of a session; a text in another one is an edit too."""
    assert verify(edited(number, **{column: "2026-03-09" if column == "session" else "x"}), None, CALENDAR).problems


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda: edited(3, probabilities='{"down":0.2,"up":0.8}'), "is not what was sealed"),
        (lambda: without(4), "2 answers are there, and 3 were sealed"),
        (lambda: pl.concat([of(DAYS[0]), of(DAYS[0])[1:2], of(DAYS[1]), of(DAYS[2])]), "4 answers are there"),
        (lambda: ROWS[[1, 0, *range(2, 9)]].with_columns(labels=ROWS["labels"]), "in another order"),
        (lambda: pl.concat([of(DAYS[0]), of(DAYS[2])]), "a session between them was removed"),
        (lambda: pl.concat([of(DAYS[1]), of(DAYS[2])]), "the beginning was removed"),
        (lambda: pl.concat([of(DAYS[0]), of(DAYS[2]), of(DAYS[1])]), "2026-03-03: it stands after 2026-03-05"),
        (lambda: pl.concat([of(DAYS[0]), of(DAYS[0]), of(DAYS[1])]), "4 answers|say different things|6 answers"),
        (lambda: resealed(DAYS[1]), "2026-03-05: it does not follow 2026-03-03"),
        (lambda: edited(4, late="true"), "not as late as their times say"),
    ],
    ids=["edit", "delete", "add", "reorder", "session", "beginning", "moved", "twice", "resealed", "late"],
)
def test_each_kind_of_edit_is_found_and_named(change: Callable[[], pl.DataFrame], said: str) -> None:
    problems = verify(change(), None, CALENDAR).problems
    assert [text for text in problems if re.search(said, text)], problems


def test_a_chain_that_was_made_anew_or_cut_is_found_by_a_digest_that_was_noted() -> None:
    cut = pl.concat([of(DAYS[0]), of(DAYS[1])])
    assert verify(cut, None, CALENDAR).problems == ()
    (problem,) = verify(cut, DIGESTS[2], CALENDAR).problems
    assert "it was removed, or all was made anew" in problem


def test_what_a_file_cannot_show_is_said() -> None:
    no_head, _ = verify(ROWS, None, CALENDAR).unproven
    assert "could have made the whole chain later" in no_head
    after, _ = verify(ROWS, DIGESTS[1], CALENDAR).unproven
    assert "sessions after 2026-03-03" in after
    _, more = verify(ROWS.with_columns(outcome=pl.lit("up")), DIGESTS[2], CALENDAR).unproven
    assert "the columns outcome" in more
    late = edited(0, sealed_at="2026-03-03T08:00:00.000000Z").with_columns(pl.col("sealed_at").first().over("session"))
    assert any("sealed after the deadline" in text for text in verify(late, DIGESTS[2], CALENDAR).unproven)
    back = ROWS.with_columns(sealed_at=pl.col("session") + "T10:30:00.000000Z")  # half an hour before the answers
    assert any("a clock that went back" in text for text in verify(back, DIGESTS[2], CALENDAR).unproven)


def test_a_seal_that_was_dated_back_shows_nothing_of_when() -> None:
    """No digest covers when a batch was sealed: 16 days late, and written into the file as in time."""
    late = ROWS.with_columns(sealed_at=pl.lit("2026-03-19T08:00:00.000000Z"))
    back = late.with_columns(sealed_at=pl.col("session") + "T12:30:00.000000Z")
    for rows in (late, back):
        assert NO_SEAL in verify(rows, DIGESTS[2], CALENDAR).unproven


@pytest.mark.parametrize(("hour", "minute", "told"), [(0, 15, False), (1, 15, False), (1, 16, True)])
def test_a_deadline_after_the_next_session_opens_is_a_problem(hour: int, minute: int, told: bool) -> None:
    """A Monday, whose next session opens at 01:15 UTC of Tuesday."""
    deadline = moment(DAYS[1], hour).replace(minute=minute)
    opened = Batch(DAYS[0], deadline, "ds", {"horizon": 5}, {"low": 0.2}, moment(DAYS[0], 10))
    answers = answers_of(DAYS[0])
    digest = digest_of(header_of(opened, None), (each.texts for each in answers))
    rows = exported(replace(opened, sealed_at=moment(DAYS[0], 12), answers=3, digest=digest), answers)
    problems = verify(rows, digest, CALENDAR).problems
    assert problems == (
        ("2026-03-02: its deadline is later than 2026-03-03T01:15:00.000000Z, when the next session opened",)
        if told
        else ()
    )


def test_what_is_no_record_or_no_digest_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no column late"):
        verify(ROWS.drop("late"), None, CALENDAR)
    with pytest.raises(ConfigurationError, match="64 hex digits"):
        verify(ROWS, "abc", CALENDAR)
    assert verify(ROWS.clear(), None, CALENDAR).sessions == 0
