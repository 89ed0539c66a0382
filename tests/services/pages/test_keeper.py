"""A page that is worked out once for all who look at it."""

from __future__ import annotations

import threading

import pytest

from ljwx.exceptions import Busy
from ljwx.services.pages.keeper import Keeper


class Counted:
    """Work that counts how often it was done, and that waits where it is told to."""

    def __init__(self) -> None:
        self.state, self.times = "one", 0
        self.begun, self.may_end = threading.Event(), threading.Event()
        self.may_end.set()

    def work(self) -> int:
        self.times += 1
        self.begun.set()
        assert self.may_end.wait(60)
        return self.times


@pytest.fixture
def counted() -> Counted:
    return Counted()


def test_a_page_is_worked_out_again_only_when_what_it_rests_on_has_changed(counted: Counted) -> None:
    keeper = Keeper(lambda: counted.state, counted.work)
    assert [keeper.page(), keeper.page()] == [1, 1]
    counted.state = "two"
    assert [keeper.page(), keeper.page()] == [2, 2]


def test_while_one_works_it_out_others_see_the_page_before(counted: Counted) -> None:
    keeper = Keeper(lambda: counted.state, counted.work)
    keeper.page()
    counted.state = "two"
    counted.begun.clear()
    counted.may_end.clear()
    thread = threading.Thread(target=keeper.page)
    thread.start()
    assert counted.begun.wait(60)
    assert keeper.page() == 1
    counted.may_end.set()
    thread.join()
    assert keeper.page() == 2


def test_who_waits_too_long_for_the_first_page_is_told_so(counted: Counted) -> None:
    keeper = Keeper(lambda: counted.state, counted.work, wait_seconds=0.01)
    counted.may_end.clear()
    thread = threading.Thread(target=keeper.page)
    thread.start()
    assert counted.begun.wait(60)
    with pytest.raises(Busy, match="for the first time") as caught:
        keeper.page()
    assert "首次" in caught.value.chinese
    counted.may_end.set()
    thread.join()
    assert keeper.page() == 1


def test_what_failed_is_tried_again() -> None:
    tries = iter([ValueError("no"), None])

    def work() -> str:
        error = next(tries)
        if error is not None:
            raise error
        return "page"

    keeper = Keeper(lambda: 1, work)
    with pytest.raises(ValueError, match="no"):
        keeper.page()
    assert keeper.page() == "page"
