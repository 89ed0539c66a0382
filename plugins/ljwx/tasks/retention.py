"""The stage `retention`: plan what may go, then remove it, each with its tombstone."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ljwx.tasks.files import folder_bytes, remove_folder

if TYPE_CHECKING:
    from ljwx.core.retention import Removal, Sweep
    from ljwx.hooks.ollama import OllamaHook
    from ljwx.hooks.warehouse import WarehouseHook

log = logging.getLogger(__name__)


def apply_retention() -> dict[str, int | bool]:
    """Remove what the policy does not protect; in a dry run only say what would go.

    :return: dry_run, removed and kept (counts), swept (rows) and bytes that were reclaimed.
    """
    from airflow.sdk import get_current_context

    from ljwx.core.retention import plan, sweeps
    from ljwx.hooks.ollama import OllamaHook
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.schedule import SHANGHAI
    from ljwx.settings import current_settings
    from ljwx.tasks.runs import recorded_run

    context = get_current_context()
    chosen, run_type = context["params"]["dry_run"], context["dag_run"].run_type
    dry_run = bool(chosen) if chosen is not None else run_type != "scheduled"
    today = context["dag_run"].run_after.astimezone(SHANGHAI).date()
    warehouse, policy = WarehouseHook(), current_settings().retention
    with recorded_run(warehouse, dry_run=dry_run, today=today.isoformat()) as run:
        found = plan(
            warehouse.stored_models(), warehouse.stored_datasets(), warehouse.aliases(), warehouse.citations(),
            policy, today,
        )  # fmt: skip
        for kept in found.kept:
            log.info("keep %s %s: %s", kept.kind, kept.name, "; ".join(kept.reasons))
        cleaner = Cleaner(warehouse, OllamaHook(), run.key, dry_run)
        removed = sum(cleaner.remove(removal) for removal in found.removals)
        swept = sum(cleaner.sweep(sweep) for sweep in sweeps(policy, today))
        told = {"removed": removed, "kept": len(found.kept), "swept": swept, "bytes": cleaner.reclaimed}
        run.outputs |= told
    return {"dry_run": dry_run, **told}


@dataclass
class Cleaner:
    """Removes one thing after the other, or in a dry run says what would go.

    :param reclaimed: bytes so far.
    """

    warehouse: WarehouseHook
    ollama: OllamaHook
    run_key: int
    dry_run: bool
    reclaimed: int = 0

    def remove(self, removal: Removal) -> bool:
        """Remove a model or a dataset; False when it is protected by now."""
        size = self._size(removal)
        self._say(removal.kind, removal.name, removal.reason, size)
        if self.dry_run:
            self.warehouse.save_would_remove(self.run_key, removal.kind, removal.name, removal.reason, size)
            return True
        with self.warehouse.removal(self.run_key, removal.kind, removal.name, removal.reason) as tombstone:
            if tombstone is None:
                log.info("keep %s %s after all: it is protected by now", removal.kind, removal.name)
                return False
            self._delete(removal)
            tombstone.size = size
        self.reclaimed += size or 0
        return True

    def sweep(self, sweep: Sweep) -> int:
        """Remove rows by age; return how many."""
        found = self.warehouse.sweep(self.run_key, sweep, self.dry_run)
        for part in found:
            self._say(sweep.kind, part["name"], f"{part['rows']} rows: {sweep.reason}", int(part["bytes"]))
            self.reclaimed += 0 if self.dry_run else int(part["bytes"])
        return sum(int(part["rows"]) for part in found)

    def _say(self, kind: str, name: str, reason: str, size: int | None) -> None:
        verb = "would remove" if self.dry_run else "remove"
        log.info("%s %s %s (%s bytes): %s", verb, kind, name, "unknown" if size is None else size, reason)

    def _size(self, removal: Removal) -> int | None:
        """Return the bytes that removing it gives back; None when the model is not on the server any more."""
        from ljwx.core.retention import reclaimed

        if removal.kind == "dataset":
            return folder_bytes(self.warehouse.dataset_folder(removal.name))
        installed = {model.name: (model.digest, model.size) for model in self.ollama.list()}
        if removal.name not in installed:
            return None
        weights = {name: self.ollama.show(name).weights for name in installed}
        return reclaimed(removal.name, installed, {name: digest for name, digest in weights.items() if digest})

    def _delete(self, removal: Removal) -> None:
        from ljwx.exceptions import ModelMissing

        if removal.kind == "dataset":
            remove_folder(self.warehouse.dataset_folder(removal.name))
            return
        try:
            self.ollama.delete(removal.name)
        except ModelMissing:
            log.warning("%s was not on the server any more", removal.name)
