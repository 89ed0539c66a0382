"""Turns at the model server: a short queue, and a refusal to those who would wait too long."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from ljwx.exceptions import Busy
from ljwx.services.analysing.turns import IN_LINE, Turns


def in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_who_waits_gets_the_next_turn() -> None:
    turns, done = Turns(1, 10), []

    def wait() -> None:
        with turns.take():
            done.append(True)

    with turns.take():
        thread = in_thread(wait)
        assert done == []
    thread.join()
    assert done == [True]


def test_who_would_wait_too_long_is_refused_and_takes_no_place() -> None:
    turns = Turns(1, 0.01)
    with turns.take():
        for _ in range(2 * IN_LINE):
            with pytest.raises(Busy), turns.take():
                pass
    with turns.take():
        pass


def test_a_line_that_is_full_refuses_at_once() -> None:
    turns, go = Turns(1, 30), threading.Event()
    took: list[str] = []

    def wait() -> None:
        try:
            with turns.take():
                go.wait()
                took.append("turn")
        except Busy:
            took.append("busy")

    threads = [in_thread(wait) for _ in range(IN_LINE + 2)]
    while "busy" not in took:
        go.wait(0.005)
    assert took == ["busy"]
    go.set()
    for thread in threads:
        thread.join()
    assert sorted(took) == ["busy", *["turn"] * (IN_LINE + 1)]
