"""The pictures of a month's page as SVG text; the same numbers give the same bytes. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ljwx.core.forward.earned import EarnedBy
from ljwx.core.forward.over_time import At, Course
from ljwx.core.reports.charts import INK, OTHER, OWN, blank_figure, drawn
from ljwx.core.reports.month.content import MonthPage, Sealed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INKS = (OWN, "#c2571a", "#1b7a43", "#7a3e9d", "#8a6d00")
MOST, FEW = 6, 6
"""Pictures of one kind: of a record with more models the tables say the rest."""
INDEX = INKS[1]
COLOURS = {"counts": OWN, "late": "#c2571a", "open": "#d9dee5"}


def month_charts(page: MonthPage) -> dict[str, str]:
    """Return the pictures for which there are numbers, by name: sessions, skill, rank_ic, reliability, earned."""
    ranked = [each for each in page.courses if each.rank_ic]
    skilled = [each for each in page.courses if each.skill]
    reliable = [each for each in page.courses if each.reliability][:MOST]
    earned = [each for each in page.earned if each.digest is not None and len(each.sessions) > 1][:MOST]
    wanted: dict[str, tuple[bool, Callable[[], Figure]]] = {
        "sessions": (bool(page.sessions), partial(_sessions, page.sessions)),
        "skill": (bool(skilled), partial(_courses, skilled, "gain over class rates, nats", lambda each: each.skill)),
        "rank_ic": (bool(ranked), partial(_courses, ranked, "RankIC", lambda each: each.rank_ic)),
        "reliability": (bool(reliable), partial(_reliability, reliable)),
        "earned": (bool(earned), partial(_earned, earned)),
    }
    return drawn(wanted)


def _sessions(sessions: Sequence[Sealed]) -> Figure:
    figure, (axes,) = blank_figure(2.2)
    for at, each in enumerate(sessions):
        if each.state == "gap":
            axes.plot(at, 0, "x", color="#b3261e", markersize=7, clip_on=False)
        else:
            axes.bar(at, each.answers - each.late, color=COLOURS[each.state])
            axes.bar(at, each.late, bottom=each.answers - each.late, color=COLOURS["late"])
    shown = range(0, len(sessions), max(1, len(sessions) // 10))
    axes.set_xticks(list(shown), [f"{sessions[at].session:%m-%d}" for at in shown])
    axes.set_ylabel("answers")
    axes.set_xlabel("session; orange: late, counts nowhere; a red cross: a gap")
    axes.grid(axis="y")
    return figure


def _courses(courses: Sequence[Course], of: str, points: Callable[[Course], Sequence[At]]) -> Figure:
    """Draw of each task the means of the models, and the bounds that they had at each close."""
    tasks = list(dict.fromkeys(each.task for each in courses))
    figure, areas = blank_figure(2.5 * len(tasks), 1, len(tasks))
    for axes, task in zip(areas, tasks, strict=True):
        shown = [each for each in courses if each.task == task][: len(INKS)]
        for ink, each in zip(INKS, shown, strict=False):
            found = points(each)
            days = _places([at.session for at in found])
            axes.plot(days, [at.mean for at in found], "o-", color=ink, markersize=3, label=_named(each))
            axes.fill_between(days, [at.low for at in found], [at.high for at in found], color=ink, alpha=0.13)
        axes.axhline(0, color=INK, linewidth=1, linestyle="--")
        axes.set_ylabel(f"{task.replace('_', ' ')}\n{of}")
        axes.set_ylim(*_ends([points(each)[-1] for each in shown]))
        _few_days(axes, (at.session for each in shown for at in points(each)))
        axes.legend(frameon=False, fontsize=8)
    return figure


def _ends(newest: Sequence[At]) -> tuple[float, float]:
    """Return the ends of an axis on which the newest bounds are seen; those of the first closes are very wide."""
    low, high = min(each.low for each in newest), max(each.high for each in newest)
    room = max(high - low, 1e-3)
    return low - room, high + room


def _few_days(axes: Axes, days: Iterable[date]) -> None:
    """Name some of the days on an axis."""
    each = sorted(set(days))
    shown = each[:: -(-len(each) // FEW)]
    axes.set_xticks(_places(shown), [f"{day:%Y-%m-%d}" for day in shown])
    axes.grid(axis="y")


def _places(days: Sequence[date]) -> NDArray[np.datetime64]:
    return np.array(days, dtype="datetime64[D]")


def _reliability(courses: Sequence[Course]) -> Figure:
    columns = min(2, len(courses))
    figure, areas = blank_figure(2.6 * -(-len(courses) // columns), columns, -(-len(courses) // columns))
    for axes, each in zip(areas, courses, strict=False):
        most = max(one.n for one in each.reliability)
        axes.plot([0, 1], [0, 1], color=OTHER, linewidth=1, linestyle="--")
        for one in each.reliability:
            axes.plot(one.confidence, one.accuracy, "o", color=OWN, markersize=4 + 8 * (one.n / most) ** 0.5)
        axes.set_xlim(0, 1.02)
        axes.set_ylim(-0.04, 1.04)
        axes.set_xlabel("probability that was said")
        axes.set_ylabel("share that came true")
        axes.set_title(f"{_named(each)}, {each.task.replace('_', ' ')}", fontsize=8)
        axes.grid()
    for axes in areas[len(courses) :]:
        axes.set_axis_off()
    return figure


def _earned(earned: Sequence[EarnedBy]) -> Figure:
    figure, areas = blank_figure(2.4 * len(earned), 1, len(earned))
    for axes, each in zip(areas, earned, strict=True):
        days = _places(each.sessions)
        axes.plot(days, each.curve, color=OWN, label=f"{each.answerer}, {each.task.replace('_', ' ')}")
        axes.plot(days, each.market, color=OTHER, linestyle="--", label="market of the same stocks")
        if each.index is not None:
            axes.plot(days, each.index, color=INDEX, linestyle=":", label=f"index {each.index_code}")
        axes.set_ylabel("simulated value")
        _few_days(axes, each.sessions)
        axes.legend(frameon=False, fontsize=8)
    return figure


def _named(course: Course) -> str:
    return f"{course.answerer} {course.digest[:8]}"
