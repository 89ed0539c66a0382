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
from ljwx.core.datasets.spec import SPLITS, SampleSpec
from ljwx.core.labels.outcomes import NUMBERS
from ljwx.core.prompts import Prompts
from ljwx.core.snapshots.citable import citable_in
from ljwx.core.snapshots.facts import signals_in
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

SPLIT: Final = pl.Enum(SPLITS)
_MADE: Final = ("answer", "prompt_version", "feature_version")
_PACKED: Final = ("task", "label", "previous_label", "split")

BLOCK_ROWS: Final = 2_500
"""Stock-sessions whose texts are in memory at once; a session's are never parted."""


def task_type(spec: SampleSpec) -> pl.Enum:
    """Type of the columns that name the spec's tasks; it sorts as text does."""
    return pl.Enum(sorted(spec.tasks))


@dataclass(frozen=True)
class Content:
    """What is needed to write every sample.

    :param index: row, task, label, previous_label, label_end, split, weight (uniqueness) and, once they are known,
        sample_id of each sample, in content order.
    :param facts: packed facts of the rows that the index names, in the order of ``row``.
    :param outcomes: ``row`` and :data:`NUMBERS` of these rows.
    :param form: of the training answers.
    """

    index: pl.DataFrame
    facts: pl.DataFrame
    outcomes: pl.DataFrame
    spec: SampleSpec
    fit: Fit
    form: Form = PROSE

    def blocks(
        self, split: str | None = None, prompts: Prompts | None = None, rows: int = BLOCK_ROWS
    ) -> Iterator[pl.DataFrame]:
        """SAMPLES frames of some sessions at a time, in the order (session, ts_code, task).

        :param split: only the samples of this split.
        :param prompts: add the columns :data:`PROMPT_COLUMNS`, filled with these.
        :param rows: about how many stock-sessions a block holds.
        """
        index = self.index if split is None else self.index.filter(pl.col("split") == split)
        known = self.facts["row"]
        for start, end in _spans(index, rows):
            members = index.slice(start, end - start)
            facts = self.facts[known.search_sorted(members["row"].unique())]
            yield self._written(members, facts, prompts)

    def _written(self, members: pl.DataFrame, facts: pl.DataFrame, prompts: Prompts | None) -> pl.DataFrame:
        facts = facts.with_columns(pl.col(s.name).cast(pl.String) for s in signals_in(self.spec.groups))
        if prompts is not None:
            facts = facts.with_columns(facts=filled(prompts.facts, self.spec))
        texts = rendered(facts, self.spec).drop("board", "industry")
        wide = members.drop("session", "ts_code").with_columns(pl.col(_PACKED).cast(pl.String))
        wide = wide.join(texts, on="row", how="left", maintain_order="left")
        wide = wide.join(self.outcomes, on="row", how="left", maintain_order="left")
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
