"""Samples and datasets: what is frozen, how it is split, and what a question or an example is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from ljwx.hooks.warehouse.base import WarehouseBase, stage, statement

if TYPE_CHECKING:
    import polars as pl

STORED = (
    "sample_id", "ts_code", "session", "task", "snapshot", "snapshot_sha256", "answer", "label", "label_end",
    "bars_from", "feature_version", "prompt_version",
)  # fmt: skip


class SamplesVerbs(WarehouseBase):
    """Verbs of the stage `samples`."""

    def save_dataset(self, run_key: int, dataset: Mapping[str, Any], samples: pl.DataFrame) -> bool:
        """Write a dataset with its samples in one transaction.

        :param dataset: the columns of `ljwx.datasets` but for run_key and created_at.
        :param samples: the SAMPLES frame of the core.
        :return: False when this dataset was there already.
        """
        import polars as pl

        documents = {name: Jsonb(dataset[name]) for name in ("spec", "counts", "exclusions", "proof")}
        members = samples.select("sample_id", "split", "previous_label").with_columns(
            dataset_id=pl.lit(dataset["dataset_id"])
        )
        with self.transaction() as connection:
            row = {**dataset, **documents, "run_key": run_key}
            if not connection.execute(statement("datasets/add"), row).rowcount:
                return False
            stage(connection, "samples", samples.select(STORED))
            connection.execute(statement("samples/add_staged"), {"run_key": run_key})
            stage(connection, "dataset_samples", members)
            connection.execute(statement("datasets/add_staged_members"))
        return True

    def latest_dataset(self) -> dict[str, Any] | None:
        """Return dataset_id, sha256, first_session, last_session and folder of the newest dataset."""
        return self.row("datasets/latest")

    def has_dataset(self, dataset_id: str) -> bool:
        """Tell whether a dataset is there, files included."""
        return self.row("datasets/by_id", dataset_id=dataset_id) is not None

    def is_dataset_decided(self, dataset_id: str) -> bool:
        """Tell whether the gate has decided on a model made from a dataset."""
        return self.row("promotions/of_dataset", dataset_id=dataset_id) is not None

    def dataset_samples(self, dataset_id: str, split: str) -> pl.DataFrame:
        """Return a split's samples in a fixed order: the columns of the SAMPLES frame, in another order."""
        import polars as pl

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
