"""The stage `retention`: plan what may go, then remove it, each with its tombstone."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ljwx.core.retention import Removal
    from ljwx.hooks.ollama import OllamaHook
    from ljwx.hooks.warehouse import WarehouseHook

log = logging.getLogger(__name__)


def apply_retention() -> dict[str, int | bool]:
    """Remove what the policy does not protect; in a dry run only say what would go.

    :return: dry_run, removed and kept (counts).
    """
    from airflow.sdk import get_current_context

    from ljwx.core.retention import plan
    from ljwx.hooks.ollama import OllamaHook
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.schedule import SHANGHAI
    from ljwx.settings import current_settings
    from ljwx.tasks.runs import recorded_run

    context = get_current_context()
    chosen, run_type = context["params"]["dry_run"], context["dag_run"].run_type
    dry_run = bool(chosen) if chosen is not None else run_type != "scheduled"
    today = context["dag_run"].run_after.astimezone(SHANGHAI).date()
    warehouse, ollama = WarehouseHook(), OllamaHook()
    with recorded_run(warehouse, dry_run=dry_run, today=today.isoformat()) as run:
        found = plan(
            warehouse.stored_models(), warehouse.stored_datasets(), warehouse.aliases(), warehouse.citations(),
            current_settings().retention, today,
        )  # fmt: skip
        for kept in found.kept:
            log.info("keep %s %s: %s", kept.kind, kept.name, "; ".join(kept.reasons))
        for removal in found.removals:
            log.info(
                "%s %s %s: %s", "would remove" if dry_run else "remove", removal.kind, removal.name, removal.reason
            )
            size = _remove(warehouse, ollama, removal, dry_run)
            warehouse.save_removal(run.key, removal.kind, removal.name, removal.reason, size, dry_run)
        run.outputs |= {"removed": len(found.removals), "kept": len(found.kept)}
    return {"dry_run": dry_run, "removed": len(found.removals), "kept": len(found.kept)}


def _remove(warehouse: WarehouseHook, ollama: OllamaHook, removal: Removal, dry_run: bool) -> int | None:
    """Remove one thing unless it is a dry run; return its bytes where they are known."""
    from ljwx.exceptions import ModelMissing

    if removal.kind == "dataset":
        folder = Path(warehouse.dataset_folder(removal.name))
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        if not dry_run:
            shutil.rmtree(folder, ignore_errors=False) if folder.exists() else None
        return size
    if not dry_run:
        try:
            ollama.delete(removal.name)
        except ModelMissing:
            log.warning("%s was not on the server any more", removal.name)
    return None
