"""The pictures of a report as SVG text; the same numbers give the same bytes. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING, Any

from ljwx.core.reports.cards import CardRow, TaskRow
from ljwx.core.reports.cases import SessionAccuracy
from ljwx.core.reports.content import Report
from ljwx.core.reports.training import TrainingPart

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


INK, OWN, BAR, OTHER, GRID = "#1f2933", "#0b6e99", "#9cc7da", "#8a94a3", "#d9dee5"
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "ljwx", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9,
    "axes.edgecolor": OTHER, "axes.labelcolor": INK, "text.color": INK, "xtick.color": INK, "ytick.color": INK,
    "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True, "grid.color": GRID,
}  # fmt: skip
WIDTH = 7.2


def charts(report: Report) -> dict[str, str]:
    """Return the pictures for which there are numbers, by name: accuracy, sessions, and so on."""
    wanted: dict[str, tuple[bool, Callable[[], Figure]]] = {
        "accuracy": (bool(report.cards), partial(_accuracy, report.cards)),
        "sessions": (bool(report.sessions), partial(_sessions, report.sessions, report.model)),
        "confusion": (any(row.confusion for row in report.tasks), partial(_confusion, report.tasks)),
        "reliability": (bool(report.bins), partial(_reliability, report.bins)),
        "training": (bool(report.training and report.training.losses), partial(_training, report.training)),
        "latency": (any(report.latencies), partial(_latency, report.latencies)),
    }
    return drawn(wanted)


def drawn(wanted: Mapping[str, tuple[bool, Callable[[], Figure]]]) -> dict[str, str]:
    """Return by name, as SVG text, the pictures for which there is something to draw."""
    import matplotlib as mpl

    with mpl.rc_context(STYLE):
        return {name: as_svg(draw) for name, (there, draw) in wanted.items() if there}


def blank_figure(height: float, columns: int = 1, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a figure of a page's width, in inches, with its empty parts row by row."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.flat)


def as_svg(draw: Callable[[], Figure]) -> str:
    """Return a figure as SVG text that can stand in a page; to be called with STYLE in force."""
    file = StringIO()
    draw().savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    return text[text.index("<svg") :]


def _accuracy(cards: Sequence[CardRow]) -> Figure:
    figure, (axes,) = blank_figure(0.9 + 0.35 * len(cards))
    for at, row in enumerate(reversed(cards)):
        colour = OWN if row.key == "model" else OTHER
        if row.low is not None and row.high is not None:
            axes.plot([100 * row.low, 100 * row.high], [at, at], color=colour, linewidth=3, alpha=0.45)
        if row.accuracy is not None:
            axes.plot(100 * row.accuracy, at, "o", color=colour)
            axes.annotate(
                f"{row.accuracy:.1%}", (100 * row.accuracy, at), textcoords="offset points", xytext=(0, 6), ha="center"
            )
    names = [row.name.encode("ascii", "ignore").decode().strip() or row.key for row in reversed(cards)]
    axes.set_yticks(range(len(cards)), names)
    axes.set_ylim(-0.6, len(cards) - 0.3)
    axes.set_xlim(left=0)
    axes.set_xlabel("accuracy on all questions, %; the bar is the interval over blocks of sessions")
    axes.grid(axis="x")
    return figure


def _sessions(sessions: Sequence[SessionAccuracy], model: CardRow | None) -> Figure:
    figure, (axes,) = blank_figure(2.6)
    at = range(len(sessions))
    middle = [100 * row.accuracy for row in sessions]
    below = [100 * (row.accuracy - row.low) for row in sessions]
    above = [100 * (row.high - row.accuracy) for row in sessions]
    axes.errorbar(at, middle, yerr=[below, above], fmt="o", color=OWN, ecolor=BAR, markersize=3.5, elinewidth=2)
    if model is not None and model.accuracy is not None:
        axes.axhline(100 * model.accuracy, color=INK, linewidth=1, linestyle="--")
    step = max(1, len(sessions) // 8)
    shown = list(at)[::step]
    axes.set_xticks(shown, [f"{sessions[each].session:%Y-%m-%d}" for each in shown], rotation=30, ha="right")
    axes.set_ylim(-4, 104)
    axes.set_ylabel("accuracy, %")
    axes.grid(axis="y")
    return figure


def _confusion(tasks: Sequence[TaskRow]) -> Figure:
    drawn = [row for row in tasks if row.confusion]
    columns = min(2, len(drawn))
    rows = -(-len(drawn) // columns)
    figure, axes = blank_figure(2.6 * rows, columns, rows)
    for area, row in zip(axes, drawn, strict=False):
        _matrix(area, row)
    for area in axes[len(drawn) :]:
        area.set_axis_off()
    return figure


def _training(training: TrainingPart | None) -> Figure:
    """Draw the loss of the steps, and beside it the class log score against that of the class rates."""
    figure, (left, right) = blank_figure(2.4, columns=2)
    if training is None:
        return figure
    steps, losses = zip(*training.losses, strict=True)
    left.plot(steps, losses, color=BAR, linewidth=1.2)
    answers = [(step, loss) for step, loss, _ in training.looks if loss is not None]
    left.plot([step for step, _ in answers], [loss for _, loss in answers], "o-", color=OWN, markersize=3.5)
    left.set_xlabel("step; points: answer loss of the samples looked at")
    left.set_ylabel("loss")
    left.set_ylim(bottom=0)
    scored = [(step, score) for step, _, score in training.looks if score is not None]
    right.plot([step for step, _ in scored], [score for _, score in scored], "o-", color=OWN, markersize=3.5)
    if training.rates_log_score is not None:
        right.axhline(training.rates_log_score, color=INK, linewidth=1, linestyle="--")
    right.set_xlabel("step; dashed: class rates alone")
    right.set_ylabel("class log score")
    for axes in (left, right):
        axes.grid(axis="y")
    return figure


def _matrix(axes: Axes, row: TaskRow) -> None:
    totals = [sum(line) or 1 for line in row.confusion]
    shares = [[count / total for count in line] for line, total in zip(row.confusion, totals, strict=True)]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for at, line in enumerate(row.confusion):
        for column, count in enumerate(line):
            colour = "white" if shares[at][column] > 0.55 else INK
            axes.text(column, at, str(count), ha="center", va="center", color=colour)
    axes.set_xticks(range(len(row.confusion[0])), [*row.classes, "invalid"])
    axes.set_yticks(range(len(row.classes)), row.classes)
    axes.set_xlabel("answered")
    axes.set_ylabel("true")
    axes.set_title(row.task.replace("_", " "), fontsize=9)
    axes.spines[:].set_visible(False)


def _reliability(bins: Sequence[Mapping[str, Any]]) -> Figure:
    figure, (axes,) = blank_figure(3.0)
    most = max(each["n"] for each in bins)
    axes.plot([0, 100], [0, 100], color=OTHER, linewidth=1, linestyle="--")
    axes.plot([100 * each["confidence"] for each in bins], [100 * each["accuracy"] for each in bins], color=OWN)
    for each in bins:
        at = (100 * each["confidence"], 100 * each["accuracy"])
        axes.plot(*at, "o", color=OWN, markersize=4 + 8 * (each["n"] / most) ** 0.5)
        axes.annotate(f"n={each['n']}", at, textcoords="offset points", xytext=(9, -3))
    axes.set_xlim(0, 102)
    axes.set_ylim(-4, 104)
    axes.set_xlabel("probability given to the answered class, %")
    axes.set_ylabel("share that was right, %")
    axes.grid()
    return figure


def _latency(seconds: Sequence[float]) -> Figure:
    figure, (axes,) = blank_figure(2.2)
    axes.hist(seconds, bins=min(30, max(5, len(seconds) // 4)), color=OWN)
    axes.set_xlabel("seconds per answer")
    axes.set_ylabel("answers")
    axes.set_xlim(left=0)
    axes.grid(axis="y")
    return figure
