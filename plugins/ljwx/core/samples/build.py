"""From bars and features to samples with answers, splits and their proof: the one function that the pipeline calls.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from ljwx.core.samples.answers import Fit, answer, label, risk_cuts
from ljwx.core.samples.labels import outcomes
from ljwx.core.samples.selection import alike, count_reasons, draw, select
from ljwx.core.samples.snapshots import snapshots
from ljwx.core.samples.spec import SPLITS, SampleSpec
from ljwx.core.samples.splits import Proof, Windows, assign, prove, windows
from ljwx.core.tasks import CLASSES, Task
from ljwx.exceptions import ConfigurationError

SAMPLE_COLUMNS: Final = (
    "sample_id",
    "ts_code",
    "session",
    "task",
    "snapshot",
    "snapshot_sha256",
    "answer",
    "label",
    "previous_label",
    "label_end",
    "bars_from",
    "board",
    "industry",
    "prompt_version",
    "feature_version",
    "split",
)
"""The SAMPLES frame, sorted by (task, session, ts_code)."""


@dataclass(frozen=True)
class Built:
    """Samples with their splits, what was left out and why, what was fitted on train, and the proof."""

    samples: pl.DataFrame
    exclusions: pl.DataFrame
    fit: Fit
    windows: Windows
    proof: Proof


def build(
    bars: pl.DataFrame,
    features: pl.DataFrame,
    instruments: pl.DataFrame,
    sessions: Sequence[dt.date],
    spec: SampleSpec,
    *,
    names: pl.DataFrame | None = None,
    since: dt.date | None = None,
    until: dt.date | None = None,
) -> Built:
    """Make a dataset.

    :param bars: BARS frame; rows before ``since`` and after ``until`` serve as look-back and as outcomes.
    :param features: FEATURES frame of the same stocks, with at least 21 rows per stock before ``since``.
    :param sessions: all trading sessions; those after the newest bar are ignored.
    :param names: see :func:`ljwx.core.samples.snapshots.snapshots`.
    :param since: first as-of session, and ``until`` the last; None is no bound.
    :returns: SAMPLES frame (see :data:`SAMPLE_COLUMNS`), exclusions (task, reason, count), and the rest.
    :raises ConfigurationError: when the range holds no sample, or too few sessions for three splits.
    :raises LeakDetected: when a promise about splits is broken.
    """
    rows = _rows(bars, features, instruments, sessions, spec, names, since, until)
    keys, unfit = _keys(rows, spec)
    if keys.is_empty():
        counted = ", ".join(
            f"{r['reason']} {r['count']}"
            for r in unfit.group_by("reason").agg(pl.col("count").sum()).sort("reason").to_dicts()
        )
        raise ConfigurationError(
            f"no samples between {since or 'the first'} and {until or 'the last'} session: {counted or 'no bars'}"
        )
    full = keys.group_by("session").agg(pl.col("task").n_unique()).filter(pl.col("task") == len(spec.tasks))
    where = windows(full["session"].to_list(), spec)
    split = assign(keys, sessions, spec, where)
    fit, labelled = _label(rows, split, spec)
    chosen, omitted = select(draw(labelled.filter(pl.col("run_position") % spec.thin_gap == 0), spec.seed), spec)
    _demand_enough(chosen, spec)
    samples = _answered(rows, chosen, spec, fit)
    near = labelled.filter(pl.col("run_position") % spec.thin_gap != 0).select("task", reason=pl.lit("near_duplicate"))
    purged = split.filter(pl.col("split").is_null()).select("task", reason=pl.lit("purged"))
    exclusions = pl.concat([unfit, omitted, count_reasons(pl.concat([near, purged]))]).sort("task", "reason")
    return Built(samples, exclusions, fit, where, prove(samples, sessions, spec))


def _demand_enough(chosen: pl.DataFrame, spec: SampleSpec) -> None:
    """Refuse a dataset with an empty split, or with a task that has one class to learn from."""
    for task in spec.tasks:
        mine = chosen.filter(pl.col("task") == task)
        for split in SPLITS:
            if mine.filter(pl.col("split") == split).is_empty():
                raise ConfigurationError(
                    f"{task}: the {split} split is empty after {spec.purge} sessions are purged at each edge; "
                    "give a longer range of dates"
                )
        classes = mine.filter(pl.col("split") == "train")["label"].unique()
        if len(classes) < 2:
            raise ConfigurationError(
                f"{task}: every training sample is {classes[0]}; widen the range or the thresholds"
            )


def _rows(
    bars: pl.DataFrame,
    features: pl.DataFrame,
    instruments: pl.DataFrame,
    sessions: Sequence[dt.date],
    spec: SampleSpec,
    names: pl.DataFrame | None,
    since: dt.date | None,
    until: dt.date | None,
) -> pl.DataFrame:
    """Snapshot and outcome of each stock-session in the range, with its place in its run of alike sessions."""
    told = snapshots(bars, features, instruments, spec, names)
    told = told.with_columns(run_position=alike(sessions))
    within = (pl.col("session") >= (since or dt.date.min)) & (pl.col("session") <= (until or dt.date.max))
    happened = outcomes(bars, instruments, sessions, spec)
    return (
        told.filter(within)
        .join(happened, on=["ts_code", "session"], how="left", maintain_order="left")
        .with_row_index("row")
    )


def _keys(rows: pl.DataFrame, spec: SampleSpec) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One key per task and row that can be a sample, and the counts of those that cannot."""
    missing = pl.when(pl.col("snapshot").is_null()).then(pl.lit("missing_features"))
    parts = []
    for task in spec.tasks:
        now = task == "technical_analysis"
        parts.append(
            rows.select(
                "row",
                "ts_code",
                "session",
                "run_position",
                task=pl.lit(task),
                reason=missing if now else pl.coalesce(missing, "reason"),
                label_end="session" if now else "label_end",
            )
        )
    keys = pl.concat(parts)
    return keys.filter(pl.col("reason").is_null()).drop("reason"), count_reasons(
        keys.filter(pl.col("reason").is_not_null())
    )


