"""The bytes that deleting a tag gives back."""

from __future__ import annotations

import pytest

from ljwx.core.reclaimed import Tag, reclaimed

SYSTEM, EXAMPLES, OTHER_EXAMPLES = "系统" * 10, "甲" * 100, "b" * 70
BASE = Tag("d0", 1000, "w", frozenset({"{{ .Prompt }}"}))
A = Tag("d1", 1400, "w", frozenset({"{{ .Prompt }}", SYSTEM, EXAMPLES}))
B = Tag("d2", 1200, "w", frozenset({"{{ .Prompt }}", SYSTEM, OTHER_EXAMPLES}))
ALONE = Tag("d3", 50, "v")


@pytest.mark.parametrize(("name", "size"), [("a", 300), ("b", 70), ("base", 0), ("alone", 50)])
def test_blobs_that_another_tag_uses_are_not_reclaimed(name: str, size: int) -> None:
    """Of A and B the examples are their own: 100 signs of three bytes, 70 of one."""
    assert reclaimed(name, {"base": BASE, "a": A, "b": B, "alone": ALONE}) == size


def test_of_two_models_without_their_base_each_gives_back_its_own_texts() -> None:
    assert [reclaimed(name, {"a": A, "b": B}) for name in ("a", "b")] == [300, 70]


def test_an_alias_of_the_same_digest_keeps_everything() -> None:
    assert reclaimed("b", {"base": BASE, "b": B, "latest": B}) == 0


def test_the_last_tag_of_its_weights_gives_all_of_it_back_but_texts_in_common() -> None:
    assert reclaimed("b", {"b": B, "alone": ALONE}) == 1200
    elsewhere = Tag("d4", 900, "v", frozenset({SYSTEM}))
    assert reclaimed("b", {"b": B, "elsewhere": elsewhere}) == 1200 - 60


def test_weights_that_are_not_told_are_shared_with_nobody() -> None:
    assert reclaimed("a", {"a": Tag("d1", 9, ""), "b": Tag("d2", 7, "")}) == 9
