"""A picture of the class balance over time, for the dataset card. Pure: bytes out, no files.

The same dataset gives the same picture to the byte: no dates, no random identifiers.
"""

from __future__ import annotations

import io
from typing import Any, Final

import polars as pl

from ljwx.core.tasks import TASKS

MOST_LABELS: Final = 8
_COLOURS: Final = ("#2a6f97", "#c9c9c9", "#b5574a")


def balance_svg(samples: pl.DataFrame) -> str:
    """Draw the share of each class by month, a panel for each task.

    :param samples: session, task and label of each sample.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    tasks = samples["task"].cast(pl.String).unique().sort().to_list()
    with mpl.rc_context({"svg.hashsalt": "ljwx", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure = Figure(figsize=(8, 1.9 * len(tasks)), layout="constrained")
        panels = figure.subplots(len(tasks), 1, sharex=True, squeeze=False)[:, 0]
        for panel, task in zip(panels, tasks, strict=True):
            _draw(panel, task, shares(samples, task))
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    return drawn.getvalue()


def shares(samples: pl.DataFrame, task: str) -> pl.DataFrame:
    """Return by month the share of each class of a task: month, and a column for each class, which add up to 1."""
    mine = samples.filter(pl.col("task").cast(pl.String) == task)
    by_month = mine.group_by(month=pl.col("session").dt.strftime("%Y-%m"))
    wanted = [(pl.col("label").cast(pl.String) == name).mean().alias(name) for name in TASKS[task].classes]
    return by_month.agg(wanted).sort("month")


def _draw(panel: Any, task: str, by_month: pl.DataFrame) -> None:
    months, bottom = by_month["month"].to_list(), [0.0] * len(by_month)
    for name, colour in zip(TASKS[task].classes, _COLOURS, strict=True):
        heights = by_month[name].to_list()
        panel.bar(range(len(months)), heights, bottom=bottom, color=colour, label=name, width=0.85)
        bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
    panel.set_title(task, loc="left", fontsize=10)
    panel.set_ylim(0, 1)
    panel.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"], fontsize=8)
    step = -(-len(months) // MOST_LABELS)
    panel.set_xticks(range(0, len(months), step), months[::step], fontsize=8)
    panel.spines[["top", "right"]].set_visible(False)
    panel.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8)
