"""What every warehouse verb is made of: SQL files, one transaction, records, frames in and out by COPY."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeAlias, TypeVar
from weakref import finalize

import polars as pl
from psycopg import Connection, OperationalError, sql
from psycopg.abc import PQGen
from psycopg.generators import copy_from
from psycopg.pq.abc import PGconn
from psycopg.rows import dict_row, kwargs_row, scalar_row, tuple_row

from ljwx.database import IN_UTF8, settle, unfit
from ljwx.exceptions import ConfigurationError
from ljwx.resources import packaged_folder

SLICE_ROWS = 4_000
BARS_LOCK = 0x6C6A62617273  # "ljbars"
PATIENT = (
    "SELECT set_config(name, '0', true) FROM pg_settings "
    "WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')"
)
"""Lets a transaction wait for the work that it guards, however long that takes; the second is of PostgreSQL 17."""

Record = TypeVar("Record")
Connect: TypeAlias = Callable[[], Connection[Any]]
"""Opens a new connection to the warehouse's database."""


@cache
def statement(name: str, /, **columns: tuple[str, ...]) -> str:
    """Return the text of ``include/sql/<name>.sql``; values are named placeholders, ``%(name)s``.

    :param columns: names of columns, by the table's alias: ``{b}`` in the file stands for ``b.high, b.low``,
        and ``{ljwx}`` for a table of the schema.
    """
    text = (packaged_folder() / "sql" / f"{name}.sql").read_text(encoding="utf-8").strip().rstrip(";")
    if not columns:
        return text
    return sql.SQL(text).format(**{alias: _listed(alias, names) for alias, names in columns.items()}).as_string()


def _listed(alias: str, names: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(alias, name) for name in names)


