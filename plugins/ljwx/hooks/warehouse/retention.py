"""What cleanup has to know before it plans, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from ljwx.core.retention import Citation, Kind, StoredDataset, StoredModel, Sweep
from ljwx.hooks.warehouse.base import WarehouseBase, statement
from ljwx.hooks.warehouse.models import ALIAS_LOCK

REMOVE = {"model": "retention/delete_model", "dataset": "retention/delete_dataset"}
FREE = {"model": "retention/is_free_model", "dataset": "retention/is_free_dataset"}
EXPIRED = {
    "quarantine": "retention/expired_quarantine",
    "answers": "retention/expired_answers",
    "partition": "retention/expired_partitions",
}
SWEPT = {"quarantine": "retention/delete_quarantine", "answers": "retention/delete_answers"}


@dataclass
class Tombstone:
    """What is left of a removed thing.

    :param size: bytes that were reclaimed; None where they are not known.
    """

    size: int | None = None


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

    @contextmanager
    def removal(self, run_key: int, kind: Kind, name: str, reason: str) -> Iterator[Tombstone | None]:
        """Lend the tombstone of a model or dataset while it is removed; it is kept only if the block ends well.

        No decision and no rollback can be written meanwhile, so nothing becomes champion while it is being deleted.
        None when it is protected by now: an alias names it, no decision was made on it, or a model is made from it.
        """
        with self.transaction() as connection:
            connection.execute(ALIAS_LOCK)
            if connection.execute(statement(FREE[kind]), {"name": name}).fetchone() is None:
                yield None
                return
            tombstone = Tombstone()
            yield tombstone
            connection.execute(statement("retention/add_event"), _event(run_key, kind, name, reason, tombstone.size))
            connection.execute(statement(REMOVE[kind]), {"name": name})

    def save_would_remove(self, run_key: int, kind: str, name: str, reason: str, size: int | None) -> None:
        """Write what a dry run found."""
        with self.transaction() as connection:
            values = _event(run_key, kind, name, reason, size) | {"dry_run": True}
            connection.execute(statement("retention/add_event"), values)

    def sweep(self, run_key: int, sweep: Sweep, dry_run: bool) -> list[dict[str, Any]]:
        """Remove what a sweep finds, each part with its tombstone in one transaction; return name, rows and bytes."""
        with self.transaction() as connection:
            found = connection.execute(statement(EXPIRED[sweep.kind]), {"before": sweep.before}).fetchall()
            for part in found:
                reason = f"{part['rows']} rows: {sweep.reason}"
                event = _event(run_key, sweep.kind, part["name"], reason, int(part["bytes"])) | {"dry_run": dry_run}
                connection.execute(statement("retention/add_event"), event)
                if dry_run:
                    continue
                if sweep.kind == "partition":
                    connection.execute(sql.SQL("DROP TABLE ljwx.{}").format(sql.Identifier(part["name"])))
                else:
                    named = {"name": part["name"], "before": sweep.before}
                    connection.execute(statement(SWEPT[sweep.kind]), named)
        return found


def _event(run_key: int, kind: str, name: str, reason: str, size: int | None) -> dict[str, Any]:
    return {"kind": kind, "name": name, "reason": reason, "bytes": size, "dry_run": False, "run_key": run_key}
