"""What the warehouse asks of a connection to PostgreSQL, with or without a pooler in between.

A pooler in transaction mode gives each transaction another session: what is to hold must stand in the transaction.
"""

from __future__ import annotations

from typing import Any

from psycopg import Connection, NotSupportedError

ENCODING = "UTF8"
HARDEST = "𠮷😀"
"""Characters of names and answers that only an encoding of all Unicode carries."""
IN_UTF8 = "FORMAT csv, ENCODING 'UTF8'"
"""Options of COPY: its text is UTF-8 whatever the connection's `client_encoding`."""


def settle(connection: Connection[Any]) -> None:
    """Prepare no statement by name: its name would be known to one session only, or be taken in another one."""
    connection.prepare_threshold = None


def unfit(connection: Connection[Any]) -> str | None:
    """Say why a warehouse cannot be kept over a connection, and what to do; None when it can. Asks the server nothing.

    Poolers hand these parameters on.
    """
    database, server = connection.info.dbname, connection.info.parameter_status("server_encoding")
    if server not in (ENCODING, None):
        return (
            f"the database {database} has the encoding {server}, which does not hold every name and answer: make one "
            f"with CREATE DATABASE … ENCODING '{ENCODING}' TEMPLATE template0, and name it in the connection"
        )
    if not _carries_all(connection):
        given = connection.info.parameter_status("client_encoding")
        return (
            f"client_encoding {given} does not carry every name and answer: leave it out of the connection, the role "
            f"and PGCLIENTENCODING, or say {ENCODING} or GB18030"
        )
    style = connection.info.parameter_status("DateStyle")
    if style is not None and not style.startswith("ISO"):
        return f"DateStyle is {style}, and must be ISO: ALTER ROLE {connection.info.user} SET datestyle = 'ISO'"
    return None


def _carries_all(connection: Connection[Any]) -> bool:
    try:
        return bool(HARDEST.encode(connection.info.encoding))
    except (UnicodeEncodeError, NotSupportedError):
        return False
