"""The schema `ljwx` as Alembic migrations, applied by `python -m ljwx.migrations URL` and by the ingest DAG."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import psycopg
from psycopg import Connection
from psycopg.errors import InsufficientPrivilege

from ljwx.database import settle, unfit

LOCK = 0x6C6A7778  # "ljwx": one migration at a time per database


class Refused(Exception):
    """The database cannot hold the tables, or the role may not make them; the message says what to do."""


def upgrade(
    url: str = "postgresql+psycopg://", revision: str = "head", *, connect: Callable[[], Any] | None = None
) -> None:
    """Bring the database at `url` (SQLAlchemy form) to `revision`; safe to call from several processes at once.

    An advisory lock makes the others wait; what they then find is already at the revision.

    :param connect: opens the psycopg connection; the URL does not count then.
    :raises Refused: see there; nothing has changed.
    """
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import ProgrammingError
    from sqlalchemy.pool import NullPool

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    opened = partial(_fit, connect or partial(_open, url))
    engine = create_engine("postgresql+psycopg://", poolclass=NullPool, creator=opened)
    with engine.begin() as connection:
        try:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
            # Not IF NOT EXISTS: that asks for the right to create a schema also where there is one.
            if connection.scalar(text("SELECT to_regnamespace('ljwx')")) is None:
                connection.execute(text("CREATE SCHEMA ljwx"))
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
        except ProgrammingError as error:
            if isinstance(error.orig, InsufficientPrivilege):
                used = cast("Connection[Any]", connection.connection.driver_connection)
                raise Refused(_denied(used.info.user, error.orig)) from None
            raise


def _open(url: str) -> Connection[Any]:
    from sqlalchemy import make_url

    return psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))


def _fit(connect: Callable[[], Connection[Any]]) -> Connection[Any]:
    """Open a connection and look at it before SQLAlchemy does, which an encoding can break."""
    connection = connect()
    problem = unfit(connection)
    if problem is not None:
        connection.close()
        raise Refused(problem)
    settle(connection)
    return connection


def _denied(role: str, error: InsufficientPrivilege) -> str:
    said = error.diag.message_primary
    return (
        f"the role {role} may not make the tables ({said}): let an administrator give it the schema, CREATE SCHEMA "
        f"ljwx AUTHORIZATION {role}; or, where there is one, migrate as its owner"
    )


def newest() -> str:
    """Return the migration that this version of the package brings the tables to."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return str(ScriptDirectory.from_config(config).get_current_head())
