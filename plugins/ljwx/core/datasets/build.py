"""From bars and features to a dataset with answers, splits and their proof: the one function that the pipeline calls.

Pure: never imports airflow, an HTTP client or a database driver. Everything is decided on light rows; the texts of
what was chosen are made afterwards, in blocks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, cast

import polars as pl

from ljwx.core.bars.codes import UNRENAMED, Codes
from ljwx.core.datasets.content import SPLIT, Content, task_type
from ljwx.core.datasets.labelling import Fit, fit_and_label
from ljwx.core.datasets.market import Market
from ljwx.core.datasets.members import MEMBERS, MembersUsed, members_used, with_membership
from ljwx.core.datasets.requirements import require_enough, require_windows
from ljwx.core.datasets.selection import STEPS, count_reasons, draw, select
from ljwx.core.datasets.spec import IndexUniverse, SampleSpec
from ljwx.core.datasets.splits import Proof, Windows, assign, prove
from ljwx.core.datasets.uniqueness import uniqueness
from ljwx.core.labels.outcomes import NUMBERS, REASONS
from ljwx.core.prompts import Prompts
from ljwx.core.snapshots.profiles import UNKNOWN
from ljwx.core.tasks import TASKS
from ljwx.core.tasks.forms import PROSE, Form
from ljwx.exceptions import TooFewSessions

INDUSTRY_SHARE: Final = 0.9
"""Of the training samples, at least, must know their industry for any sample to tell it."""

REASON: Final = pl.Enum([*REASONS, "near_duplicate", "purged", *(name for name, _ in STEPS)])


@dataclass(frozen=True)
class Dataset:
    """A dataset: what it holds, what was left out and why, what was fitted on train, and the proof.

    :param index: all of a sample but its texts: sample_id, ts_code, session, task, label, previous_label, label_end,
        split, weight, board, industry; in the order (session, ts_code, task).
    :param rows: row, ts_code and session of every stock-session; ``left_out``: row, task and reason of those in the
        range that are no sample.
    :param members: the lists of the index whose members the samples are of; None without an index.
    """

    index: pl.DataFrame
    rows: pl.DataFrame
    left_out: pl.DataFrame
    exclusions: pl.DataFrame
    fit: Fit
    windows: Windows
    proof: Proof
    content: Content
    members: MembersUsed | None = None

    def reasons(self, keys: pl.DataFrame) -> pl.DataFrame:
        """Add ``reason`` to ts_code, session and task: why it is no sample; null when it is one, or no bar is there."""
        numbered = keys.join(self.rows, on=["ts_code", "session"], how="left", maintain_order="left")
        return numbered.join(self.left_out, on=["row", "task"], how="left", maintain_order="left").drop("row")

    def blocks(self, split: str | None = None, prompts: Prompts | None = None) -> Iterator[pl.DataFrame]:
        """SAMPLES frames of some sessions at a time, in the order (session, ts_code, task).

        :param split: only the samples of this split.
        :param prompts: add the columns ``instruction`` and ``facts``, which spares a writer to make them anew.
        """
        return self.content.blocks(split, prompts)

    @property
    def first_session(self) -> dt.date:
        """The oldest as-of session."""
        return cast("dt.date", self.index.item(0, "session"))

    @property
    def last_session(self) -> dt.date:
        """The newest as-of session."""
        return cast("dt.date", self.index.item(-1, "session"))

    def counts(self) -> list[dict[str, Any]]:
        """Samples by split, task and label, for JSON."""
        by = ("split", "task", "label")
        return self.index.group_by(by).len("samples").sort(by).to_dicts()

    @cached_property
    def samples(self) -> pl.DataFrame:
        """The whole SAMPLES frame, sorted by (task, session, ts_code): for what fits into memory."""
        return pl.concat(list(self.blocks())).sort("task", "session", "ts_code")


def build(
    bars: pl.DataFrame,
    features: pl.DataFrame,
    instruments: pl.DataFrame,
    sessions: Sequence[dt.date],
    spec: SampleSpec,
    *,
    names: pl.DataFrame | None = None,
    industries: pl.DataFrame | None = None,
    members: pl.DataFrame | None = None,
    codes: Codes = UNRENAMED,
    form: Form = PROSE,
    since: dt.date | None = None,
    until: dt.date | None = None,
) -> Dataset:
    """Make a dataset.

    :param bars: BARS frame; rows before ``since`` and after ``until`` serve as look-back and as outcomes.
    :param features: FEATURES frame of the same stocks, with at least 21 rows per stock before ``since``.
    :param instruments: ts_code, list_date, delist_date.
    :param sessions: all trading sessions; those after the newest bar are ignored.
    :param names: and ``industries``, over time: see :func:`ljwx.core.snapshots.profiles.with_profile`.
    :param members: MEMBERS frame of the index that the spec names; not looked at when it names none.
    :param codes: a renamed stock is one for look-back and labels; each sample has the code of its session.
    :param form: of the training answers, as the version of the prompts that the spec names has it.
    :param since: first as-of session, and ``until`` the last; None is no bound.
    :returns: the dataset, and exclusions (task, reason, count).
    :raises TooFewSessions: when too few sessions are mature for three splits; more of them will do.
    :raises ConfigurationError: when enough are and the settings make no dataset of them; it says what was left out.
    :raises LeakDetected: when a promise about splits is broken.
    """
    if bars.is_empty():
        raise TooFewSessions("there are no bars")
    market = Market(bars, features, instruments, sessions, names, industries, spec, codes)
    rows = market.rows()
    if spec.index is not None:
        members = pl.DataFrame(schema=MEMBERS) if members is None else members
        rows = with_membership(rows, codes.as_stocks(members).select(*MEMBERS))
    rows = market.as_traded(rows)
    chosen, left_out, fit, where = _decide(rows, sessions, spec, codes, since, until)
    wanted = pl.int_range(len(rows), eager=True).cast(pl.UInt32).is_in(chosen["row"].unique().implode())
    happened = rows.filter(wanted).select("row", *NUMBERS)
    rows = rows.select("row", "ts_code", "session")
    content = _content(market, wanted, happened, chosen, fit, form)
    index = content.index.drop("row")
    return Dataset(
        index=index,
        rows=rows,
        left_out=left_out,
        exclusions=count_reasons(left_out),
        fit=fit,
        windows=where,
        proof=prove(index, sessions, spec),
        content=content,
        members=None if spec.index is None or members is None else members_used(index["session"], members),
    )


def _decide(
    rows: pl.DataFrame,
    sessions: Sequence[dt.date],
    spec: SampleSpec,
    codes: Codes,
    since: dt.date | None,
    until: dt.date | None,
) -> tuple[pl.DataFrame, pl.DataFrame, Fit, Windows]:
    """Which keys (row, task) are samples, and of which split and class.

    :returns: the chosen keys; row, task and reason of the others; the fit; where the splits begin.
    """
    if since or until:
        rows = rows.filter(pl.col("session").is_between(since or dt.date.min, until or dt.date.max))
    keys, unfit = _keys(rows, spec, codes)
    where = require_windows(keys, unfit, spec, since, until)
    split = assign(keys, sessions, spec, where).with_columns(pl.col("split").cast(SPLIT))
    purged = split.filter(pl.col("split").is_null()).select("row", "task", reason=pl.lit("purged", REASON))
    fit, labelled = fit_and_label(rows, split, spec)
    del keys, split
    chosen, omitted = _choose(labelled, rows, spec)
    left_out = pl.concat([unfit.select("row", "task", "reason"), purged, omitted])
    require_enough(chosen, labelled, left_out, spec)
    return chosen.select("row", "task", "label", "previous_label", "label_end", "split"), left_out, fit, where


def _keys(rows: pl.DataFrame, spec: SampleSpec, codes: Codes) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One key per task and row that can be a sample, and those that cannot with their reason."""
    missing = _missing(spec, codes)
    parts = []
    for task in spec.tasks:
        future = TASKS[task].needs_future
        parts.append(
            rows.select(
                "row",
                "stock",
                "session",
                "run_position",
                task=pl.lit(task, task_type(spec)),
                reason=(pl.coalesce(missing, "reason") if future else missing).cast(REASON),
                label_end="label_end" if future else "session",
            )
        )
    keys = pl.concat(parts)
    return keys.filter(pl.col("reason").is_null()).drop("reason"), keys.filter(pl.col("reason").is_not_null())


