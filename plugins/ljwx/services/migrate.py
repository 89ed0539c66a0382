"""The warehouse's tables, brought to this version."""

from __future__ import annotations

from dataclasses import dataclass

from ljwx.hooks.warehouse import WarehouseHook


@dataclass(frozen=True)
class Migrated:
    """The migrations that the tables were and are at; None: there were no tables."""

    before: str | None
    now: str | None


def migrate() -> Migrated:
    """Bring the tables to the newest migration.

    :raises ConfigurationError: they are at a migration that this version does not know.
    """
    warehouse = WarehouseHook()
    before = warehouse.schema_version()
    warehouse.migrate()
    return Migrated(before, warehouse.schema_version())
