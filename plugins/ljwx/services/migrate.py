"""The warehouse's tables, brought to this version."""

from __future__ import annotations

from dataclasses import dataclass

from ljwx.hooks.ledger import LedgerHook


@dataclass(frozen=True)
class Migrated:
    """The migrations that the tables were and are at; None: there were no tables."""

    before: str | None
    now: str | None


def migrate() -> Migrated:
    """Bring the tables to the newest migration.

    :raises ConfigurationError: they are at a migration that this version does not know.
    """
    ledger = LedgerHook()
    before = ledger.schema_version()
    ledger.migrate()
    return Migrated(before, ledger.schema_version())
