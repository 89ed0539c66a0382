"""Samples and datasets: what is frozen, how it is split, and what a question or an example is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

import polars as pl
from psycopg import Connection
from psycopg.types.json import Jsonb

from ljwx.core.tasks import TASKS
from ljwx.warehouse.base import WarehouseBase, stage, statement

STORED = (
    "sample_id", "ts_code", "session", "task", "snapshot", "snapshot_sha256", "answer", "label", "label_end",
    "bars_from", "feature_version", "prompt_version",
)  # fmt: skip
PIECE_BYTES = 8_000_000


class SamplesVerbs(WarehouseBase):
    """Verbs of the stage `samples`."""

    def save_dataset(
        self,
        run_key: int,
        dataset: Mapping[str, Any],
        blocks: Iterable[pl.DataFrame],
        superseded: pl.DataFrame | None = None,
        parent_known_at: datetime | None = None,
    ) -> bool:
        """Write a dataset with its samples in one transaction, a block at a time.

        :param dataset: the columns of `ljwx.datasets` but for run_key, created_at and deleted_at.
        :param blocks: the SAMPLES frame of the core, in any number of parts.
        :param superseded: old_sample_id and new_sample_id of the parent's samples that have other content now.
        :param parent_known_at: the parent's `known_at`.
        :return: False when this dataset was there already.
        """
        documents = {name: Jsonb(dataset[name]) for name in ("spec", "counts", "exclusions", "proof", "merge")}
        values = {**dataset, **documents, "run_key": run_key}
        with self.transaction() as connection:
            row = connection.execute(statement("datasets/add"), values).fetchone()
            if row is None:
                return False
            for block in blocks:
                _add_samples(connection, values, block)
            if row["added"] and superseded is not None and len(superseded):
                stage(connection, "sample_supersessions", superseded)
                # Their labels may change without their outcomes: what was fitted on the train split is another.
                fitted = [task.name for task in TASKS.values() if task.fit is not None]
                values = {**values, "parent_known_at": parent_known_at, "fitted_tasks": fitted}
                connection.execute(statement("datasets/add_staged_supersessions"), values)
        return True

    def latest_dataset(self) -> dict[str, Any] | None:
        """Return dataset_id, sha256, first_session, last_session and folder of the newest dataset."""
        return self.row("datasets/latest")

    def parent_of(self, dataset_id: str, last_session: date, known_at: datetime) -> dict[str, Any] | None:
        """Return dataset_id, spec and known_at of the newest dataset that ends and was known no later than another.

        :param dataset_id: of the other one, and `last_session` and `known_at` are its own.
        """
        return self.row("datasets/parent", dataset_id=dataset_id, last_session=last_session, known_at=known_at)

    def dataset_keys(self, dataset_id: str) -> Iterator[pl.DataFrame]:
        """Yield ts_code, session, task and sample_id of a dataset's samples, in parts of a few megabytes."""

        schema = {"ts_code": pl.String, "session": pl.Date, "task": pl.String, "sample_id": pl.String}
        query = f"COPY ({statement('datasets/keys')}) TO STDOUT (FORMAT csv)"
        with self.transaction() as connection, connection.cursor().copy(query, {"dataset_id": dataset_id}) as copy:
            for part in _pieces(copy):
                yield pl.read_csv(part, has_header=False, schema=schema)

    def has_dataset(self, dataset_id: str) -> bool:
        """Tell whether a dataset is there, files included."""
        return self.row("datasets/by_id", dataset_id=dataset_id) is not None

    def is_dataset_decided(self, dataset_id: str) -> bool:
        """Tell whether the gate has decided on a model made from a dataset."""
        return self.row("datasets/decision_on", dataset_id=dataset_id) is not None

    def dataset_samples(self, dataset_id: str, split: str) -> pl.DataFrame:
        """Return a split's samples in a fixed order: the columns of the SAMPLES frame, in another order."""

        text = (
            "sample_id", "ts_code", "task", "snapshot", "snapshot_sha256", "answer", "label", "previous_label",
            "board", "industry", "prompt_version", "feature_version", "split",
        )  # fmt: skip
        schema = dict.fromkeys(text, pl.String) | dict.fromkeys(("session", "label_end", "bars_from"), pl.Date)
        return self.frame("datasets/samples", schema, dataset_id=dataset_id, split=split)

    def question_candidates(self, dataset_id: str, split: str) -> list[dict[str, Any]]:
        """Return the fields of a Question for every sample of a split."""
        return self.rows("datasets/question_candidates", dataset_id=dataset_id, split=split)

    def train_label_counts(self, dataset_id: str) -> dict[str, dict[str, int]]:
        """Return task → class → samples in the train split."""
        counts: dict[str, dict[str, int]] = {}
        for row in self.rows("datasets/train_label_counts", dataset_id=dataset_id):
            counts.setdefault(row["task"], {})[row["label"]] = row["samples"]
        return counts


def _add_samples(connection: Connection[Any], dataset: Mapping[str, Any], block: pl.DataFrame) -> None:

    stage(connection, "samples", block.select(STORED))
    connection.execute(statement("samples/add_staged"), dataset)
    members = block.select(pl.lit(dataset["dataset_id"]).alias("dataset_id"), "sample_id", "split", "previous_label")
    stage(connection, "dataset_samples", members)
    connection.execute(statement("datasets/add_staged_members"))
    connection.execute("DROP TABLE staged_samples, staged_dataset_samples")


def _pieces(rows: Iterable[bytes | bytearray | memoryview]) -> Iterator[bytes]:
    """Join whole rows into pieces that are worth reading at once."""
    held: list[bytes] = []
    size = 0
    for row in rows:
        held.append(bytes(row))
        size += len(held[-1])
        if size >= PIECE_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
