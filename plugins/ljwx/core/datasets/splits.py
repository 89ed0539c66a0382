"""Walk-forward splits by session, purged at each edge, and the proof that nothing leaks.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import polars as pl

from ljwx.core.datasets.spec import SPLITS, SampleSpec, Split
from ljwx.exceptions import LeakDetected, TooFewSessions

SPLIT: Final = pl.Enum(SPLITS)
"""Type of the columns that name a split."""
SEALED: Final = "test"
"""The last window: looked at once, after a model has passed on the one before."""


@dataclass(frozen=True)
class Windows:
    """First session of the validation and of the test split."""

    validation_from: dt.date
    test_from: dt.date

    def next_from(self, split: str) -> dt.date | None:
        """First session of the split after ``split``; None after the last."""
        return {"train": self.validation_from, "validation": self.test_from}.get(split)


def windows(as_of: Collection[dt.date], spec: SampleSpec) -> Windows:
    """Where the splits begin: the spec's dates, or else its shares of the sessions that are left after the purge.

    :param as_of: the sessions that have samples.
    :raises TooFewSessions: when they are too few for three splits.
    """
    if spec.validation_from and spec.test_from:
        return Windows(spec.validation_from, spec.test_from)
    days = sorted(set(as_of))
    usable = len(days) - 2 * spec.purge
    if usable < len(SPLITS):
        raise TooFewSessions(
            f"{len(days)} sessions have samples of every task: too few for train, validation and test, with "
            f"{spec.purge} purged between; give a range with at least {spec.least_sessions}"
        )
    validation = max(1, int(usable * spec.validation_share))
    train = min(max(1, int(usable * spec.train_share)), usable - validation - 1)
    first = train + spec.purge
    return Windows(days[first], days[first + validation + spec.purge])


def assign(samples: pl.DataFrame, sessions: Sequence[dt.date], spec: SampleSpec, where: Windows) -> pl.DataFrame:
    """Add ``split``: train, validation, test, or null for what is purged.

    Purged are the h+1 sessions before each later split, and whatever else has a label that ends inside a later one.
    """
    session, end = pl.col("session"), pl.col("label_end")
    split = pl.lit(SEALED, SPLIT)
    for name in ("validation", "train"):
        edge = where.next_from(name)
        kept = (session < _purged_from(edge, sessions, spec)) & (end < edge)
        split = pl.when(session < edge).then(pl.when(kept).then(pl.lit(name, SPLIT))).otherwise(split)
    return samples.with_columns(split=split)


def _purged_from(edge: dt.date | None, sessions: Sequence[dt.date], spec: SampleSpec) -> dt.date:
    before = sorted({s for s in sessions if edge is not None and s < edge})[-spec.purge :]
    return before[0] if before else dt.date.min


@dataclass(frozen=True)
class Proof:
    """What was checked on a dataset, with the values that show it; None where a split has no sample."""

    horizon: int
    purge: int
    counts: dict[str, int]
    first_as_of: dict[str, dt.date | None]
    last_as_of: dict[str, dt.date | None]
    max_label_end: dict[str, dt.date | None]
    sessions_between: dict[str, int | None]
    examples_from_train: int
    sealed: str = SEALED

    @property
    def max_label_end_train(self) -> dt.date | None:
        """Newest session that any training label has seen."""
        return self.max_label_end["train"]

    @property
    def min_as_of_next(self) -> dt.date | None:
        """Oldest session that is asked about after training."""
        return self.first_as_of["validation"] or self.first_as_of["test"]

    def as_dict(self) -> dict[str, Any]:
        """For JSON: dates as ISO text."""
        return {k: _iso(v) for k, v in asdict(self).items()}


def _iso(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _iso(v) for k, v in value.items()}
    return value.isoformat() if isinstance(value, dt.date) else value


def prove(
    samples: pl.DataFrame, sessions: Sequence[dt.date], spec: SampleSpec, examples: Collection[str] = ()
) -> Proof:
    """Check a dataset with its splits and return what shows that it holds.

    :param samples: sample_id, ts_code, session, task, label_end, split (one of the three, never null).
    :param examples: sample_ids that are shown to a model as few-shot examples.
    :raises LeakDetected: naming the first promise that is broken.
    """
    _check_rows(samples)
    _check_examples(samples, examples)
    spans = _spans(samples)
    between: dict[str, int | None] = {name: _check_edge(spans, name, sessions, spec) for name in SPLITS[:-1]}
    return Proof(
        horizon=spec.horizon,
        purge=spec.purge,
        counts={name: spans[name].samples if name in spans else 0 for name in SPLITS},
        first_as_of={name: spans[name].first if name in spans else None for name in SPLITS},
        last_as_of={name: spans[name].last if name in spans else None for name in SPLITS},
        max_label_end={name: spans[name].label_end if name in spans else None for name in SPLITS},
        sessions_between=between,
        examples_from_train=len(examples),
    )


@dataclass(frozen=True)
class _Span:
    """A split's samples: how many, their first and last as-of session, and where the last label ends."""

    samples: int
    first: dt.date
    last: dt.date
    label_end: dt.date


