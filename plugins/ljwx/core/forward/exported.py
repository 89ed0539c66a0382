"""The record as a file for strangers, and what can be shown of such a file without anything else.

Pure: no airflow, no I/O, no clock. A row is an answer; the columns of its batch stand in every row, but what classes
mean, which is long, in the batch's first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Final

import polars as pl

from ljwx.core.forward.chain import COLUMNS, HEADER, SORTED_BY, Answer, Batch, Texts, digest_of, header_of, instant
from ljwx.core.forward.timing import OPENS, SHANGHAI
from ljwx.core.sessions import Calendar
from ljwx.exceptions import ConfigurationError

BATCH: Final = ("session", "deadline", "opened_at", "labels", "previous", "batch", "batch_answers", "sealed_at")
"""Columns of a batch in a file; `batch` is its digest. The last two are no part of it."""
EXPORT: Final = (*BATCH, *COLUMNS)
OUTCOME: Final = ("label", "excess", "no_outcome", "label_end", "revision")
"""Columns of what came true afterwards, as it is known when the file is written; no part of the chain."""
NO_HEAD: Final = (
    "that the answers were there before the outcome: whoever owns the database could have made the whole chain later. "
    "Give --head with a digest that you noted before"
)
NO_SEAL: Final = (
    "when each session was sealed: sealed_at is no part of a digest. The day of the message with its digest shows it"
)


@dataclass(frozen=True)
class Verified:
    """What was found of a file.

    :param head: the digest of the last batch; None of an empty file.
    :param noted: the session whose digest was noted elsewhere; None where none was given, or none has it.
    :param gaps: sessions between the first and the last without a batch.
    :param late: answers that were written after their deadline, and count nowhere.
    :param problems: each thing that is not as it was sealed.
    :param unproven: what the file cannot show.
    """

    sessions: int
    answers: int
    first: date | None
    last: date | None
    head: str | None
    noted: date | None
    gaps: tuple[date, ...]
    late: int
    problems: tuple[str, ...]
    unproven: tuple[str, ...]


def exported(batch: Batch, answers: Sequence[Answer]) -> pl.DataFrame:
    """Return a sealed batch as rows of a file, all of them texts: EXPORT."""
    header = dict(zip(HEADER, header_of(batch, batch.previous), strict=True))
    sealed_at = instant(batch.sealed_at) if batch.sealed_at else ""
    repeated = header | {"batch": batch.digest or "", "batch_answers": str(batch.answers), "sealed_at": sealed_at}
    columns = {name: [repeated[name]] * len(answers) for name in BATCH}
    columns["labels"] = [header["labels"], *[""] * (len(answers) - 1)]
    texts = zip(*(answer.texts for answer in answers), strict=True)
    columns |= dict(zip(COLUMNS, map(list, texts), strict=True))
    return pl.DataFrame(columns, schema=dict.fromkeys(EXPORT, pl.String))


def beside_outcomes(rows: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of a batch with what came true of each question, as texts: OUTCOME; empty while it is open.

    :param outcomes: a question a row: ts_code, task, label, excess, reason, label_end and revision.
    """
    named = outcomes.rename({"reason": "no_outcome"}).select("ts_code", "task", *OUTCOME)
    texts = named.with_columns(pl.col(OUTCOME).cast(pl.String))
    found = rows.join(texts, on=("ts_code", "task"), how="left", maintain_order="left")
    return found.with_columns(pl.col(OUTCOME).fill_null(""))


def verify(rows: pl.DataFrame, head: str | None, calendar: Calendar) -> Verified:
    """Look whether the rows of a file are those that were sealed, and what that shows.

    :param rows: texts; what is not there is empty.
    :param head: a digest that was noted when a session was sealed.
    :param calendar: of the exchange: the sessions that are gaps, and when the next one opened.
    :raises ConfigurationError: the file is no export of the record, or `head` no digest.
    """
    lacks = [name for name in EXPORT if name not in rows.columns]
    if lacks:
        raise ConfigurationError(f"this is no export of the record: it has no column {', '.join(lacks)}")
    if head is not None and not re.fullmatch("[0-9a-f]{64}", head):
        raise ConfigurationError("--head takes a digest: 64 hex digits, as the message of a sealed session says it")
    parts = list(_batches(rows))
    digests = {part.item(0, "batch"): part.item(0, "session") for part in parts}
    problems = [problem for part in parts for problem in (*_problems(part), *_deadline_problems(part, calendar))]
    problems += _order_problems(parts)
    if head is not None and head not in digests:
        problems.append(f"no session has the digest {head}: it was removed, or all was made anew since it was noted")
    days = [day for text in digests.values() if (day := _day(text)) is not None]
    within = [day for day in calendar.sessions if days and days[0] <= day <= days[-1]]
    return Verified(
        sessions=len(parts),
        answers=len(rows),
        first=min(days, default=None),
        last=max(days, default=None),
        head=parts[-1].item(0, "batch") if parts else None,
        noted=_day(digests.get(head, "")) if head else None,
        gaps=tuple(day for day in within if day not in set(days)),
        late=len(rows.filter(pl.col("late") == "true")),
        problems=tuple(problems),
        unproven=tuple(_unproven(rows, parts, digests.get(head) if head else None, head)),
    )