class WarehouseBase:
    """Connection, transactions, records and frames; the domain's verbs are in the modules beside this one.

    :param connect: opens a connection. One that is idle is used again, and all are closed when the warehouse goes.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._idle: list[Connection[dict[str, Any]]] = []
        self._guards: list[Connection[dict[str, Any]]] = []
        finalize(self, _close_all, self._idle, os.getpid())

    def migrate(self) -> None:
        """Bring the schema to the newest migration; safe from several processes at once.

        :raises ConfigurationError: the schema is at a migration that this version does not know, the role may not make
            it, or the database cannot hold it.
        """
        from alembic.util import CommandError

        from ljwx.migrations import Refused, upgrade

        try:
            upgrade(connect=self._connect)
        except Refused as error:
            raise ConfigurationError(str(error)) from None
        except CommandError as error:
            raise ConfigurationError(f"the warehouse's tables are not of this version's past: {error}") from None

    @contextmanager
    def transaction(self) -> Iterator[Connection[dict[str, Any]]]:
        """Lend a connection whose work is kept as a whole on success, and leaves nothing on an error.

        A transaction inside another one has a connection of its own. Nothing is kept when `bars_lock` was held and is
        lost before its end.
        """
        connection = self._idle_connection() or self._new_connection()
        try:
            with connection.transaction():
                yield connection
                for guard in self._guards:
                    guard.execute("")
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)

    @contextmanager
    def bars_lock(self, *, exclusive: bool = False) -> Iterator[None]:
        """Hold the lock between those who write bars, many at a time, and those who must see all of them, exclusively.

        It is taken before the writing transaction begins, because a row's `first_seen` is the time of that beginning:
        whatever begins after an exclusive holder has read is newer than what the holder writes, and cannot be missed.
        So a transaction of its own holds it, which a pooler leaves on one connection, as it does not a session.
        """
        suffix = "" if exclusive else "_shared"
        with self.transaction() as guard:
            guard.execute(PATIENT)
            guard.execute(f"SELECT pg_advisory_xact_lock{suffix}({BARS_LOCK})")
            self._guards.append(guard)
            try:
                yield
            finally:
                self._guards.remove(guard)

    def _idle_connection(self) -> Connection[dict[str, Any]] | None:
        """Take a connection that still answers."""
        while self._idle:
            connection = self._idle.pop()
            try:
                connection.execute("")
            except OperationalError:
                connection.close()
            else:
                return connection
        return None

    def _new_connection(self) -> Connection[dict[str, Any]]:
        connection = self._connect()
        problem = unfit(connection)
        if problem is not None:
            connection.close()
            raise ConfigurationError(f"the warehouse: {problem}")
        settle(connection)
        connection.row_factory = dict_row
        connection.autocommit = True
        return connection

    def records(self, kind: Callable[..., Record], name: str, /, **values: Any) -> list[Record]:
        """Run the query of an SQL file and return its rows as records.

        :param kind: the record's class, or a function that makes one; the query's columns are its parameters, by name.
        """
        with self.transaction() as connection, connection.cursor(row_factory=kwargs_row(kind)) as cursor:
            return cursor.execute(statement(name), values).fetchall()

    def record(self, kind: Callable[..., Record], name: str, /, **values: Any) -> Record | None:
        """Run the query of an SQL file and return its first row as a record; None when there is no row."""
        found = self.records(kind, name, **values)
        return found[0] if found else None

    def column(self, name: str, /, **values: Any) -> list[Any]:
        """Run the query of an SQL file and return the first column of its rows."""
        with self.transaction() as connection, connection.cursor(row_factory=scalar_row) as cursor:
            return cursor.execute(statement(name), values).fetchall()

    def mapping(self, name: str, /, **values: Any) -> dict[Any, Any]:
        """Run the query of an SQL file with two columns and return the second by the first."""
        with self.transaction() as connection, connection.cursor(row_factory=tuple_row) as cursor:
            return dict(cursor.execute(statement(name), values).fetchall())

    def execute(self, name: str, /, **values: Any) -> int:
        """Run the statement of an SQL file in a transaction of its own; return how many rows it touched."""
        with self.transaction() as connection:
            return connection.execute(statement(name), values).rowcount

    def frame(
        self,
        name: str,
        schema: Mapping[str, Any],
        *,
        columns: Mapping[str, tuple[str, ...]] | None = None,
        **values: Any,
    ) -> pl.DataFrame:
        """Run the query of an SQL file and return its rows as a frame.

        :param schema: column → polars type, in the order of the query's columns.
        :param columns: names of columns, by the table's alias: see :func:`statement`.
        """
        query = f"COPY ({statement(name, **(columns or {}))}) TO STDOUT ({IN_UTF8})"
        with self.transaction() as connection, connection.cursor().copy(query, values):
            data = connection.wait(_whole(connection.pgconn))
        if not data:
            return pl.DataFrame(schema=dict(schema))
        return pl.read_csv(data, has_header=False, schema=dict(schema))


def _whole(connection: PGconn) -> PQGen[bytes]:
    """Read all that a COPY sends: waiting for it as a whole, and not for each row, takes half the time."""
    parts = list[bytes]()
    while isinstance(part := (yield from copy_from(connection)), memoryview):
        parts.append(bytes(part))
    return b"".join(parts)


def stage(connection: Connection[Any], table: str, frame: pl.DataFrame, keys: Sequence[str] = ()) -> None:
    """Copy a frame into a temporary table named like its target with ``staged_`` in front, gone at commit.

    :param table: name in schema ljwx whose columns and types the temporary table takes.
    :param keys: the columns that it will be joined on; all when none are given.
    """
    _require_name(table)
    columns = ", ".join(frame.columns)
    selected = f"SELECT {columns} FROM ljwx.{table}"  # noqa: S608 - names of this package's own tables
    create = f"CREATE TEMP TABLE staged_{table} ON COMMIT DROP AS {selected} WITH NO DATA"
    connection.execute(create)
    _copy(connection, f"staged_{table}", frame)
    connection.execute(f"ANALYZE staged_{table}" + (f" ({', '.join(keys)})" if keys else ""))


def append(connection: Connection[Any], table: str, frame: pl.DataFrame) -> None:
    """Copy a frame into a table of schema ljwx; none of its rows may be there."""
    _require_name(table)
    _copy(connection, f"ljwx.{table}", frame)


def _copy(connection: Connection[Any], target: str, frame: pl.DataFrame) -> None:
    into = f"COPY {target} ({', '.join(frame.columns)}) FROM STDIN ({IN_UTF8})"
    with connection.cursor().copy(into) as copy:
        for part in _arrays_as_text(frame).iter_slices(SLICE_ROWS):
            copy.write(part.write_csv(include_header=False, quote_style="necessary").encode())


def _require_name(table: str) -> None:
    if not re.fullmatch(r"[a-z_]+", table):
        raise ValueError(f"{table!r} is not a table name")


def _close_all(connections: list[Connection[Any]], process: int) -> None:
    """Close a warehouse's idle connections, in the process that opened them."""
    if os.getpid() == process:
        for connection in connections:
            connection.close()


def _arrays_as_text(frame: pl.DataFrame) -> pl.DataFrame:
    lists = [name for name, kind in frame.schema.items() if isinstance(kind, pl.List)]
    return frame.with_columns(pl.format("{{{}}}", pl.col(name).list.join(",")).alias(name) for name in lists)
