"""The audit: model server and data folder compared with the books, in both directions."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from airflow.sdk import ObjectStoragePath

from ljwx.core.audit import Orphan, Sides, orphans
from ljwx.files import data_root, report_folder
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.serving import alias_tags
from ljwx.settings import current_settings

log = logging.getLogger(__name__)


def audit() -> tuple[Orphan, ...]:
    """Return each tag, row, file or folder whose other half is missing."""

    repository, warehouse, root = current_settings().model.repository, WarehouseHook(), data_root()
    ollama = OllamaHook()
    return orphans(
        Sides(
            tags=[model.name for model in ollama.list()],
            shells=[model.name for model in ollama.shells()],
            models=[model.name for model in warehouse.stored_models()],
            repository=repository,
            aliases=alias_tags(repository),
            folders=[path.name for path in _finished(root / "datasets")],
            datasets=[dataset.name for dataset in warehouse.stored_datasets()],
            reports=[f"reports/{of.name}/{path.name}" for of in _finished(root / "reports") for path in _finished(of)],
            decisions=[report_folder(each.model, each.promotion_id) for each in warehouse.decisions_made()],
            specs=[path.stem for path in _finished(root / "specs")],
            built=warehouse.known_specs(),
            jobs=[path.name for path in _finished(root / "training")],
            trainings=[training.name for training in warehouse.stored_trainings()],
            partials=[str(path.relative_to(root)) for path in root.rglob("*.partial")] if root.exists() else [],
        )
    )


def _finished(folder: ObjectStoragePath) -> Iterator[ObjectStoragePath]:
    """Yield what is in a folder, but for what was not finished; nothing when it is not there."""
    if folder.exists():
        yield from (path for path in folder.iterdir() if path.suffix != ".partial")
