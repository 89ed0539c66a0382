"""What cleanup has to know before it plans, and what it leaves behind."""

from __future__ import annotations

from ljwx.core.retention import Citation, StoredDataset, StoredModel
from ljwx.hooks.warehouse.base import WarehouseBase, statement

REMOVE = {"model": "retention/delete_model", "dataset": "retention/delete_dataset"}


class RetentionVerbs(WarehouseBase):
    """Verbs of the stage `retention`."""

    def stored_models(self) -> list[StoredModel]:
        """Return the models that have not been deleted."""
        return [StoredModel(**row) for row in self.rows("retention/models")]

    def stored_datasets(self) -> list[StoredDataset]:
        """Return the datasets whose files have not been deleted."""
        return [StoredDataset(**row) for row in self.rows("retention/datasets")]

    def dataset_folder(self, dataset_id: str) -> str:
        """Return the folder of a dataset's files."""
        return str((self.row("retention/dataset_folder", dataset_id=dataset_id) or {})["folder"])

    def aliases(self) -> dict[str, str]:
        """Return alias → model."""
        return {row["alias"]: row["model"] for row in self.rows("retention/aliases")}

    def citations(self) -> list[Citation]:
        """Return what decisions cite."""
        return [Citation(**row) for row in self.rows("retention/citations")]

    def save_removal(self, run_key: int, kind: str, name: str, reason: str, size: int | None, dry_run: bool) -> None:
        """Write the tombstone of one removal; in a dry run only what would go."""
        event = {"kind": kind, "name": name, "reason": reason, "bytes": size, "dry_run": dry_run, "run_key": run_key}
        with self.transaction() as connection:
            connection.execute(statement("retention/add_event"), event)
            if not dry_run:
                connection.execute(statement(REMOVE[kind]), {"name": name})
