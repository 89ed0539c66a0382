"""The snapshot: the canonical JSON of facts as of a session's close, from which every prompt is rendered.

Pure: never imports airflow, an HTTP client or a database driver. Canonical means keys sorted, no spaces, fixed
decimals, UTF-8 unescaped: parsing it and writing it with :func:`canonical` gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

import polars as pl

from ljwx.core.bars.codes import UNRENAMED, Codes
from ljwx.core.snapshots.facts import facts_of_market, required_columns
from ljwx.core.snapshots.fields import encoded, fields
from ljwx.core.snapshots.profiles import of_stocks, with_profile
from ljwx.core.snapshots.spec import SnapshotSpec
from ljwx.core.templates import NONE, Path, Template, concatenated
from ljwx.exceptions import ConfigurationError

MASKED_NAME: Final = "某股票"
MASKED_CODE: Final = "******"
MASKED_SESSION: Final = "****-**-**"


def snapshots(
    bars: pl.DataFrame,
    features: pl.DataFrame,
    spec: SnapshotSpec,
    names: pl.DataFrame | None = None,
    industries: pl.DataFrame | None = None,
    codes: Codes = UNRENAMED,
) -> pl.DataFrame:
    """Snapshot of every bar's session; null where a fact is missing (warm-up, or its look-back was not given).

    :param names: and ``industries``, over time: see :func:`ljwx.core.snapshots.profiles.with_profile`.
    :param codes: a renamed stock is looked back on as one; each snapshot has the code of its session.
    :returns: ts_code, session, board, industry, snapshot (JSON) and snapshot_sha256.
    """
    stocks = codes.as_stocks(bars)
    industries = of_stocks(industries, codes)
    facts = facts_of_market(stocks, codes.as_stocks(features), spec, industries)
    known = profiled(facts, spec, of_stocks(names, codes), industries)
    rows = rendered(codes.as_traded(known, stocks), spec)
    return rows.select("ts_code", "session", "board", "industry", "snapshot", "snapshot_sha256")


def profiled(
    facts: pl.DataFrame, spec: SnapshotSpec, names: pl.DataFrame | None, industries: pl.DataFrame | None
) -> pl.DataFrame:
    """Facts with name, board and industry, and ``complete``: whether none is missing. No text is made yet.

    :param facts: rows of :func:`ljwx.core.snapshots.facts.facts_of_stocks`.
    """
    there = [pl.col(column).is_not_null() for column in required_columns(spec.groups)]
    complete = pl.all_horizontal(*there, "look_back_there")
    return with_profile(facts, names, industries).with_columns(complete=complete)


def rendered(rows: pl.DataFrame, spec: SnapshotSpec) -> pl.DataFrame:
    """Add ``snapshot`` (null where ``complete`` is false) and ``snapshot_sha256`` to rows of :func:`profiled`."""
    rows = rows.with_columns(snapshot=pl.when("complete").then(encoded(fields(spec.groups, spec.horizon))))
    digests = [None if s is None else hashlib.sha256(s.encode()).hexdigest() for s in rows["snapshot"]]
    return rows.with_columns(pl.Series("snapshot_sha256", digests, dtype=pl.String))


def filled(template: Template, spec: SnapshotSpec) -> pl.Expr:
    """A prompt's text from the columns of :func:`profiled`: to the byte what ``template.fill`` makes of the snapshot.

    :raises ConfigurationError: when the template names a fact that the snapshot does not hold.
    """
    values = {field.path: field.value for field in fields(spec.groups, spec.horizon)}
    absent = [path for path in template.paths if path not in values]
    if absent:
        raise ConfigurationError(
            f"prompt template names a fact that the snapshot does not hold: {'.'.join(absent[0])!r}"
        )
    return concatenated([p if isinstance(p, str) else _written(values[p], p, template) for p in template.pieces])


def _written(value: pl.Expr, place: Path, template: Template) -> pl.Expr:
    text = value.cast(pl.String)
    return (text.replace(template.words[place]) if place in template.words else text).fill_null(NONE)


def canonical(value: Any) -> str:
    """Canonical JSON text of a parsed snapshot or answer."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def masked(snapshot: str) -> str:
    """The same facts without name, code and date, to see whether a model answers from memory of the stock."""
    facts = json.loads(snapshot)
    return canonical(facts | {"name": MASKED_NAME, "ts_code": MASKED_CODE, "session": MASKED_SESSION})
