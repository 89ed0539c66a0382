"""The page docs/features.md: every feature, and every place of a snapshot that a prompt can name.

Pure: never imports airflow, an HTTP client or a database driver. Run as a module it prints the page.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence

from ljwx.core.features import GROUPS, FeatureGroup
from ljwx.core.features.citable import Citable
from ljwx.core.snapshots.citable import LEVELS
from ljwx.core.snapshots.facts import BAR_FACTS
from ljwx.core.snapshots.fields import SIGNALS_SECTION, fields

_HEAD = """# Features and snapshots

Written by `python -m ljwx.core.snapshots.documentation > docs/features.md` from the definitions in
`plugins/ljwx/core/features/`; a test fails when the two differ.

A snapshot is JSON. Its places, such as `{features.rsi_14}`, are what a [prompt](how-to.md#-add-a-prompt-version) can
name. Prices are adjusted as of the row's own session; percent are of the close where nothing else is said. A number in
an answer's prose counts as supported when it stands after one of the names given here and is the number of that place.
"""


def page() -> str:
    """The text of the page."""
    return "\n".join((_HEAD, *_every_snapshot(), *(line for group in GROUPS for line in _group(group))))


def _every_snapshot() -> Iterator[str]:
    of_groups = {(fact.section, fact.name) for group in GROUPS for fact in group.facts}
    decimals = {(fact.section, fact.name): fact.decimals for fact in BAR_FACTS}
    rows = (
        (_place(*field.path), decimals.get((field.path[0], field.path[-1]), ""), "、".join(field.names))
        for field in fields(GROUPS, horizon=0)
        if field.path not in of_groups and field.path[0] != SIGNALS_SECTION
    )
    yield "## In every snapshot\n"
    yield from _table(("place", "decimals", "names in prose"), rows)
    yield from _keys(LEVELS)


def _group(group: FeatureGroup) -> Iterator[str]:
    yield f"## Group `{group.name}`\n"
    if group.table is not None:
        stored, wire = ", ".join(group.table.columns), group.table.capability.value
        yield f"Made of `ljwx.{group.table.name}` ({stored}), which sources give by `{wire}`. {group.table.about}\n"
    if group.features:
        yield f"Read from the bars: {', '.join(group.inputs)}. Columns of `ljwx.features`:\n"
        features = ((f.name, f.unit, f.warm_up, f.definition) for f in group.features)
        yield from _table(("feature", "unit", "bars it needs", "definition"), features)
    if group.across:
        yield "Made of all stocks of the session that the warehouse has, when a snapshot is made:\n"
        yield from _table(("column", "definition"), ((a.name, a.definition) for a in group.across))
    yield "Numbers in the snapshot:\n"
    facts = ((_place(f.section, f.name), f.decimals, "、".join(f.names)) for f in group.facts)
    yield from _table(("place", "decimals", "names in prose"), facts)
    if group.signals:
        yield "Signals in the snapshot, a word each:\n"
        signals = ((_place(SIGNALS_SECTION, s.name), s.subject, s.english, "、".join(s.words)) for s in group.signals)
        yield from _table(("place", "subject", "of what", "words"), signals)
    yield from _keys(group.citable)


def _keys(citable: Iterable[Citable]) -> Iterator[str]:
    yield "Keys that answers cite from prompt version v2 on, one of each kind:\n"
    rows = ((each.key, each.kind, each.name, each.english) for each in citable)
    yield from _table(("key", "kind", "in Chinese", "in English"), rows)


def _place(*path: str) -> str:
    return f"`{{{'.'.join(path)}}}`"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield re.sub(" +", " ", f"| {' | '.join(map(str, row))} |")
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page())
