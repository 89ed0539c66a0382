"""Orphans: whatever is on one side only."""

from __future__ import annotations

import pytest

from ljwx.core.audit import orphans

WHOLE = {"tags": ["s:1", "s:latest"], "models": ["s:1"], "folders": ["d1"], "datasets": ["d1"], "aliases": ["s:latest"]}


def test_what_is_on_both_sides_is_no_orphan_and_an_alias_needs_no_row() -> None:
    assert orphans(**WHOLE) == ()


@pytest.mark.parametrize(
    ("side", "more", "kind", "lacks"),
    [
        ("tags", "s:2", "model", "no row in ljwx.models"),
        ("models", "s:2", "model", "no tag on the model server"),
        ("folders", "d2", "dataset", "no row in ljwx.datasets"),
        ("datasets", "d2", "dataset", "no files"),
    ],
)
def test_what_is_on_one_side_only_is_named_with_what_it_lacks(side: str, more: str, kind: str, lacks: str) -> None:
    (orphan,) = orphans(**{**WHOLE, side: [*WHOLE[side], more]})
    assert (orphan.kind, orphan.name, orphan.lacks) == (kind, more, lacks)
    assert orphan.advice
