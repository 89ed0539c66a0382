"""What a dataset must have, and whether more sessions would bring it: then waiting helps, else other settings do.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from statistics import median

import polars as pl

from ljwx.core.datasets.members import WAY_OUT
from ljwx.core.datasets.spec import SPLITS, SampleSpec
from ljwx.core.datasets.splits import Windows, windows
from ljwx.exceptions import ConfigurationError, TooFewSessions


def require_market(rows: Mapping[dt.date, int], spec: SampleSpec) -> None:
    """Refuse a market of few stocks, unless the settings say that it is meant.

    :param rows: session → stocks that have a bar.
    :raises ConfigurationError: half of the sessions have bars of fewer stocks than ``min_market_stocks``.
    """
    stocks = int(median(rows.values())) if rows else 0
    if stocks < spec.min_market_stocks:
        raise ConfigurationError(
            f"the market has {stocks} stocks a session, fewer than samples.min_market_stocks = "
            f"{spec.min_market_stocks}: ranks and excess returns among so few are not the market's; fetch more stocks, "
            f"or set samples.min_market_stocks to {stocks} or less to say that you mean it"
        )


def require_windows(census: pl.DataFrame, spec: SampleSpec, since: dt.date | None, until: dt.date | None) -> Windows:
    """Where the splits begin.

    :param census: session, task, reason and count; the reason is null of what can be a sample.
    :raises TooFewSessions: too few sessions are mature yet.
    :raises ConfigurationError: enough are, and no sample or too few can be made of them.
    """
    there = census.filter(pl.col("reason").is_null()).select("session", "task")
    unfit = census.filter(pl.col("reason").is_not_null())
    waiting = len(_complete(pl.concat([there, _settled(unfit)]), spec)) < spec.least_sessions
    refusal = TooFewSessions if waiting else ConfigurationError
    if there.is_empty():
        between = f"no samples between {since or 'the first'} and {until or 'the last'} session"
        raise refusal(f"{between}: {_counts(unfit) or 'no bars'}")
    try:
        return windows(_complete(there, spec).to_list(), spec)
    except TooFewSessions as error:
        raise refusal(f"{error}; left out: {_counts(unfit)}") from None


def _settled(unfit: pl.DataFrame) -> pl.DataFrame:
    """Session and task of what more sessions cannot make a sample; of all, when no stock is in the universe."""
    inside = unfit.filter(pl.col("reason") != "not_in_universe")
    settled = inside.filter(~pl.col("reason").is_in(("missing_features", "immature")))
    return (settled if len(inside) else unfit).select("session", "task").unique()


def _complete(keys: pl.DataFrame, spec: SampleSpec) -> pl.Series:
    """Sessions that have keys of every task."""
    tasks = keys.group_by("session").agg(pl.col("task").n_unique())
    return tasks.filter(pl.col("task") == len(spec.tasks))["session"]


def _counts(left_out: pl.DataFrame) -> str:
    """The reasons with their counts and, where lists of an index are missing, what to do about it."""
    reasons = left_out.group_by(pl.col("reason").cast(pl.String)).agg(pl.col("count").sum()).sort("reason")
    text = ", ".join(f"{reason} {count}" for reason, count in reasons.iter_rows())
    return f"{text}; {WAY_OUT}" if "no_index_list" in reasons["reason"] else text


def require_enough(
    chosen: pl.DataFrame, able: pl.DataFrame, left_out: pl.DataFrame, task: str, spec: SampleSpec
) -> None:
    """Refuse a task with an empty split, or with one class to learn from.

    :param chosen: split and label of the task's samples; ``able``: split and session of all that could be;
        ``left_out``: reason and count.
    :raises TooFewSessions: a split is empty because it has few sessions yet.
    :raises ConfigurationError: it is for another reason, or there is one class.
    """
    why = f"left out: {_counts(left_out)}"
    for split in SPLITS:
        if chosen.filter(pl.col("split") == split).is_empty():
            # Thinning keeps a row of each stock in more sessions than thin_gap: a longer split is not empty by it.
            short = able.filter(pl.col("split") == split)["session"].n_unique() <= spec.thin_gap
            refusal = TooFewSessions if short and spec.test_from is None else ConfigurationError
            raise refusal(f"{task}: the {split} split is empty; give other dates or settings; {why}")
    classes = chosen.filter(pl.col("split") == "train")["label"].unique()
    if len(classes) < 2:
        raise ConfigurationError(
            f"{task}: every training sample is {classes[0]}; widen the range or the thresholds; {why}"
        )
