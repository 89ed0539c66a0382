"""Orphans: whatever is on one side only."""

from __future__ import annotations

import dataclasses

import pytest

from ljwx.core.audit import Sides, orphans

WHOLE = Sides(
    tags=["s:1", "s:latest", "t:1", "base:7b"], models=["s:1", "t:1"], repository="s", aliases=["s:latest"],
    folders=["d1"], datasets=["d1"],
    reports=["reports/s-1/7"], decisions=["reports/s-1/7", "reports/s-1/8"], specs=["aa"], built=["aa", "bb"],
)  # fmt: skip
"""Decision 8 has no report and model `bb` no spec: neither is missed. The repository was `t` before."""


def test_what_is_on_both_sides_is_no_orphan_and_an_alias_needs_no_row() -> None:
    assert orphans(WHOLE) == ()


def test_names_are_compared_as_the_model_server_compares_them() -> None:
    spelled = ["S:1", "library/s:latest", "T:1", "Base:7b"]
    assert orphans(dataclasses.replace(WHOLE, tags=spelled, repository="registry.ollama.ai/library/S")) == ()
    (orphan,) = orphans(dataclasses.replace(WHOLE, tags=[*spelled, "S:2"]))
    assert (orphan.name, orphan.lacks) == ("S:2", "no row in ljwx.models")


@pytest.mark.parametrize(
    ("side", "more", "kind", "lacks", "advice"),
    [
        ("tags", "s:2", "model", "no row in ljwx.models", "ollama rm s:2"),
        ("tags", "s-token-count:latest", "model", "no plan_build that deletes it", "ollama rm s-token-count:latest"),
        ("tags", "s-draft:2", "model", "no build that finishes it", "ollama rm s-draft:2"),
        ("shells", "base:8b", "model", "no weights", "ollama rm base:8b: a failed create left it"),
        ("models", "s:2", "model", "no tag on the model server", "clear the task build_model"),
        ("folders", "d2", "dataset", "no row in ljwx.datasets", "the next run finishes it"),
        ("datasets", "d2", "dataset", "no files", "clear the task build_dataset"),
        ("reports", "reports/s-1/9", "report", "no row in ljwx.promotions", "remove the folder"),
        ("specs", "cc", "spec", "no row in ljwx.models", "remove the file"),
        ("partials", "datasets/.d2.7.partial", "partial", "no end", "remove it while nothing runs"),
    ],
)
def test_what_is_on_one_side_only_is_named_with_what_it_lacks(
    side: str, more: str, kind: str, lacks: str, advice: str
) -> None:
    (orphan,) = orphans(dataclasses.replace(WHOLE, **{side: [*getattr(WHOLE, side), more]}))
    assert (orphan.kind, orphan.name, orphan.lacks) == (kind, more, lacks)
    assert advice in orphan.advice
