"""The text of a dataset, made in blocks of sessions when somebody writes it: snapshots, answers and sample ids.

Pure: never imports airflow, an HTTP client or a database driver. Blocks come in the order of the content (session,
ts_code, task), the same whatever their size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from ljwx.core.datasets.labelling import Fit
from ljwx.core.datasets.market.shelf import Shelf
from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.labels.outcomes import NUMBERS
from ljwx.core.prompts import Prompts
from ljwx.core.snapshots.citable import citable_in
from ljwx.core.snapshots.facts import signals_in
from ljwx.core.snapshots.profiles import UNKNOWN
from ljwx.core.snapshots.snapshot import filled, rendered
from ljwx.core.tasks import TASKS
from ljwx.core.tasks.forms import PROSE, Form

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
    *NUMBERS,
    "weight",
)
"""The SAMPLES frame."""

PROMPT_COLUMNS: Final = ("instruction", "facts")
"""The two parts of a sample's question, as :func:`ljwx.core.prompts.instruction_and_facts` gives them."""

_MADE: Final = ("answer", "prompt_version", "feature_version")
_PACKED: Final = ("task", "label", "previous_label", "split", "board", "industry")

BLOCK_ROWS: Final = 2_500
"""Stock-sessions whose texts are in memory at once; a session's are never parted."""


def facts_name(block: int) -> str:
    """Name on the shelf of the facts of a block of sessions."""
    return f"facts-{block}"


def outcomes_name(block: int) -> str:
    """The same of the outcomes: ``row`` and :data:`NUMBERS`."""
    return f"outcomes-{block}"


def ids_name(block: int) -> str:
    """The same of the ids: ``sample_id``, in content order."""
    return f"ids-{block}"


def task_type(spec: SampleSpec) -> pl.Enum:
    """Type of the columns that name the spec's tasks; it sorts as text does."""
    return pl.Enum(sorted(spec.tasks))


