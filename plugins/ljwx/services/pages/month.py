"""The page of a month of the forward record: gathered, and written as HTML and JSON."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

import polars as pl

from ljwx import __version__
from ljwx.core.forward.earned import EarnedBy
from ljwx.core.forward.over_time import courses
from ljwx.core.reports.month.content import MonthPage, Recipe, answered_by, asked_in, sealed_in, verdicts_of
from ljwx.core.reports.month.render import as_html, as_json, tells
from ljwx.exceptions import ConfigurationError, NotFound
from ljwx.files import save_text, saved_text, write_whole
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import included
from ljwx.services.scores import BOUNDS, KnownRecord, earned_from_record, known_record, scored_record
from ljwx.warehouse.forward_outcomes import KnownMonth

FOLDER: Final = "forward/months"
"""Of the pages, below the data folder."""


@dataclass(frozen=True)
class WrittenMonth:
    """Where a page was written. ``open``: questions that wait for their outcome; `whole`: the page will stay."""

    month: str
    html: str
    json: str
    whole: bool
    open: int


def month_page(warehouse: WarehouseHook, month: str) -> MonthPage:
    """Gather the page of a month, as its outcomes are known now.

    :param month: ``2026-11``.
    :raises ConfigurationError: that is no month.
    :raises NotFound: the record has none of its sessions.
    """
    first, last = _ends(month)
    months = {each.month: each for each in warehouse.forward_months()}  # before the outcomes, not to tell of later ones
    known = known_record(warehouse, last)
    if known.days[-1] < first:
        raise NotFound(f"the forward record is known until {known.days[-1]}: there is nothing of {month} yet")
    days = [day for day in known.days if day >= first]
    batches = [each for each in known.batches if each.session >= first]
    rows = known.settled.filter(pl.col("session") >= first)
    asked, scored = asked_in(rows, batches), scored_record(known)
    of_month = months.get(month, KnownMonth(month, None, 0))
    sealed = [each.digest for each in batches if each.digest]
    return MonthPage(
        month=month,
        first=known.batches[0].session,
        last=days[-1],
        known_at=of_month.known_at,
        whole=_is_over(warehouse, last) and not any(each.open for each in asked),
        revised=of_month.revised,
        head=sealed[-1] if sealed else None,
        asked=asked,
        answerers=answered_by(rows, _recipes(warehouse, rows)),
        sessions=sealed_in(rows, batches, days),
        verdicts=verdicts_of(scored.scores),
        scores=scored.scores,
        courses=courses(known.settled, known.days),
        earned=_earned(known),
        bounds=BOUNDS,
        made_with=f"ljwx-stock {__version__}",
    )


def write_month(month: str, to: Path | None = None) -> WrittenMonth:
    """Write the page of a month, and the same numbers as JSON.

    :param to: a folder; None: that of the pages, below the data folder.
    :raises ConfigurationError: that is no month, or `to` is no folder.
    :raises NotFound: the record has none of its sessions.
    """
    if to is not None and not to.is_dir():
        raise ConfigurationError(f"{to} is no folder")
    page = month_page(WarehouseHook(), month)
    template = included("reports/month.html.j2").read_text(encoding="utf-8")
    texts = {f"{month}.html": as_html(page, template), f"{month}.json": as_json(page)}
    html, json = (_write(name, text, to) for name, text in texts.items())  # the JSON last: it says that both are there
    return WrittenMonth(month, html, json, page.whole, page.open)


def _write(name: str, text: str, to: Path | None) -> str:
    if to is None:
        return save_text(f"{FOLDER}/{name}", text)
    write_whole(to / name, text)
    return str(to / name)


def _ends(month: str) -> tuple[date, date]:
    """Return the first and the last day of a month."""
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month, re.ASCII) or month < "1900":
        raise ConfigurationError(f"{month!r} is no month; write it like 2026-11")
    year, number = map(int, month.split("-"))
    return date(year, number, 1), date(year, number, monthrange(year, number)[1])


def _is_over(warehouse: WarehouseHook, last: date) -> bool:
    complete = warehouse.complete_sessions()
    return bool(complete) and complete[-1] > last


def _recipes(warehouse: WarehouseHook, rows: pl.DataFrame) -> Mapping[tuple[str, str | None], Recipe]:
    """What is known of the models that answered, by name and digest; one that was built anew is not that one."""
    found: dict[tuple[str, str | None], Recipe] = {}
    for name in rows.filter(pl.col("digest").is_not_null())["answerer"].unique().to_list():
        model = warehouse.model(name)
        if model is not None:
            found[name, model.digest] = Recipe(model.line_id, model.strategy, model.base, model.dataset_id)
    return found


def _earned(known: KnownRecord) -> tuple[EarnedBy, ...]:
    """What the answers would have earned; nothing while no session follows the first."""
    try:
        return tuple(earned_from_record(known=known))
    except NotFound:
        return ()


def months_due(warehouse: WarehouseHook) -> list[str]:
    """Return the months whose page is to be written: over with all horizons, and not written as they are known now.

    One whose session stays open for ever, for want of a session's bars, is written all the same, and says so.
    """
    batches, complete = warehouse.forward_batches(), warehouse.complete_sessions()
    if not batches or not complete:
        return []
    known = {each.month: each.known_at for each in warehouse.forward_months()}
    due = []
    for month in _months(batches[0].session, complete[-1]):
        first, last = _ends(month)
        if not any(first <= day <= last for day in (*complete, *(each.session for each in batches))):
            continue
        reach = max((each.reach for each in batches if first <= each.session <= last), default=0)
        after = sum(day > last for day in complete)
        if after >= max(reach, 1) and not _is_written(month, known.get(month)):
            due.append(month)
    return due


def _is_written(month: str, known_at: datetime | None) -> bool:
    written = saved_text(f"{FOLDER}/{month}.json")
    return written is not None and tells(written, known_at)


def _months(first: date, last: date) -> list[str]:
    """Return the months from one day to another."""
    numbers = range(12 * first.year + first.month - 1, 12 * last.year + last.month)
    return [f"{each // 12:04d}-{each % 12 + 1:02d}" for each in numbers]
