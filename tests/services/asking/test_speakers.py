"""Who goes on in a session that is being asked about."""

from __future__ import annotations

import pytest

from ljwx.services.asking.speakers import Speakers
from ljwx.warehouse.forward import ForwardModel

CHAMPION, NEWER, NEWEST = (ForwardModel(name, name, "serving") for name in ("champion", "newer", "newest"))
OTHER, LATER = (ForwardModel(name, name, "other") for name in ("other", "later"))
BASE = ForwardModel("base", "base", None)


@pytest.mark.parametrize(
    ("serves", "challenge", "begun", "asked"),
    [
        (CHAMPION, (NEWER, OTHER), (), (CHAMPION, NEWER, OTHER)),
        (None, (OTHER,), (BASE,), (OTHER,)),
        (CHAMPION, (NEWER, OTHER), (BASE, CHAMPION), (CHAMPION, NEWER, OTHER)),
        (CHAMPION, (NEWEST, LATER), (CHAMPION, NEWER, OTHER), (CHAMPION, NEWER, OTHER)),
        (NEWER, (), (CHAMPION, NEWER), (NEWER, CHAMPION)),
        (OTHER, (NEWER,), (CHAMPION, NEWER), (OTHER, CHAMPION, NEWER)),
    ],
    ids=["nothing begun", "no champion", "killed", "built meanwhile", "promoted meanwhile", "another line meanwhile"],
)
def test_what_has_begun_goes_on_and_the_champion_is_asked_in_any_case(
    serves: ForwardModel | None,
    challenge: tuple[ForwardModel, ...],
    begun: tuple[ForwardModel, ...],
    asked: tuple[ForwardModel, ...],
) -> None:
    assert Speakers(serves, challenge).go_on_with(begun).all == asked
