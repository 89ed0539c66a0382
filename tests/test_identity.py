"""What the small market's dataset, model and questions are called: names that a refactoring must not move.

A hash here changes only when what it covers was meant to change; then datasets, models and evaluations that users
have are others from that version on, and CHANGELOG.md says so.
"""

from __future__ import annotations

import pytest

from support_chain import Chain


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("dataset_id", "20260320-6bbc503226f1"),
        ("question_set_id", "01ebd25d23373a64"),
        ("spec_sha256", "7bdc9ec688d60a3845d46ac0a19484c1572d07d2d75f518c21b1eeb0bd9af380"),
        ("model", "ljwx-stock:20260320-7bdc9ec688d6"),
        ("digest", "cb6ad47cd1a00f04d0d41b7b254a856e9c43a119e2b1b42a4dece3f2a14e0268"),
    ],
)
def test_names_of_what_the_small_market_gives_are_those_of_version_0_1(chain: Chain, what: str, name: str) -> None:
    found = {"dataset_id": chain.dataset_id, "question_set_id": chain.question_set_id, **chain.plan, **chain.built}
    assert found[what] == name