def _missing(spec: SampleSpec, codes: Codes) -> pl.Expr:
    """Why a row is no sample of any task, as far as that is known at its own session; null when it can be one."""
    missing: pl.Expr = pl.when(~pl.col("complete")).then(pl.lit("missing_features"))
    if spec.universe is None:
        return missing
    if isinstance(spec.universe, IndexUniverse):
        missing = pl.when(~pl.col("member")).then(pl.lit("not_in_universe")).otherwise(missing)
        return pl.when(pl.col("listed_on").is_null()).then(pl.lit("no_index_list")).otherwise(missing)
    outside = ~pl.col("ts_code").cast(pl.String).is_in(codes.all_of(spec.universe))
    return pl.when(outside).then(pl.lit("not_in_universe")).otherwise(missing)


def _choose(labelled: pl.DataFrame, rows: pl.DataFrame, spec: SampleSpec) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Thin, cap and balance: the keys that stay, and the others with their reason."""
    nth = pl.col("run_position") % spec.thin_gap == 0
    near = labelled.filter(~nth).select("row", "task", reason=pl.lit("near_duplicate", REASON))
    drawn = labelled.filter(nth).join(rows.select("row", "ts_code"), on="row", how="left", maintain_order="left")
    chosen, omitted = select(draw(drawn, spec.seed), spec)
    return chosen, pl.concat([near, omitted.select("row", "task", pl.col("reason").cast(REASON))])


def _content(
    market: Market, wanted: pl.Series, happened: pl.DataFrame, chosen: pl.DataFrame, fit: Fit, form: Form
) -> Content:
    """The chosen samples with their facts and, found by writing every text once, their ids."""
    facts = _with_industries_or_none(market.as_traded(market.facts_of(wanted)), chosen, market.spec)
    index = chosen.join(facts.select("row", "session", "ts_code", "board", "industry"), on="row", how="left").sort(
        "session", "ts_code", "task"
    )
    index = index.with_columns(uniqueness(market.codes.as_stocks(index, by=None), market.sessions))
    content = Content(index, facts, happened, market.spec, fit, form)
    ids = pl.concat([block["sample_id"] for block in content.blocks()])
    return replace(content, index=index.with_columns(ids))


def _with_industries_or_none(facts: pl.DataFrame, chosen: pl.DataFrame, spec: SampleSpec) -> pl.DataFrame:
    """Tell industries in all splits, or in none: what a model is not trained on it is not asked with.

    A source tells only today's industries, so backfilled sessions have none. What groups tell of them goes with them.
    """
    train = chosen.filter(pl.col("split") == "train")["row"].unique()
    known = facts.filter(pl.col("row").is_in(train.implode()))["industry"] != UNKNOWN
    share = float(known.mean() or 0)  # type: ignore[arg-type]
    if share >= INDUSTRY_SHARE:
        return facts
    nulled = (name for group in spec.groups for name in group.by_industry)
    return facts.with_columns(
        *(pl.lit(None, facts.schema[name]).alias(name) for name in nulled), industry=pl.lit(UNKNOWN)
    )
