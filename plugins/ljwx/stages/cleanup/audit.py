"""The task `audit_storage`: list what has lost its other half."""

from __future__ import annotations

import logging

from ljwx.services.audit import audit

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