def _batches(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Rows of one session that follow each other."""
    if len(rows):
        yield from rows.with_columns(_run=pl.col("session").rle_id()).partition_by("_run", include_key=False)


def _problems(part: pl.DataFrame) -> Iterator[str]:
    """What is wrong with the rows of a session by themselves."""
    session, first = part.item(0, "session"), part.row(0, named=True)
    repeated = [name for name in BATCH if name != "labels" and part[name].n_unique() > 1]
    if repeated or part["labels"].slice(1).ne("").any():
        yield f"{session}: its rows say different things of their batch: {', '.join(repeated) or 'labels'}"
        return
    header = [str(first[name]) for name in HEADER]
    answers = part.select(COLUMNS)
    if digest_of(header, answers.iter_rows()) != first["batch"]:
        yield f"{session}: {_what_changed(part, header)}"
    wrong = part.filter((pl.col("answered_at") >= pl.col("deadline")) != (pl.col("late") == "true"))
    if len(wrong):
        yield f"{session}: {len(wrong)} answers are not as late as their times say"


def _deadline_problems(part: pl.DataFrame, calendar: Calendar) -> Iterator[str]:
    """Say where a deadline is later than the opening of the next session, when outcomes begin to show.

    An earlier one is none: past the end of its calendar the record takes a weekday for the next session.
    """
    session = _day(part.item(0, "session"))
    if session is None:
        return
    opening = instant(datetime.combine(calendar.after(session), OPENS, SHANGHAI))
    if part.item(0, "deadline") > opening:
        yield f"{session}: its deadline is later than {opening}, when the next session opened"


def _what_changed(part: pl.DataFrame, header: Texts) -> str:
    """Say as much as can be said of rows that do not give the digest of their batch."""
    ordered = part.select(COLUMNS).sort(SORTED_BY)
    sealed, there = part.item(0, "batch_answers"), str(len(part))
    if digest_of(header, ordered.iter_rows()) == part.item(0, "batch"):
        return "its rows are in another order than they were sealed in"
    if sealed != there:
        return f"{there} answers are there, and {sealed} were sealed"
    return "an answer, or what its batch says, is not what was sealed"


def _order_problems(parts: Sequence[pl.DataFrame]) -> Iterator[str]:
    """What is wrong with the chain: sessions that were removed, added, or moved."""
    if parts and parts[0].item(0, "previous"):
        yield f"{parts[0].item(0, 'session')}: it follows a session that is not in the file: the beginning was removed"
    for before, after in pairwise(parts):
        session, earlier = after.item(0, "session"), before.item(0, "session")
        if session <= earlier:
            yield f"{session}: it stands after {earlier}"
        if after.item(0, "previous") != before.item(0, "batch"):
            yield f"{session}: it does not follow {earlier}: a session between them was removed, added or changed"


def _unproven(rows: pl.DataFrame, parts: Sequence[pl.DataFrame], noted: str | None, head: str | None) -> Iterator[str]:
    if head is None:
        yield NO_HEAD
    elif noted is not None and noted != parts[-1].item(0, "session"):
        yield f"that what was said of sessions after {noted} was there before the outcome: give a later digest"
    if parts:
        yield NO_SEAL
    late = [part.item(0, "session") for part in parts if part.item(0, "sealed_at") >= part.item(0, "deadline")]
    if late:
        yield f"when the answers about {', '.join(late)} were made: sealed after the deadline"
    after_seal = pl.col("answered_at") > pl.col("sealed_at")
    back = [part.item(0, "session") for part in parts if part.select(after_seal.any()).item()]
    if back:
        yield f"when the answers about {', '.join(back)} were made: dated after their seal, by a clock that went back"
    others = [name for name in rows.columns if name not in EXPORT]
    if others:
        yield f"the columns {', '.join(others)}: they came after the answers, and are no part of the chain"


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None