@dataclass(frozen=True)
class Content:
    """What is needed to write every sample; its facts, outcomes and ids lie on a shelf, by blocks of sessions.

    :param index: row, session, ts_code, task, label, previous_label, label_end, split, weight (uniqueness), board and
        industry of each sample, in content order.
    :param blocks_of: ``session`` of each day, in order, and the ``block`` that it belongs to.
    :param industries: whether snapshots tell industries.
    :param form: of the training answers.
    """

    index: pl.DataFrame
    blocks_of: pl.DataFrame
    shelf: Shelf
    spec: SampleSpec
    fit: Fit
    industries: bool = True
    form: Form = PROSE

    def blocks(
        self, split: str | None = None, prompts: Prompts | None = None, rows: int = BLOCK_ROWS
    ) -> Iterator[pl.DataFrame]:
        """SAMPLES frames of some sessions at a time, in the order (session, ts_code, task).

        :param split: only the samples of this split.
        :param prompts: add the columns :data:`PROMPT_COLUMNS`, filled with these.
        :param rows: about how many stock-sessions a block holds.
        """
        for block, mine in self.parts():
            index = mine if split is None else mine.filter(pl.col("split") == split)
            yield from self._block(block, index, prompts, rows)

    def parts(self) -> Iterator[tuple[int, pl.DataFrame]]:
        """The index by blocks of sessions, in order, with their numbers and, once they are known, ``sample_id``."""
        sessions = self.index["session"]
        for block, days in self.blocks_of.group_by("block", maintain_order=True):
            first, last = days["session"][0], days["session"][-1]
            start, end = sessions.search_sorted(first, "left"), sessions.search_sorted(last, "right")
            if start < end:
                number = int(block[0])
                yield number, self._with_ids(number, self.index.slice(start, end - start))

    def identify(self) -> None:
        """Find the ids of all samples, which are hashes of their texts: every text is made once."""
        for block, mine in self.parts():
            for samples in self._block(block, mine, None, BLOCK_ROWS):
                self.shelf.put(ids_name(block), samples.select("sample_id"))

    def _with_ids(self, block: int, index: pl.DataFrame) -> pl.DataFrame:
        try:
            return index.with_columns(self.shelf.get(ids_name(block)).to_series())
        except KeyError:
            return index

    def _block(self, block: int, index: pl.DataFrame, prompts: Prompts | None, rows: int) -> Iterator[pl.DataFrame]:
        if index.is_empty():
            return
        facts, outcomes = self.facts(block), self.shelf.get(outcomes_name(block))
        known = facts["row"]
        for start, end in _spans(index, rows):
            members = index.slice(start, end - start)
            yield self._written(members, facts[known.search_sorted(members["row"].unique())], outcomes, prompts)

    def facts(self, block: int) -> pl.DataFrame:
        """Packed facts of a block's complete rows, in their order."""
        facts = self.shelf.get(facts_name(block))
        if self.industries:
            return facts
        nulled = (name for group in self.spec.groups for name in group.by_industry)
        return facts.with_columns(
            *(pl.lit(None, facts.schema[name]).alias(name) for name in nulled), industry=pl.lit(UNKNOWN)
        )

    def _written(
        self, members: pl.DataFrame, facts: pl.DataFrame, outcomes: pl.DataFrame, prompts: Prompts | None
    ) -> pl.DataFrame:
        facts = facts.with_columns(pl.col(s.name).cast(pl.String) for s in signals_in(self.spec.groups))
        if prompts is not None:
            facts = facts.with_columns(facts=filled(prompts.facts, self.spec))
        texts = rendered(facts, self.spec).drop("board", "industry")
        wide = members.drop("session", "ts_code").with_columns(pl.col(_PACKED).cast(pl.String))
        wide = wide.join(texts, on="row", how="left", maintain_order="left")
        wide = wide.join(outcomes, on="row", how="left", maintain_order="left")
        parts = [self._answered(wide.filter(pl.col("task") == task), task, prompts) for task in self.spec.tasks]
        samples = identified(pl.concat(parts).sort("session", "ts_code", "task"))
        return samples.select(*SAMPLE_COLUMNS, *(PROMPT_COLUMNS if prompts else ()))

    def _answered(self, rows: pl.DataFrame, task: str, prompts: Prompts | None) -> pl.DataFrame:
        more = {"instruction": filled(prompts.instructions[task], self.spec)} if prompts else {}
        if not TASKS[task].needs_future:
            rows = rows.with_columns(pl.lit(None, rows.schema[name]).alias(name) for name in NUMBERS)
        return rows.with_columns(
            answer=self.form.training_answer(
                TASKS[task], self.spec, self.fit.rates[task], citable_in(self.spec.groups)
            ),
            prompt_version=pl.lit(self.spec.prompt_version),
            feature_version=pl.lit(self.spec.feature_version),
            **more,
        ).select(c for c in (*SAMPLE_COLUMNS, *PROMPT_COLUMNS) if c in {*rows.columns, *_MADE, *more})


def _spans(index: pl.DataFrame, rows: int) -> Iterator[tuple[int, int]]:
    """First and last-but-one place of some sessions at a time that have about ``rows`` stock-sessions."""
    days = index.group_by("session", maintain_order=True).agg(samples=pl.len(), rows=pl.col("row").n_unique())
    start, end, held = 0, 0, 0
    for samples, count in days.select("samples", "rows").iter_rows():
        end += samples
        held += count
        if held >= rows or end == len(index):
            yield start, end
            start, held = end, 0


def identified(samples: pl.DataFrame) -> pl.DataFrame:
    """Add the content hash of each sample: equal content, equal id, wherever and whenever it is made.

    ``label_end`` is content: the proof of a dataset rests on it, and a row that is there already is not written again.
    """
    if "sample_id" in samples.columns:
        return samples
    end = pl.col("label_end").dt.to_string("iso")
    parts = ("task", "snapshot_sha256", "answer", end, "prompt_version", "feature_version")
    texts = samples.select(pl.concat_str(parts, separator="\n")).to_series()
    ids = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    return samples.with_columns(pl.Series("sample_id", ids, dtype=pl.String))
