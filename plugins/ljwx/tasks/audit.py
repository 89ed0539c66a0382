"""The audit: model server and data folder compared with the books, in both directions."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ljwx.tasks.files import data_root
from ljwx.tasks.reports import report_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import ObjectStoragePath

    from ljwx.core.audit import Orphan

log = logging.getLogger(__name__)


def audit_storage() -> int:
    """Log each tag, row, file or folder whose other half is missing; nothing is removed and nothing fails.

    :return: how many there are.
    """
    found = audit()
    for orphan in found:
        log.warning("%s %s has %s: %s", orphan.kind, orphan.name, orphan.lacks, orphan.advice)
    log.info("audit: %d orphans", len(found))
    return len(found)


def audit() -> tuple[Orphan, ...]:
    """Return each tag, row, file or folder whose other half is missing."""
    from ljwx.core.audit import Sides, orphans
    from ljwx.hooks.ollama import OllamaHook
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.settings import current_settings
    from ljwx.tasks.serving import alias_tags

    repository, warehouse, root = current_settings().model.repository, WarehouseHook(), data_root()
    return orphans(
        Sides(
            tags=[model.name for model in OllamaHook().list()],
            models=[model.name for model in warehouse.stored_models()],
            repository=repository,
            aliases=alias_tags(repository),
            folders=[path.name for path in _finished(root / "datasets")],
            datasets=[dataset.name for dataset in warehouse.stored_datasets()],
            reports=[f"reports/{of.name}/{path.name}" for of in _finished(root / "reports") for path in _finished(of)],
            decisions=[report_folder(row["model"], row["promotion_id"]) for row in warehouse.known_reports()],
            specs=[path.stem for path in _finished(root / "specs")],
            built=warehouse.known_specs(),
            partials=[str(path.relative_to(root)) for path in root.rglob("*.partial")] if root.exists() else [],
        )
    )


def _finished(folder: ObjectStoragePath) -> Iterator[ObjectStoragePath]:
    """Yield what is in a folder, but for what was not finished; nothing when it is not there."""
    if folder.exists():
        yield from (path for path in folder.iterdir() if path.suffix != ".partial")
