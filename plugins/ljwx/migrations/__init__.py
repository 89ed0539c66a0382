"""The schema `ljwx` as Alembic migrations, applied by `python -m ljwx.migrations URL` and by the ingest DAG."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

LOCK = 0x6C6A7778  # "ljwx": one migration at a time per database


def upgrade(
    url: str = "postgresql+psycopg://", revision: str = "head", *, connect: Callable[[], Any] | None = None
) -> None:
    """Bring the database at `url` (SQLAlchemy form) to `revision`; safe to call from several processes at once.

    An advisory lock makes the others wait; what they then find is already at the revision.

    :param connect: opens the psycopg connection; of the URL only the driver counts then.
    """
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    engine = create_engine(url, poolclass=NullPool, **({"creator": connect} if connect else {}))
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS ljwx"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def newest() -> str:
    """Return the migration that this version of the package brings the tables to."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return str(ScriptDirectory.from_config(config).get_current_head())
