"""Which stock-sessions of a market are samples, of which split and class: decided on light rows, task by task.

Pure: never imports airflow, an HTTP client or a database driver. All keys of all tasks at once would be the largest
thing in memory.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from ljwx.core.bars.codes import Codes
from ljwx.core.datasets.content import task_type
from ljwx.core.datasets.labelling import LABELLED, Fit, fitted, labelled, rates_of, with_previous
from ljwx.core.datasets.requirements import require_enough, require_windows
from ljwx.core.datasets.selection import STEPS, count_reasons, draw, select
from ljwx.core.datasets.spec import IndexUniverse, SampleSpec
from ljwx.core.datasets.splits import Windows, assign
from ljwx.core.datasets.uniqueness import uniqueness
from ljwx.core.labels.outcomes import REASONS
from ljwx.core.tasks import TASKS
from ljwx.core.tasks.definition import Numbers

REASON: Final = pl.Enum([*REASONS, "near_duplicate", "purged", *(name for name, _ in STEPS)])


@dataclass(frozen=True)
class Decision:
    """What was decided on the rows of a market.

    :param chosen: row, task, label, previous_label, label_end, split and weight of each sample.
    :param left_out: row, task and reason of those in the range that are no sample.
    """

    chosen: pl.DataFrame
    left_out: pl.DataFrame
    exclusions: pl.DataFrame
    fit: Fit
    windows: Windows


@dataclass(frozen=True)
class _Deciding:
    """The rows that may be samples, and what decides.

    :param rows: of :meth:`ljwx.core.datasets.market.stocks.Stocks.rows`, in the range.
    :param sessions: all trading sessions.
    """

    rows: pl.DataFrame
    sessions: Sequence[dt.date]
    spec: SampleSpec
    codes: Codes

    def reasons(self, task: str) -> pl.Expr:
        """Why a row is no sample of a task; null when it can be one."""
        missing = _missing(self.spec, self.codes)
        return (pl.coalesce(missing, "reason") if TASKS[task].needs_future else missing).cast(REASON)

    def census(self) -> pl.DataFrame:
        """session, task, reason (null: it can be a sample) and count of the rows."""
        parts = [
            self.rows.select("session", task=pl.lit(task, task_type(self.spec)), reason=self.reasons(task))
            .group_by("session", "task", "reason")
            .agg(count=pl.len())
            for task in self.spec.tasks
        ]
        return pl.concat(parts)

    def keys(self, task: str, where: Windows, numbers: Numbers) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The keys of a task with split (null for the purged) and label, and what cannot be a sample."""
        end = "label_end" if TASKS[task].needs_future else "session"
        rows = self.rows.select(
            "row", "stock", "ts_code", "session", "run_position",
            task=pl.lit(task, task_type(self.spec)), reason=self.reasons(task), label_end=end,
            label=labelled(task, self.spec, numbers),
        )  # fmt: skip
        unfit = rows.filter(pl.col("reason").is_not_null()).select("row", "task", "reason")
        keys = rows.filter(pl.col("reason").is_null()).drop("reason")
        return assign(keys, self.sessions, self.spec, where), unfit

    def train_outcomes(self, where: Windows) -> pl.DataFrame:
        """Outcomes of the rows of the train split that have a label of the future."""
        future = [task for task in self.spec.tasks if TASKS[task].needs_future]
        if not future:
            return self.rows.clear()
        able = self.rows.filter(self.reasons(future[0]).is_null()).select("session", "label_end", *LABELLED)
        return assign(able, self.sessions, self.spec, where).filter(pl.col("split") == "train")


def decide(
    rows: pl.DataFrame,
    sessions: Sequence[dt.date],
    spec: SampleSpec,
    codes: Codes,
    since: dt.date | None,
    until: dt.date | None,
) -> Decision:
    """Decide which keys (row, task) are samples, and of which split and class.

    :param rows: of :meth:`ljwx.core.datasets.market.stocks.Stocks.rows`.
    :param since: first as-of session, and ``until`` the last; None is no bound.
    :raises TooFewSessions: when too few sessions are mature for three splits; more of them will do.
    :raises ConfigurationError: when enough are and the settings make no dataset of them.
    """
    if since or until:
        rows = rows.filter(pl.col("session").is_between(since or dt.date.min, until or dt.date.max))
    deciding = _Deciding(rows, sessions, spec, codes)
    where = require_windows(deciding.census(), spec, since, until)
    numbers = fitted(deciding.train_outcomes(where), spec)
    chosen: list[pl.DataFrame] = []
    left_out: list[pl.DataFrame] = []
    counted: list[pl.DataFrame] = []
    rates: dict[str, Numbers] = {}
    for task in spec.tasks:
        keys, unfit = deciding.keys(task, where, numbers.get(task, {}))
        rates[task] = rates_of(keys, task)
        purged = keys.filter(pl.col("split").is_null()).select("row", "task", reason=pl.lit("purged", REASON))
        able = with_previous(keys, task).filter(pl.col("split").is_not_null())
        del keys
        taken, omitted = _choose(able, spec)
        left_out += [unfit, purged, *omitted]
        counted.append(count_reasons(pl.concat([unfit, purged, *omitted])))
        require_enough(taken, able, counted[-1], task, spec)
        chosen.append(_weighed(taken, sessions))
    exclusions = pl.concat(counted).sort("task", "reason")
    return Decision(pl.concat(chosen), pl.concat(left_out), exclusions, Fit(numbers, rates), where)


def _missing(spec: SampleSpec, codes: Codes) -> pl.Expr:
    """Why a row is no sample of any task, as far as that is known at its own session; null when it can be one."""
    missing: pl.Expr = pl.when(~pl.col("complete")).then(pl.lit("missing_features", REASON))
    if spec.universe is None:
        return missing
    outside = pl.lit("not_in_universe", REASON)
    if isinstance(spec.universe, IndexUniverse):
        missing = pl.when(~pl.col("member")).then(outside).otherwise(missing)
        return pl.when(pl.col("listed_on").is_null()).then(pl.lit("no_index_list", REASON)).otherwise(missing)
    inside = pl.col("ts_code").cast(pl.String).is_in(codes.all_of(spec.universe))
    return pl.when(~inside).then(outside).otherwise(missing)


def _choose(able: pl.DataFrame, spec: SampleSpec) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Thin, cap and balance: the keys that stay, and the others with their reason."""
    nth = pl.col("run_position") % spec.thin_gap == 0
    near = able.filter(~nth).select("row", "task", reason=pl.lit("near_duplicate", REASON))
    taken, omitted = select(draw(able.filter(nth), spec.seed), spec)
    return taken, [near, omitted.select("row", "task", pl.col("reason").cast(REASON))]


def _weighed(taken: pl.DataFrame, sessions: Sequence[dt.date]) -> pl.DataFrame:
    weights = uniqueness(taken.select("session", "label_end", "task", ts_code="stock"), sessions)
    return taken.select("row", "task", "label", "previous_label", "label_end", "split").with_columns(weights)
