"""The dataset card: what a dataset holds, what was left out, what was proved; as JSON and as Markdown.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from ljwx.core.datasets.build import Dataset
from ljwx.core.datasets.exports import dataset_hash
from ljwx.core.datasets.merge import Merge
from ljwx.core.datasets.spec import MARKET_STOCKS, RISK_STATEMENT, SampleSpec
from ljwx.core.datasets.without_facts import bare_count, share_of
from ljwx.core.features import FeatureGroup
from ljwx.core.prompts import Prompts


@dataclass(frozen=True)
class Origin:
    """Where a dataset comes from.

    :param known_at: only what was known at this moment is in it.
    :param parent_id: the newest dataset before it, and ``merge`` what became of that one's samples; None for the first.
    """

    known_at: dt.datetime
    parent_id: str | None
    merge: Merge | None
    code_version: str


class DatasetFile(Protocol):
    """A file beside the card."""

    @property
    def name(self) -> str:
        """Its name in the dataset's folder."""

    @property
    def sha256(self) -> str:
        """64 hex digits."""

    @property
    def size(self) -> int:
        """Bytes."""


def card(
    dataset: Dataset,
    spec: SampleSpec,
    prompts: Prompts,
    origin: Origin | None = None,
    files: Sequence[DatasetFile] = (),
) -> dict[str, Any]:
    """Everything a reader needs to assess a dataset, ready for ``json.dumps``.

    :param origin: where it is known.
    """
    samples = dataset.keys
    days = samples.group_by("session").agg(count=pl.len())
    months = days.select("count", month=pl.col("session").dt.strftime("%Y-%m"))
    return {
        "sha256": dataset_hash(dataset.parts(), spec, prompts),
        **_origin(origin),
        "samples": len(samples),
        "stocks": samples["ts_code"].n_unique(),
        "sessions": len(days),
        "market": _market(dataset),
        "index": {"code": spec.index, **dataset.members.as_dict()} if dataset.members else None,
        "by_split": dataset.proof.counts,
        "by_task_and_class": _nested(samples, "task", "label"),
        "by_split_and_task": _nested(samples, "split", "task"),
        "by_board": _counts(samples, "board"),
        "by_industry": _counts(samples, "industry"),
        "by_month": _counts(months, "month", pl.col("count").sum()),
        "exclusions": _nested(dataset.exclusions, "task", "reason", pl.col("count").sum()),
        "fit": dataset.fit.as_dict(),
        "proof": dataset.proof.as_dict(),
        "files": [{"name": file.name, "sha256": file.sha256, "size": file.size} for file in files],
        "prompt_version": spec.prompt_version,
        "prompt_sha256": prompts.sha256,
        "prompt_is_frozen": prompts.is_frozen,
        "fact_groups": [group.name for group in spec.groups],
        "fact_group_share": {group.name: _share_with(dataset, group) for group in spec.groups},
        "without_facts": bare_count(dataset.proof.counts["train"], share_of(spec, prompts)),
        "spec": json.loads(spec.model_dump_json()),
        "risk_statement": RISK_STATEMENT,
    }


def _market(dataset: Dataset) -> dict[str, Any]:
    """How many stocks a session had, and whether they are so few that ranks and excess are not the market's."""
    stocks = dataset.rows.group_by("session").len()["len"]
    median = int(stocks.median() or 0)  # type: ignore[arg-type]
    return {"stocks": median, "fewest": stocks.min(), "most": stocks.max(), "is_small": median < MARKET_STOCKS}


def _share_with(dataset: Dataset, group: FeatureGroup) -> float:
    """Share of the samples of which a group says anything; its source may have had nothing."""
    if group.table is None:
        return 1.0
    known = pl.any_horizontal(pl.col(fact.column).is_not_null() for fact in group.facts)
    content, found = dataset.content, 0
    for block, mine in content.parts():
        there = content.facts(block).filter(known)["row"]
        found += int(mine["row"].is_in(there.implode()).sum())
    return round(found / len(dataset.keys), 4)


def _share_of_samples(group: tuple[str, float]) -> str:
    name, share = group
    return name if share == 1 else f"{name} ({share:.1%} of the samples)"


def _origin(origin: Origin | None) -> dict[str, Any]:
    if origin is None:
        return {"known_at": None, "parent": None, "merge": {}, "code_version": None}
    return {
        "known_at": _moment(origin.known_at),
        "parent": origin.parent_id,
        "merge": origin.merge.as_dict() if origin.merge else {},
        "code_version": origin.code_version,
    }