def _spans(samples: pl.DataFrame) -> dict[str, _Span]:
    """The splits that have samples."""
    session, end = pl.col("session"), pl.col("label_end")
    rows = samples.group_by(pl.col("split").cast(pl.String)).agg(
        pl.len(), first=session.min(), last=session.max(), end=end.max()
    )
    return {split: _Span(count, first, last, label_end) for split, count, first, last, label_end in rows.iter_rows()}


def _check_rows(samples: pl.DataFrame) -> None:
    unknown = samples.filter(~pl.col("split").is_in(SPLITS) | pl.col("split").is_null())
    if len(unknown):
        raise LeakDetected(f"{len(unknown)} samples are in no known split, the first {unknown['sample_id'][0]}")
    early = samples.filter((pl.col("label_end") < pl.col("session")) | pl.col("label_end").is_null())
    if len(early):
        raise LeakDetected(f"sample {early['sample_id'][0]} has a label that ends before its own session, or never")
    twice = samples.clear()
    if _has_neighbours(samples.select(key=pl.col("sample_id").hash()).sort("key"), pl.lit(True)):
        twice = samples.filter(pl.col("sample_id").is_duplicated())
    _check_alone(twice, "sample_id", ["sample_id"])
    _check_alone(samples, "stock-session", ["ts_code", "session"])
    if len(twice):
        raise LeakDetected(f"sample_id {twice['sample_id'].sort()[0]} is in the dataset more than once")


def _check_alone(samples: pl.DataFrame, what: str, key: list[str]) -> None:
    """Refuse a key that is in more than one split; hashes tell first whether any can be."""
    here = samples.select(*key, pl.col("split").cast(pl.Enum(SPLITS)))
    hashed = here.select(pl.struct(key).hash().alias("key"), "split").sort("key")
    if not _has_neighbours(hashed, pl.col("split") != pl.col("split").shift(1)):
        return
    shared = here.group_by(key).agg(pl.col("split").unique().sort()).filter(pl.col("split").list.len() > 1).sort(key)
    if len(shared):
        *found, splits = shared.row(0)
        raise LeakDetected(f"{what} {' '.join(map(str, found))} is in the splits {', '.join(sorted(splits))}")


def _has_neighbours(hashed: pl.DataFrame, which: pl.Expr) -> bool:
    """Tell whether two rows that stand together in the order of ``key`` have the same, and are what is asked for.

    A table of a million keys would be the largest thing in memory.
    """
    same = pl.col("key") == pl.col("key").shift(1)
    return bool(hashed.select((same & which).any()).item())


def _check_examples(samples: pl.DataFrame, examples: Collection[str]) -> None:
    train = set(samples.filter(pl.col("split") == "train")["sample_id"]) if examples else set()
    foreign = sorted(set(examples) - train)
    if foreign:
        raise LeakDetected(f"few-shot example {foreign[0]} is not a sample of the train split")


def _check_edge(spans: Mapping[str, _Span], name: Split, sessions: Sequence[dt.date], spec: SampleSpec) -> int | None:
    """Sessions strictly between a split's last as-of and the next split's first, after checking both promises."""
    later = [spans[split].first for split in SPLITS[SPLITS.index(name) + 1 :] if split in spans]
    if name not in spans or not later:
        return None
    last, label_end, following = spans[name].last, spans[name].label_end, min(later)
    if label_end >= following:
        raise LeakDetected(f"a label of the {name} split ends on {label_end}, and the next split begins on {following}")
    between = len({session for session in sessions if last < session < following})
    if between < spec.purge:
        raise LeakDetected(
            f"{between} sessions lie between the {name} split ({last}) and the next ({following}), not {spec.purge}"
        )
    return between
