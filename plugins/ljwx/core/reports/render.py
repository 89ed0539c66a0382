"""A report as one HTML file and as Markdown. Pure: no airflow, no I/O, no clock; the templates come as text."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from ljwx.core.reports.charts import charts
from ljwx.core.reports.content import Report

if TYPE_CHECKING:
    from jinja2 import Environment


LONGEST_ANSWER = 1500
NOTHING = "–"


@dataclass(frozen=True)
class Rendered:
    """The files of a report: the HTML holds its pictures, the Markdown names them as ``<name>.svg`` beside it."""

    html: str
    markdown: str
    charts: Mapping[str, str]


def render(report: Report, html: str, markdown: str) -> Rendered:
    """Fill both templates.

    :param html: the template; what a model wrote is escaped.
    :param markdown: the template; what a model wrote stands in indented blocks.
    """

    drawn = charts(report)
    return Rendered(
        html=environment(escape=True).from_string(html).render(report=report, images=embedded(drawn)),
        markdown=environment(escape=False).from_string(markdown).render(report=report, charts=list(drawn)),
        charts=drawn,
    )


def embedded(charts: Mapping[str, str]) -> dict[str, str]:
    """Return pictures as addresses that hold them, so that a page loads nothing from elsewhere."""
    return {name: "data:image/svg+xml;base64," + b64encode(svg.encode()).decode() for name, svg in charts.items()}


@cache
def environment(escape: bool) -> Environment:
    """Return what fills a template, with the filters that say numbers."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=escape,  # noqa: S701 - Markdown is not HTML; the HTML is escaped
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "percent": percent, "percent2": percent2, "points": points, "number": number, "signed": signed,
        "figure": figure, "seconds": seconds, "cut": cut, "cell": cell,
    }  # fmt: skip
    return environment


def percent(value: float | None) -> str:
    """Return a share as per cent; a dash for None."""
    return NOTHING if value is None else f"{100 * value:.1f} %"


def percent2(value: float) -> str:
    """Return a small share as per cent with two digits after the point."""
    return f"{100 * value:.2f} %"


def points(value: float | None) -> str:
    """Return a difference of shares in percentage points, with its sign; a dash for None."""
    return NOTHING if value is None else f"{100 * value:+.1f}"


def number(value: float | None) -> str:
    """Return a number with three digits after the point; a dash for None."""
    return NOTHING if value is None else f"{value:.3f}"


def signed(value: float | None) -> str:
    """Return a difference with its sign and three digits after the point; a dash for None."""
    return NOTHING if value is None else f"{value:+.3f}"


def figure(value: float) -> str:
    """Return a count as it is, and any other number with four significant digits."""
    return str(value) if isinstance(value, int) else f"{value:.4g}"


def seconds(value: float | None) -> str:
    """Return seconds with two digits after the point; a dash for None."""
    return NOTHING if value is None else f"{value:.2f} s"


def cut(text: str) -> str:
    """Return a model's answer, at most LONGEST_ANSWER characters; control characters are shown as dots."""
    shown = "".join(sign if sign in "\n\t" or sign.isprintable() else "·" for sign in text)
    if len(shown) <= LONGEST_ANSWER:
        return shown
    return shown[:LONGEST_ANSWER] + f"\n… {len(shown) - LONGEST_ANSWER} characters more"


def cell(value: Any) -> str:
    """Return a value as it can stand in a Markdown table."""
    text = NOTHING if value is None or value == "" else str(value)
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
