"""What the doctor looks at in the database: server, role, schema, clock."""

from __future__ import annotations

from datetime import datetime, timezone

from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.doctor.finding import Finding

CLOCK_SECONDS = 5.0
RIGHTS = "let an administrator give it the schema ljwx and what is in it, and TEMP on the database: docs/connections.md"


def database() -> Finding:
    """Return the version of the server, and whether a pooler stands before it."""
    server = WarehouseHook().server()
    return Finding("database", True, f"PostgreSQL {server.version}{' behind a pooler' if server.pooled else ''}")


def role() -> Finding:
    """Look whether the role may write the tables, and make those of the next year."""
    rights = WarehouseHook().rights()
    lacks = [
        f"may not {what}"
        for what, allowed in (
            ("make temporary tables", rights.temporary),
            ("make tables", rights.creates),
            ("make partitions of tables of another owner", rights.owns),
        )
        if not allowed
    ]
    if not lacks:
        return Finding("role", True, f"{rights.role} may write and make the tables")
    return Finding("role", False, f"{rights.role} {', '.join(lacks)}", RIGHTS)


def schema() -> Finding:
    """Compare the schema with the newest migration."""
    from ljwx.migrations import newest

    at, head = WarehouseHook().schema_version(), newest()
    return Finding("schema", at == head, f"migration {at or 'none'} of {head}", "" if at == head else "ljwx migrate")


def clock() -> Finding:
    """Compare this clock with the database's."""
    off = abs((datetime.now(timezone.utc) - WarehouseHook().server().now).total_seconds())
    fine = off < CLOCK_SECONDS
    return Finding("clock", fine, f"{off:.1f} s from the database's", "" if fine else "set the clock by NTP")
