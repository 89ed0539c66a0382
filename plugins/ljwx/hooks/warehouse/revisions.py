"""Writing rows that their source may correct later: the old values stay, the new ones become the next revision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import Connection

from ljwx.hooks.warehouse.base import stage

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Merged:
    """Rows that were new, and rows whose values differed from the current revision."""

    inserted: int
    revised: int


def merge_revisions(
    connection: Connection[Any], table: str, frame: pl.DataFrame, keys: Sequence[str], run_key: int
) -> Merged:
    """Write the rows of `frame` that are new or changed; unchanged rows are not touched.

    :param table: table of schema ljwx with `revision`, `first_seen`, `superseded_at`, `run_key`.
    :param frame: keys and values, one row per key.
    """
    if frame.is_empty():
        return Merged(0, 0)
    stage(connection, table, frame)
    values = [name for name in frame.columns if name not in keys]
    same_key = " AND ".join(f"t.{key} = s.{key}" for key in keys)
    bounds = _bounds(frame, keys)
    _run(
        connection,
        f"CREATE TEMP TABLE changed_{table} ON COMMIT DROP AS SELECT s.*, t.revision AS old "
        f"FROM staged_{table} s LEFT JOIN ljwx.{table} t ON {same_key} AND t.superseded_at IS NULL{bounds} "
        f"WHERE t.run_key IS NULL OR {_row('t', values)} IS DISTINCT FROM {_row('s', values)}",
    )
    revised = _run(
        connection,
        f"UPDATE ljwx.{table} t SET superseded_at = now() FROM changed_{table} s "
        f"WHERE s.old IS NOT NULL AND {same_key} AND t.superseded_at IS NULL{bounds}",
    )
    columns = ", ".join(frame.columns)
    written = _run(
        connection,
        f"INSERT INTO ljwx.{table} ({columns}, revision, run_key) "
        f"SELECT {columns}, coalesce(old, 0) + 1, {run_key:d} FROM changed_{table}",
    )
    _run(connection, f"DROP TABLE staged_{table}, changed_{table}")
    return Merged(written - revised, revised)


def _bounds(frame: pl.DataFrame, keys: Sequence[str]) -> str:
    """Return the session range of the frame as a condition: without it every yearly partition would be read."""
    if "session" not in keys:
        return ""
    days = frame["session"].unique().sort().to_list()
    return f" AND t.session BETWEEN '{days[0]}' AND '{days[-1]}'"


def _row(alias: str, columns: Sequence[str]) -> str:
    return "(" + ", ".join(f"{alias}.{name}" for name in columns) + ")"


def _run(connection: Connection[Any], query: str) -> int:
    return connection.execute(query).rowcount
