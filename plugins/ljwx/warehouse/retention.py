"""What cleanup has to know before it plans, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from psycopg import sql

from ljwx.core.retention import (
    Citation,
    Removal,
    RetentionPlan,
    RetentionPolicy,
    StoredDataset,
    StoredModel,
    Sweep,
    plan,
)
from ljwx.warehouse.base import WarehouseBase, statement
from ljwx.warehouse.models import ALIAS_LOCK

REMOVE = {"model": "retention/delete_model", "dataset": "retention/delete_dataset"}
EXPIRED = {
    "quarantine": "retention/expired_quarantine",
    "answers": "retention/expired_answers",
    "partition": "retention/expired_partitions",
}
SWEPT = {"quarantine": "retention/delete_quarantine", "answers": "retention/delete_answers"}

COUNT = sql.SQL("SELECT count(*) AS rows FROM ljwx.{}")


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
        return {row["alias"]: row["model"] for row in self.rows("promotions/aliases")}

    def citations(self) -> list[Citation]:
        """Return what decisions cite."""
        return [Citation(**row) for row in self.rows("retention/citations")]

    def known_reports(self) -> list[dict[str, Any]]:
        """Return model and promotion_id of every decision."""
        return self.rows("retention/known_reports")

    def known_specs(self) -> set[str]:
        """Return the hashes of the build specs of all models, deleted ones included."""
        return {row["spec_sha256"] for row in self.rows("retention/known_specs")}

    def retention_plan(self, policy: RetentionPolicy, today: date) -> RetentionPlan:
        """Return what may go and what stays, as the books are now."""
        return plan(
            self.stored_models(), self.stored_datasets(), self.aliases(), self.citations(), policy, today
        )  # fmt: skip

    @contextmanager
    def removal(
        self, run_key: int, removal: Removal, size: int | None, policy: RetentionPolicy, today: date
    ) -> Iterator[bool]:
        """Tell whether a model or dataset may still be removed, and hold it for as long as the block removes it.

        No decision and no rollback can be written meanwhile, and the policy is asked again under that lock. The
        tombstone is written before the block begins, so that a database that takes no row more stops the removal; it
        is kept only if the block ends well. When the connection is lost at the very end, the thing is gone without
        its tombstone, and the next run writes it.

        :param size: bytes that it gives back; None where they are not known.
        """
        with self.transaction() as connection:
            connection.execute(ALIAS_LOCK)
            if removal not in self.retention_plan(policy, today).removals:
                yield False
                return
            event = _event(run_key, removal.kind, removal.name, removal.reason, size)
            connection.execute(statement("retention/add_event"), event)
            connection.execute(statement(REMOVE[removal.kind]), {"name": removal.name})
            yield True

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
                if sweep.kind == "partition":  # which PostgreSQL itself only estimates
                    part |= connection.execute(COUNT.format(sql.Identifier(part["name"]))).fetchone() or {}
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
