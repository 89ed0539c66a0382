"""From bars and features to a dataset with answers, splits and their proof: the one function that the pipeline calls.

Pure: never imports airflow, an HTTP client or a database driver. Everything is decided on light rows; the texts of
what was chosen are made afterwards, in blocks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, cast

import polars as pl

from ljwx.core.bars.codes import UNRENAMED, Codes
from ljwx.core.datasets.content import Content, outcomes_name
from ljwx.core.datasets.decisions import Decision, decide
from ljwx.core.datasets.labelling import Fit
from ljwx.core.datasets.market.known import Known
from ljwx.core.datasets.market.sessions import Laid, lay, parts_of
from ljwx.core.datasets.market.shelf import MemoryShelf
from ljwx.core.datasets.market.stocks import Stocks
from ljwx.core.datasets.members import MembersUsed, members_used
from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.datasets.splits import Proof, Windows, prove
from ljwx.core.labels.outcomes import NUMBERS
from ljwx.core.prompts import Prompts
from ljwx.core.snapshots.profiles import UNKNOWN
from ljwx.core.tasks.forms import PROSE, Form
from ljwx.exceptions import LeakDetected

INDUSTRY_SHARE: Final = 0.9
"""Of the training samples, at least, must know their industry for any sample to tell it."""


@dataclass(frozen=True)
class Dataset:
    """A dataset: what it holds, what was left out and why, what was fitted on train, and the proof.

    :param rows: row, ts_code and session of every stock-session; ``left_out``: row, task and reason of those in the
        range that are no sample.
    :param members: the lists of the index whose members the samples are of; None without an index.
    """

    rows: pl.DataFrame
    left_out: pl.DataFrame
    exclusions: pl.DataFrame
    fit: Fit
    windows: Windows
    proof: Proof
    content: Content
    members: MembersUsed | None = None

    @property
    def keys(self) -> pl.DataFrame:
        """All of a sample but its texts and its id: the columns of ``index``, in its order."""
        return self.content.index

    def parts(self) -> Iterator[pl.DataFrame]:
        """The columns of ``index`` of some sessions at a time, in its order."""
        return (part.drop("row") for _, part in self.content.parts())

    @cached_property
    def index(self) -> pl.DataFrame:
        """All of a sample but its texts, for what fits into memory: sample_id, ts_code, session, task, label,
        previous_label, label_end, split, weight, board, industry; in the order (session, ts_code, task).
        """
        return pl.concat(list(self.parts()))

    def reasons(self, keys: pl.DataFrame) -> pl.DataFrame:
        """Add ``reason`` to ts_code, session and task: why it is no sample; null when it is one, or no bar is there."""
        code = pl.col("ts_code").cast(self.rows.schema["ts_code"], strict=False)
        days = (keys["session"].min(), keys["session"].max())
        near = self.rows.filter(pl.col("session").is_between(*days))
        numbered = keys.with_columns(code).join(near, on=["ts_code", "session"], how="left", maintain_order="left")
        why = self.left_out.filter(pl.col("row").is_in(numbered["row"].unique().implode()))
        found = numbered.join(why, on=["row", "task"], how="left", maintain_order="left").drop("row")
        return found.with_columns(keys["ts_code"])

    def blocks(self, split: str | None = None, prompts: Prompts | None = None) -> Iterator[pl.DataFrame]:
        """SAMPLES frames of some sessions at a time, in the order (session, ts_code, task).

        :param split: only the samples of this split.
        :param prompts: add the columns ``instruction`` and ``facts``, which spares a writer to make them anew.
        """
        return self.content.blocks(split, prompts)

    @property
    def first_session(self) -> dt.date:
        """The oldest as-of session."""
        return cast("dt.date", self.keys.item(0, "session"))

    @property
    def last_session(self) -> dt.date:
        """The newest as-of session."""
        return cast("dt.date", self.keys.item(-1, "session"))

    def counts(self) -> list[dict[str, Any]]:
        """Samples by split, task and label, for JSON."""
        by = ("split", "task", "label")
        return self.keys.group_by(by).len("samples").sort(by).to_dicts()

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
    """Make a dataset of a market that is in memory: see :class:`Known` and :func:`made`.

    :param bars: BARS frame; rows before ``since`` and after ``until`` serve as look-back and as outcomes.
    :param features: FEATURES frame of the same stocks, with at least 21 rows per stock before ``since``.
    """
    known = Known(instruments, sessions, spec, names, industries, members, codes)
    return made(lay(parts_of(bars, features), known, MemoryShelf()), form, since=since, until=until)


def made(laid: Laid, form: Form = PROSE, *, since: dt.date | None = None, until: dt.date | None = None) -> Dataset:
    """Make a dataset of a market that was laid on a shelf, from which the dataset reads as long as it is used.

    :param form: of the training answers, as the version of the prompts that the spec names has it.
    :param since: first as-of session, and ``until`` the last; None is no bound.
    :returns: the dataset, and exclusions (task, reason, count).
    :raises TooFewSessions: when too few sessions are mature for three splits; more of them will do.
    :raises ConfigurationError: when enough are and the settings make no dataset of them; it says what was left out.
    :raises LeakDetected: when a promise about splits is broken.
    """
    known, stocks = laid.known, Stocks(laid)
    rows = stocks.rows()
    decided = decide(rows, known.sessions, known.spec, known.codes, since, until)
    content = _content(stocks, rows, decided, form)
    used = None if known.spec.index is None or known.members is None else known.members
    return Dataset(
        rows=rows.select("row", "ts_code", "session"),
        left_out=decided.left_out,
        exclusions=decided.exclusions,
        fit=decided.fit,
        windows=decided.windows,
        proof=_proved(content, known),
        content=content,
        members=None if used is None else members_used(content.index["session"], used),
    )


def _proved(content: Content, known: Known) -> Proof:
    """Prove with hashes of the ids, which take less memory; where a promise is broken, again to name the sample."""
    hashes = pl.concat([part["sample_id"].hash() for _, part in content.parts()])
    try:
        return prove(content.index.with_columns(sample_id=hashes), known.sessions, known.spec)
    except LeakDetected:
        return prove(pl.concat([part for _, part in content.parts()]), known.sessions, known.spec)


def _content(stocks: Stocks, rows: pl.DataFrame, decided: Decision, form: Form) -> Content:
    """The chosen samples in their order and, found by writing every text once, their ids."""
    known, shelf = stocks.laid.known, stocks.laid.shelf
    tells = _tells_industries(rows, decided.chosen)
    if not tells:
        rows = rows.with_columns(industry=pl.lit(UNKNOWN, rows.schema["industry"]))
    wanted = pl.int_range(len(rows), eager=True).cast(pl.UInt32).is_in(decided.chosen["row"].unique().implode())
    index: list[pl.DataFrame] = []
    for (block,), days in stocks.blocks.partition_by("block", as_dict=True).items():
        inside = pl.col("session").is_between(days["session"][0], days["session"][-1])
        mine = rows.filter(inside & wanted)
        shelf.put(outcomes_name(block), mine.select("row", *NUMBERS))
        named = mine.select("row", "session", "ts_code", "board", "industry")
        index.append(decided.chosen.join(named, on="row").sort("session", "ts_code", "task"))
    content = Content(pl.concat(index), stocks.blocks, shelf, known.spec, decided.fit, tells, form)
    content.identify()
    return content


def _tells_industries(rows: pl.DataFrame, chosen: pl.DataFrame) -> bool:
    """Tell industries in all splits, or in none: what a model is not trained on it is not asked with.

    A source tells only today's industries, so backfilled sessions have none. What groups tell of them goes with them.
    """
    train = chosen.filter(pl.col("split") == "train")["row"].unique()
    share = float((rows["industry"].gather(train) != UNKNOWN).mean() or 0)  # type: ignore[arg-type]
    return share >= INDUSTRY_SHARE
