"""The snapshot: the canonical JSON of facts as of a session's close, from which every prompt is rendered.

Pure: never imports airflow, an HTTP client or a database driver. Canonical means keys sorted, no spaces, fixed
decimals, UTF-8 unescaped: parsing it and writing it with :func:`canonical` gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

import polars as pl

from ljwx.core.snapshots.facts import REQUIRED, SNAPSHOT_NUMBERS, fact_columns
from ljwx.core.snapshots.profiles import with_profile
from ljwx.core.snapshots.signals import SIGNALS, STATES
from ljwx.core.snapshots.spec import SnapshotSpec
from ljwx.core.templates import NONE, Template, concatenated
from ljwx.exceptions import ConfigurationError

MASKED_NAME: Final = "某股票"
MASKED_CODE: Final = "******"
MASKED_SESSION: Final = "****-**-**"

_NUMBER_GROUPS: Final = {g: [n for n in SNAPSHOT_NUMBERS if n.group == g] for g in ("bar", "features", "ranks")}


def snapshots(
    bars: pl.DataFrame,
    features: pl.DataFrame,
    spec: SnapshotSpec,
    names: pl.DataFrame | None = None,
    industries: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Snapshot of every bar's session; null where a fact is missing (warm-up, or its look-back was not given).

    :param names: and ``industries``, over time: see :func:`ljwx.core.snapshots.profiles.with_profile`.
    :returns: the columns of :func:`fact_columns` that later stages need, with board, industry, snapshot (JSON) and
        snapshot_sha256.
    """
    rows = profiled(fact_columns(bars, features, spec), names, industries)
    return rendered(rows, spec).select(
        "ts_code",
        "session",
        "board",
        "industry",
        "snapshot",
        "snapshot_sha256",
        "bars_from",
        "conclusion",
        "support",
        "resistance",
        "range",
        *(r.name for r in SIGNALS),
        *(f"{r.name}_vote" for r in STATES),
        *(c for c in REQUIRED if c.startswith("features.")),
    )


def profiled(facts: pl.DataFrame, names: pl.DataFrame | None, industries: pl.DataFrame | None) -> pl.DataFrame:
    """Facts with name, board and industry, and ``complete``: whether none is missing. No text is made yet.

    :param facts: rows of :func:`ljwx.core.snapshots.facts.facts_of_stocks`.
    """
    complete = pl.all_horizontal([pl.col(c).is_not_null() for c in (*REQUIRED, "suspended_20")])
    return with_profile(facts, names, industries).with_columns(complete=complete & pl.col("look_back_there"))


def rendered(rows: pl.DataFrame, spec: SnapshotSpec) -> pl.DataFrame:
    """Add ``snapshot`` (null where ``complete`` is false) and ``snapshot_sha256`` to rows of :func:`profiled`."""
    rows = rows.with_columns([_quoted(rows[c], f"{c}_json") for c in ("name", "industry", "board")])
    rows = rows.with_columns(snapshot=pl.when("complete").then(_json(spec)))
    digests = [None if s is None else hashlib.sha256(s.encode()).hexdigest() for s in rows["snapshot"]]
    return rows.with_columns(pl.Series("snapshot_sha256", digests, dtype=pl.String))


def _quoted(values: pl.Series, name: str) -> pl.Series:
    distinct = values.unique()
    texts = [json.dumps(v, ensure_ascii=False) for v in distinct]
    quoted: pl.Series = values.replace_strict(distinct, pl.Series(texts, dtype=pl.String), return_dtype=pl.String)
    return quoted.alias(name)


def _json(spec: SnapshotSpec) -> pl.Expr:
    """The object as one string expression, its keys in sorted order."""
    readings = sorted(SIGNALS, key=lambda r: r.name)
    level = [("resistance", pl.col("resistance")), ("support", pl.col("support"))]
    band = pl.col("range")
    members: dict[str, list[pl.Expr | str]] = {
        "bar": _object([(n.name, pl.col(n.column)) for n in _NUMBER_GROUPS["bar"]]),
        "board": [pl.col("board_json")],
        "features": _object([(n.name, pl.col(n.column)) for n in _NUMBER_GROUPS["features"]]),
        "horizon": [str(spec.horizon)],
        "industry": [pl.col("industry_json")],
        "levels": _object(level),
        "limit": ['"', pl.col("limit"), '"'],
        "name": [pl.col("name_json")],
        "range": _object([("high", band), ("low", -band)]),
        "ranks": _object([(n.name, pl.col(n.column)) for n in _NUMBER_GROUPS["ranks"]]),
        "readings": _object([(r.name, pl.format('"{}"', pl.col(r.name))) for r in readings]),
        "session": ['"', pl.col("session").dt.to_string("iso"), '"'],
        "suspended_20": [pl.col("suspended_20").cast(pl.String)],
        "ts_code": ['"', pl.col("ts_code"), '"'],
    }
    pieces: list[pl.Expr | str] = []
    for key in sorted(members):
        pieces += [f'{"," if pieces else "{"}"{key}":', *members[key]]
    return concatenated([*pieces, "}"])


def _object(members: list[tuple[str, pl.Expr]]) -> list[pl.Expr | str]:
    pieces: list[pl.Expr | str] = []
    for name, value in members:
        pieces += [f'{"," if pieces else "{"}"{name}":', value.cast(pl.String).fill_null("null")]
    return [*pieces, "}"]


def filled(template: Template, spec: SnapshotSpec) -> pl.Expr:
    """A prompt's text from the columns of :func:`profiled`: to the byte what ``template.fill`` makes of the snapshot.

    :raises ConfigurationError: when the template names a fact that the snapshot does not hold.
    """
    return concatenated([p if isinstance(p, str) else _told_fact(p, spec) for p in template.pieces])


def _told_fact(path: tuple[str, ...], spec: SnapshotSpec) -> pl.Expr:
    facts: dict[tuple[str, ...], pl.Expr] = {
        **{(n.group, n.name): pl.col(n.column) for n in SNAPSHOT_NUMBERS},
        **{("readings", r.name): pl.col(r.name) for r in SIGNALS},
        **{("levels", level): pl.col(level) for level in ("resistance", "support")},
        ("range", "high"): pl.col("range"),
        ("range", "low"): -pl.col("range"),
        ("horizon",): pl.lit(spec.horizon),
        ("session",): pl.col("session").dt.to_string("iso"),
        **{(c,): pl.col(c) for c in ("board", "industry", "limit", "name", "suspended_20", "ts_code")},
    }
    if path not in facts:
        raise ConfigurationError(f"prompt template names a fact that the snapshot does not hold: {'.'.join(path)!r}")
    return facts[path].cast(pl.String).fill_null(NONE)


def canonical(value: Any) -> str:
    """Canonical JSON text of a parsed snapshot or answer."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def masked(snapshot: str) -> str:
    """The same facts without name, code and date, to see whether a model answers from memory of the stock."""
    facts = json.loads(snapshot)
    return canonical(facts | {"name": MASKED_NAME, "ts_code": MASKED_CODE, "session": MASKED_SESSION})
