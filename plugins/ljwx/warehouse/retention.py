"""What cleanup has to know before it plans, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import class_row, scalar_row

from ljwx.core.retention import (
    Citation,
    Removal,
    RetentionPlan,
    RetentionPolicy,
    StoredDataset,
    StoredModel,
    StoredTraining,
    Sweep,
    plan,
)
from ljwx.exceptions import NotFound
from ljwx.warehouse.base import statement
from ljwx.warehouse.promotions import ALIAS_LOCK, PromotionsVerbs

REMOVE = {
    "model": "retention/delete_model",
    "dataset": "retention/delete_dataset",
    "training": "retention/delete_training",
}
EXPIRED = {
    "quarantine": "retention/expired_quarantine",
    "answers": "retention/expired_answers",
    "partition": "retention/expired_partitions",
}
SWEPT = {"quarantine": "retention/delete_quarantine", "answers": "retention/delete_answers"}

COUNT = sql.SQL("SELECT count(*) FROM ljwx.{}")


@dataclass(frozen=True)
class DecisionMade:
    """A decision about a model."""

    model: str
    promotion_id: int


@dataclass(frozen=True)
class SweptPart:
    """Rows that a sweep finds together: a month of refused rows, a model's answers, a partition."""

    name: str
    rows: int
    bytes: int


class RetentionVerbs(PromotionsVerbs):
    """Verbs of the stage `retention`."""

    def stored_models(self) -> list[StoredModel]:
        """Return the models that have not been deleted."""
        return self.records(StoredModel, "retention/models")

    def stored_datasets(self) -> list[StoredDataset]:
        """Return the datasets whose files have not been deleted."""
        return self.records(StoredDataset, "retention/datasets")

    def stored_trainings(self) -> list[StoredTraining]:
        """Return the trainings whose job folders have not been deleted."""
        return self.records(StoredTraining, "retention/trainings")

    def dataset_folder(self, dataset_id: str) -> str:
        """Return the folder of a dataset's files.

        :raises NotFound: there is no such dataset.
        """
        found = self.column("retention/dataset_folder", dataset_id=dataset_id)
        if not found:
            raise NotFound(f"no dataset is called {dataset_id!r}")
        return str(found[0])

    def training_folder(self, recipe_id: str) -> str:
        """Return the job folder of a training.

        :raises NotFound: there is no such training.
        """
        found = self.column("retention/training_folder", recipe_id=recipe_id)
        if not found:
            raise NotFound(f"no training has the recipe {recipe_id!r}")
        return str(found[0])

    def citations(self) -> list[Citation]:
        """Return what decisions cite."""
        return self.records(Citation, "retention/citations")

    def decisions_made(self) -> list[DecisionMade]:
        """Return every decision, each of which has a report."""
        return self.records(DecisionMade, "retention/decisions_made")

    def known_specs(self) -> set[str]:
        """Return the hashes of the build specs of all models, deleted ones included."""
        return set(self.column("retention/known_specs"))

    def retention_plan(
        self, policy: RetentionPolicy, today: date, is_running: Callable[[str], bool] = lambda _: False
    ) -> RetentionPlan:
        """Return what may go and what stays, as the books are now.

        :param is_running: tells of a job folder whether it is trained in now.
        """
        aliases = {each.alias: each.model for each in self.aliases()}
        models, datasets, trainings = self.stored_models(), self.stored_datasets(), self.stored_trainings()
        running = {each.name for each in trainings if is_running(each.job)}
        return plan(models, datasets, aliases, self.citations(), policy, today, trainings, running)

    @contextmanager
    def removal(
        self,
        run_key: int,
        removal: Removal,
        size: int | None,
        policy: RetentionPolicy,
        today: date,
        is_running: Callable[[str], bool] = lambda _: False,
    ) -> Iterator[bool]:
        """Tell whether a model, a dataset or a training may still go, and hold it for as long as the block removes it.

        No decision and no rollback can be written meanwhile, and the policy is asked again under that lock. The
        tombstone is written before the block begins, so that a database that takes no row more stops the removal; it
        is kept only if the block ends well. When the connection is lost at the very end, the thing is gone without
        its tombstone, and the next run writes it.

        :param size: bytes that it gives back; None where they are not known.
        """
        with self.transaction() as connection:
            connection.execute(ALIAS_LOCK)
            if removal not in self.retention_plan(policy, today, is_running).removals:
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

    def sweep(self, run_key: int, sweep: Sweep, dry_run: bool) -> list[SweptPart]:
        """Remove what a sweep finds, each part with its tombstone in one transaction; in a dry run only find it."""
        with self.transaction() as connection:
            with connection.cursor(row_factory=class_row(SweptPart)) as cursor:
                found = cursor.execute(statement(EXPIRED[sweep.kind]), {"before": sweep.before}).fetchall()
            if sweep.kind == "partition":  # whose rows PostgreSQL itself only estimates
                found = [replace(part, rows=_count(connection, part.name)) for part in found]
            for part in found:
                reason = f"{part.rows} rows: {sweep.reason}"
                event = _event(run_key, sweep.kind, part.name, reason, part.bytes) | {"dry_run": dry_run}
                connection.execute(statement("retention/add_event"), event)
                if not dry_run:
                    _remove_part(connection, sweep, part.name)
        return found


def _count(connection: Connection[Any], table: str) -> int:
    with connection.cursor(row_factory=scalar_row) as cursor:
        (rows,) = cursor.execute(COUNT.format(sql.Identifier(table))).fetchall()
    return int(rows)


def _remove_part(connection: Connection[Any], sweep: Sweep, name: str) -> None:
    if sweep.kind == "partition":
        connection.execute(sql.SQL("DROP TABLE ljwx.{}").format(sql.Identifier(name)))
    else:
        connection.execute(statement(SWEPT[sweep.kind]), {"name": name, "before": sweep.before})


def _event(run_key: int, kind: str, name: str, reason: str, size: int | None) -> dict[str, Any]:
    return {"kind": kind, "name": name, "reason": reason, "bytes": size, "dry_run": False, "run_key": run_key}
