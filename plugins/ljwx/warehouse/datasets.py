"""Datasets and their samples: what is frozen, how it is split, and what a question or an example is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from psycopg import Connection
from psycopg.types.json import Jsonb

from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.evaluations import Question
from ljwx.core.labels.outcomes import NUMBERS
from ljwx.core.snapshots.profiles import UNKNOWN
from ljwx.core.tasks import TASKS
from ljwx.warehouse.base import WarehouseBase, stage, statement

STORED = (
    "sample_id", "ts_code", "session", "task", "snapshot", "snapshot_sha256", "answer", "label", "label_end",
    "bars_from", "feature_version", "prompt_version",
)  # fmt: skip
PIECE_BYTES = 8_000_000
_DOCUMENTS = ("spec", "counts", "exclusions", "proof", "merge", "fit")


@dataclass(frozen=True)
class StoredDataset:
    """A dataset whose samples and files are there.

    :param spec: as JSON; it may be of an earlier version.
    :param known_at: only revisions of that moment are in it.
    """

    dataset_id: str
    sha256: str
    spec: Mapping[str, Any]
    known_at: datetime
    first_session: date
    last_session: date
    folder: str

    def is_made_as(self, spec: SampleSpec) -> bool:
        """Tell whether it was made by this very spec."""
        return self.spec == spec.model_dump(mode="json")


@dataclass(frozen=True)
class NewDataset:
    """A dataset to be written: the columns of `ljwx.datasets` that the stage decides on; JSON where they are jsonb.

    :param counts: split, task, label and samples, one each; ``exclusions``: task, reason and count.
    """

    dataset_id: str
    sha256: str
    parent_id: str | None
    spec: Mapping[str, Any]
    counts: list[dict[str, Any]]
    exclusions: list[dict[str, Any]]
    proof: Mapping[str, Any]
    merge: Mapping[str, Any]
    fit: Mapping[str, Any]
    known_at: datetime
    first_session: date
    last_session: date
    folder: str
    code_version: str


@dataclass(frozen=True)
class Supersessions:
    """The parent's samples that have other content now.

    :param samples: old_sample_id and new_sample_id.
    :param parent_known_at: the parent's `known_at`.
    """

    samples: pl.DataFrame
    parent_known_at: datetime


@dataclass(frozen=True)
class _LabelCount:
    task: str
    label: str
    samples: int


class DatasetsVerbs(WarehouseBase):
    """Verbs of the stage `samples`."""

    def save_dataset(
        self,
        run_key: int,
        dataset: NewDataset,
        blocks: Iterable[pl.DataFrame],
        superseded: Supersessions | None = None,
    ) -> bool:
        """Write a dataset with its samples in one transaction, a block at a time.

        :param blocks: the SAMPLES frame of the core, in any number of parts.
        :return: False when this dataset was there already.
        """
        values = asdict(dataset) | {name: Jsonb(getattr(dataset, name)) for name in _DOCUMENTS} | {"run_key": run_key}
        with self.transaction() as connection:
            row = connection.execute(statement("datasets/add"), values).fetchone()
            if row is None:
                return False
            for block in blocks:
                _add_samples(connection, values, block)
            if row["added"] and superseded is not None and len(superseded.samples):
                _add_supersessions(connection, values, superseded)
        return True

    def latest_dataset(self) -> StoredDataset | None:
        """Return the newest dataset; None before the first."""
        return self.record(StoredDataset, "datasets/latest")

    def parent_of(self, dataset_id: str, last_session: date, known_at: datetime) -> StoredDataset | None:
        """Return the newest dataset that ends and was known no later than another; None for the first.

        :param dataset_id: of the other one, and `last_session` and `known_at` are its own.
        """
        return self.record(
            StoredDataset, "datasets/parent", dataset_id=dataset_id, last_session=last_session, known_at=known_at
        )

    def dataset_keys(self, dataset_id: str) -> Iterator[pl.DataFrame]:
        """Yield ts_code, session, task and sample_id of a dataset's samples, in parts of a few megabytes."""

        schema = {"ts_code": pl.String, "session": pl.Date, "task": pl.String, "sample_id": pl.String}
        query = f"COPY ({statement('datasets/keys')}) TO STDOUT (FORMAT csv)"
        with self.transaction() as connection, connection.cursor().copy(query, {"dataset_id": dataset_id}) as copy:
            for part in _pieces(copy):
                yield pl.read_csv(part, has_header=False, schema=schema)

    def has_dataset(self, dataset_id: str) -> bool:
        """Tell whether a dataset is there, files included."""
        return bool(self.column("datasets/by_id", dataset_id=dataset_id))

    def is_dataset_decided(self, dataset_id: str) -> bool:
        """Tell whether the gate has decided on a model made from a dataset."""
        return bool(self.column("datasets/decision_on", dataset_id=dataset_id))

    def tells_industries(self, dataset_id: str) -> bool:
        """Tell whether a dataset's training samples know their industries."""
        (known,) = self.column("datasets/tells_industries", dataset_id=dataset_id, unknown=UNKNOWN)
        return bool(known)

    def dataset_samples(self, dataset_id: str, split: str) -> pl.DataFrame:
        """Return a split's samples in a fixed order: the SAMPLES frame without outcomes and weights."""

        text = (
            "sample_id", "ts_code", "task", "snapshot", "snapshot_sha256", "answer", "label", "previous_label",
            "board", "industry", "prompt_version", "feature_version", "split",
        )  # fmt: skip
        schema = dict.fromkeys(text, pl.String) | dict.fromkeys(("session", "label_end", "bars_from"), pl.Date)
        return self.frame("datasets/samples", schema, dataset_id=dataset_id, split=split)

    def question_candidates(self, dataset_id: str, split: str) -> list[Question]:
        """Return a question for every sample of a split."""
        return self.records(Question, "datasets/question_candidates", dataset_id=dataset_id, split=split)

    def train_label_counts(self, dataset_id: str) -> dict[str, dict[str, int]]:
        """Return task → class → samples in the train split."""
        counts: dict[str, dict[str, int]] = {}
        for each in self.records(_LabelCount, "datasets/train_label_counts", dataset_id=dataset_id):
            counts.setdefault(each.task, {})[each.label] = each.samples
        return counts

    def last_session_of(self, dataset_id: str) -> date:
        """Return a dataset's last session."""
        (session,) = self.column("datasets/last_session", dataset_id=dataset_id)
        return session  # type: ignore[no-any-return]

    def dataset_fit(self, dataset_id: str) -> Mapping[str, Any]:
        """Return as JSON what a dataset's labels were fitted with; empty of one made before it was kept."""
        (fit,) = self.column("datasets/fit", dataset_id=dataset_id)
        return fit or {}

    def validated_until(self, dataset_id: str) -> date | None:
        """Return the newest session of a dataset's validation split; None where it has none."""
        (session,) = self.column("datasets/validated_until", dataset_id=dataset_id)
        return session  # type: ignore[no-any-return]

    def class_rates(self, dataset_id: str) -> Mapping[str, Mapping[str, float]]:
        """Return task → class → its share of the train period's labels, before any balancing.

        Of a dataset made before they were kept, the shares of its train split.
        """
        (rates,) = self.column("datasets/rates", dataset_id=dataset_id)
        if rates is not None:
            return rates  # type: ignore[no-any-return]
        counts = self.train_label_counts(dataset_id)
        return {task: {name: n / sum(each.values()) for name, n in each.items()} for task, each in counts.items()}


def _add_samples(connection: Connection[Any], dataset: Mapping[str, Any], block: pl.DataFrame) -> None:

    stage(connection, "samples", block.select(STORED))
    connection.execute(statement("datasets/add_staged_samples"), dataset)
    own = pl.lit(dataset["dataset_id"]).alias("dataset_id")
    members = block.select(own, "sample_id", "split", "previous_label", *NUMBERS, uniqueness="weight")
    stage(connection, "dataset_samples", members)
    connection.execute(statement("datasets/add_staged_members"))
    connection.execute("DROP TABLE staged_samples, staged_dataset_samples")


def _add_supersessions(connection: Connection[Any], dataset: Mapping[str, Any], superseded: Supersessions) -> None:
    stage(connection, "sample_supersessions", superseded.samples)
    # Labels of these tasks may change while their outcomes do not: what was fitted on the train split is another.
    fitted = [task.name for task in TASKS.values() if task.fit is not None]
    more = {"parent_known_at": superseded.parent_known_at, "fitted_tasks": fitted}
    connection.execute(statement("datasets/add_staged_supersessions"), {**dataset, **more})


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
