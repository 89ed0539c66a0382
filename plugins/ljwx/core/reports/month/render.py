"""A month's page as one HTML file, and as JSON. Pure: no airflow, no I/O, no clock; the template comes as text."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, datetime, timezone
from math import isfinite
from typing import Any

from pydantic import BaseModel

from ljwx.core.forward.chain import instant
from ljwx.core.reports.month.charts import month_charts
from ljwx.core.reports.month.content import MonthPage
from ljwx.core.reports.render import embedded, environment, percent, signed


def as_html(page: MonthPage, template: str) -> str:
    """Return the page with its pictures in it; it loads nothing from elsewhere."""
    filled = environment(escape=True).from_string(template)
    pictures = embedded(month_charts(page))
    return filled.render(page=page, images=pictures, moment=_moment, percent=percent, signed=signed)


def as_json(page: MonthPage) -> str:
    """Return the page's numbers under the names of its dataclasses; moments in UTC, what is no number is null."""
    return json.dumps(_plain(asdict(page)), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def tells(document: str, known_at: datetime | None) -> bool:
    """Whether a page's JSON tells of outcomes as they were known at a moment; one that cannot be read does not."""
    try:
        read = json.loads(document)
    except ValueError:
        return False
    return isinstance(read, dict) and read.get("known_at", "") == (instant(known_at) if known_at else None)


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    return None if isinstance(value, float) and not isfinite(value) else value
