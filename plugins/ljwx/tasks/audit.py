"""The audit: model server and data folder compared with the books, in both directions."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ljwx.core.audit import Orphan

log = logging.getLogger(__name__)


def audit_storage() -> int:
    """Log each tag, row or folder whose other half is missing; nothing is removed and nothing fails.

    :return: how many there are.
    """
    found = audit()
    for orphan in found:
        log.warning("%s %s has %s: %s", orphan.kind, orphan.name, orphan.lacks, orphan.advice)
    log.info("audit: %d orphans", len(found))
    return len(found)


def audit() -> tuple[Orphan, ...]:
    """Return each tag, row or folder whose other half is missing."""
    from ljwx.core.audit import orphans
    from ljwx.hooks.ollama import OllamaHook
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.settings import current_settings
    from ljwx.tasks.files import data_root
    from ljwx.tasks.serving import alias_tags

    repository, warehouse = current_settings().model.repository, WarehouseHook()
    stored = data_root() / "datasets"
    return orphans(
        tags=[model.name for model in OllamaHook().list() if model.name.startswith(f"{repository}:")],
        models=[model.name for model in warehouse.stored_models()],
        folders=[path.name for path in stored.iterdir() if path.is_dir()] if stored.exists() else [],
        datasets=[dataset.name for dataset in warehouse.stored_datasets()],
        aliases=alias_tags(repository),
    )
