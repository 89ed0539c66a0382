"""Writing rows that their source may correct later: the old values stay, the new ones become the next revision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from psycopg import Connection

from ljwx.warehouse.base import append, stage


@dataclass(frozen=True)
class Merged:
    """Rows that were new, and rows whose values differed from the current revision.

    :param kept: rows that were not looked at, because those that are there have precedence.
    """

    inserted: int
    revised: int
    kept: int = 0


def merge_revisions(
    connection: Connection[Any], table: str, frame: pl.DataFrame, keys: Sequence[str], run_key: int
) -> Merged:
    """Write the rows of `frame` that are new or changed; unchanged rows are not touched.

    Where nothing of the frame's stocks and sessions is there yet, the rows go straight into the table.

    :param table: table of schema ljwx with `revision`, `first_seen`, `superseded_at`, `run_key`.
    :param frame: keys and values, one row per key, `ts_code` and perhaps `session` among the keys.
    """
    if frame.is_empty():
        return Merged(0, 0)
    if not _is_known(connection, table, frame, keys):
        append(connection, table, _with_first_revision(frame, run_key).sort(keys))
        return Merged(frame.height, 0)
    stage(connection, table, frame, keys)
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
        f"SELECT {columns}, coalesce(old, ({_newest(table, same_key)}), 0) + 1, {run_key:d} FROM changed_{table} s",
    )
    _run(connection, f"DROP TABLE staged_{table}, changed_{table}")
    return Merged(written - revised, revised)


def _newest(table: str, same_key: str) -> str:
    """Select the last revision of a row that has none that is current."""
    return f"SELECT max(t.revision) FROM ljwx.{table} t WHERE {same_key}"


def _is_known(connection: Connection[Any], table: str, frame: pl.DataFrame, keys: Sequence[str]) -> bool:
    """Say whether the table has a row of the frame's stocks in its range of sessions, superseded ones included."""
    bounds = _bounds(frame, keys)
    codes = frame["ts_code"].unique()
    # Sending thousands of codes costs more than the answer, which is mostly known from the sessions alone.
    return _exists(connection, f"SELECT FROM ljwx.{table} t WHERE true{bounds}") and _exists(
        connection,
        f"SELECT FROM ljwx.{table} t WHERE t.ts_code = ANY(string_to_array(%s, ',')){bounds}",
        codes.str.join(",")[0],
    )


def _exists(connection: Connection[Any], query: str, *values: Any) -> bool:
    found = connection.execute(f"SELECT EXISTS ({query}) AS known", values).fetchone()
    return found is None or bool(found["known"])


def _with_first_revision(frame: pl.DataFrame, run_key: int) -> pl.DataFrame:

    return frame.with_columns(revision=pl.lit(1, dtype=pl.Int32), run_key=pl.lit(run_key, dtype=pl.Int64))


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