def _label(rows: pl.DataFrame, split: pl.DataFrame, spec: SampleSpec) -> tuple[Fit, pl.DataFrame]:
    """Fit on the train split, then put a class on every key: on purged ones too, which may be a later row's previous.

    :returns: the fit, and the keys of all splits (purged left out) with label and previous_label.
    """
    facts = rows.select("row", "excess", "net", "realised_volatility", "max_drawdown", "conclusion")
    keys = split.join(facts, on="row", how="left", maintain_order="left")
    train = keys.filter((pl.col("split") == "train") & (pl.col("task") != "technical_analysis")).unique("row")
    cuts = risk_cuts(train)
    labelled = pl.concat(
        [keys.filter(pl.col("task") == t).with_columns(label=label(t, spec, cuts)) for t in spec.tasks]
    ).select("row", "task", "ts_code", "session", "label_end", "run_position", "split", "label")
    fit = Fit(*cuts, rates={t: _rates(labelled, t) for t in spec.tasks})
    return fit, _previous(labelled).filter(pl.col("split").is_not_null())


def _rates(labelled: pl.DataFrame, task: Task) -> dict[str, float]:
    labels = labelled.filter((pl.col("split") == "train") & (pl.col("task") == task))["label"]
    return {c: float((labels == c).mean() or 0) for c in CLASSES[task]}  # type: ignore[arg-type]


def _previous(labelled: pl.DataFrame) -> pl.DataFrame:
    """Add ``previous_label``: the newest label of the same stock and task that was mature at as-of, before this one."""
    known = labelled.select("ts_code", "task", known="label_end", previous_label="label").sort(
        "known", maintain_order=True
    )
    # A label that needs no future is known the session it is given, so only earlier sessions are previous to it.
    asked = labelled.with_columns(
        before=pl.when(pl.col("task") == "technical_analysis")
        .then(pl.col("session").dt.offset_by("-1d"))
        .otherwise("session")
    ).sort("before", maintain_order=True)
    return asked.join_asof(
        known, left_on="before", right_on="known", by=["ts_code", "task"], strategy="backward", check_sortedness=False
    ).drop("before", "known", strict=False)


def _answered(rows: pl.DataFrame, chosen: pl.DataFrame, spec: SampleSpec, fit: Fit) -> pl.DataFrame:
    parts = []
    for task in spec.tasks:
        mine = chosen.filter(pl.col("task") == task).select(
            "row", "task", "label", "previous_label", "split", own_end="label_end"
        )
        wide = mine.join(rows, on="row", how="left").drop("label_end").rename({"own_end": "label_end"})
        parts.append(wide.with_columns(answer=answer(task, spec, fit)).select(c for c in _wide_columns()))
    samples = pl.concat(parts).with_columns(
        prompt_version=pl.lit(spec.prompt_version), feature_version=pl.lit(spec.feature_version)
    )
    ids = [sample_id(*row) for row in samples.select("task", "snapshot_sha256", "answer", "prompt_version").iter_rows()]
    return (
        samples.with_columns(pl.Series("sample_id", ids, dtype=pl.String))
        .select(SAMPLE_COLUMNS)
        .sort("task", "session", "ts_code")
    )


def _wide_columns() -> list[str]:
    made_later = {"sample_id", "prompt_version", "feature_version"}
    return [c for c in SAMPLE_COLUMNS if c not in made_later]


def sample_id(task: str, snapshot_sha256: str, answer_json: str, prompt_version: str) -> str:
    """Content hash of a sample: equal content, equal id, wherever and whenever it is made."""
    return hashlib.sha256("\n".join((task, snapshot_sha256, answer_json, prompt_version)).encode()).hexdigest()