def _moment(at: dt.datetime) -> str:
    return at.astimezone(dt.timezone.utc).isoformat(timespec="microseconds")


def _counts(frame: pl.DataFrame, by: str, count: pl.Expr | None = None) -> dict[str, int]:
    """Counts by the texts of a column, in their order."""
    rows = frame.group_by(by).agg(pl.len() if count is None else count)
    return dict(rows.with_columns(pl.col(by).cast(pl.String)).sort(by).iter_rows())


def _nested(frame: pl.DataFrame, by: str, then: str, count: pl.Expr | None = None) -> dict[str, dict[str, int]]:
    rows = frame.group_by(by, then).agg(pl.len() if count is None else count)
    result: dict[str, dict[str, int]] = {}
    for outer, inner, n in rows.with_columns(pl.col(by, then).cast(pl.String)).sort(by, then).iter_rows():
        result.setdefault(outer, {})[inner] = n
    return result


def card_markdown(facts: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    proof = facts["proof"]
    parts = [
        f"# Dataset {facts['sha256'][:12]}",
        f"> {facts['risk_statement']}",
        f"{facts['samples']} samples of {facts['stocks']} stocks at {facts['sessions']} sessions.",
        _market_line(facts["market"]),
        *_index(facts["index"]),
        f"Known at: {facts['known_at'] or 'not stated'}.",
        f"Parent: {facts['parent'] or 'none'}. Code: {facts['code_version'] or 'not stated'}.",
        f"Prompts: {facts['prompt_version']}{'' if facts['prompt_is_frozen'] else ', which may still change'}.",
        f"Facts of: {', '.join(map(_share_of_samples, facts['fact_group_share'].items()))}.",
        *_bare(facts["without_facts"]),
        f"sha256 `{facts['sha256']}`",
        "## Splits",
        _table(
            ("split", "samples", "first as-of", "last as-of", "last label ends", "sessions purged after it"),
            [
                (
                    split,
                    n,
                    proof["first_as_of"][split],
                    proof["last_as_of"][split],
                    proof["max_label_end"][split],
                    proof["sessions_between"].get(split),
                )
                for split, n in facts["by_split"].items()
            ],
        ),
        f"The `{proof['sealed']}` split is sealed. No sample and no stock-session is in two splits.",
        *_merge(facts["merge"]),
        "## Classes",
        _pairs("task", "class", facts["by_task_and_class"]),
        "![Share of each class by month](class_balance.svg)",
        "## Left out",
        _pairs("task", "reason", facts["exclusions"]),
        *(
            part
            for name in ("board", "industry", "month")
            for part in (f"## By {name}", _table((name, "samples"), list(facts[f"by_{name}"].items())))
        ),
        "## Files",
        _table(("file", "bytes", "sha256"), [(f["name"], f["size"], f"`{f['sha256']}`") for f in facts["files"]]),
        "## Spec",
        "```json\n" + json.dumps(facts["spec"], ensure_ascii=False, indent=2) + "\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _market_line(market: Mapping[str, Any]) -> str:
    """The market that ranks and excess returns are of, with a warning where it is small."""
    line = f"The market has {market['stocks']} stocks a session ({market['fewest']} to {market['most']})."
    return f"{line} Ranks and excess returns are among these few, and not the market's." if market["is_small"] else line


def _bare(count: int) -> list[str]:
    """How many lines of the training file ask without facts; nothing where there are none."""
    return [f"Beside the samples the training file has {count} questions without facts."] if count else []


def _index(used: Mapping[str, Any] | None) -> list[str]:
    """By which lists the stocks were chosen; nothing without an index."""
    if used is None:
        return []
    lists = f"{used['lists']} lists, {used['first']} to {used['last']}, {used['smallest']} to {used['largest']} stocks"
    return [f"Members of {used['code']} as of each session: {lists} each, {used['members']} stocks in all."]


def _merge(counts: Mapping[str, Any]) -> list[str]:
    """What became of the parent's samples; nothing without a parent."""
    if not counts:
        return []
    rows: list[tuple[Any, ...]] = []
    for name, value in counts.items():
        rows += [(f"{name}: {why}", n) for why, n in value.items()] if isinstance(value, Mapping) else [(name, value)]
    return ["## Against the parent", _table(("samples", "count"), rows)]


def _pairs(outer: str, inner: str, counts: Mapping[str, Mapping[str, int]]) -> str:
    return _table((outer, inner, "samples"), [(a, b, n) for a, row in counts.items() for b, n in row.items()])


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(
        "| " + " | ".join("" if v is None else str(v).replace("|", "\\|") for v in line) + " |" for line in lines
    )
