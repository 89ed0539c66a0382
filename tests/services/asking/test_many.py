"""Many questions to several servers: who is asked what, how many at a time, and what is left when one is lost."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from ljwx.exceptions import OllamaTimeout, OllamaUnreachable, RefusedRequest
from ljwx.hooks.ollama import OllamaHook
from ljwx.services.asking.many import ask_many
from ljwx.services.asking.servers import Server

Ask = Callable[[Server, int], int]


def server(name: str, slots: int = 1) -> Server:
    return Server(name, OllamaHook(name), slots)


def prefix(question: int) -> int:
    """Ten questions begin alike."""
    return question // 10


def keep(asking: Iterator[tuple[int, int]], kept: list[int]) -> None:
    """Keep the questions that were answered, whatever ends the asking."""
    for question, _ in asking:
        kept.append(question)


class Servers:
    """Answers after a moment, and keeps who was asked what.

    :param broken: raised by a server from its so many-th question on.
    """

    def __init__(self, seconds: float = 0.002, broken: dict[str, tuple[int, Exception]] | None = None) -> None:
        self.asked = defaultdict[str, list[int]](list)
        self.lanes = defaultdict[str, list[int]](list)
        self.busy = defaultdict[str, int](int)
        self.most = defaultdict[str, int](int)
        self.seconds, self.broken = seconds, broken or {}
        self._lock = threading.Lock()

    def ask(self, server: Server, question: int) -> int:
        with self._lock:
            number = len(self.asked[server.name])
            self.asked[server.name].append(question)
            self.lanes[threading.current_thread().name].append(question)
            self.busy[server.name] += 1
            self.most[server.name] = max(self.most[server.name], self.busy[server.name])
        time.sleep(self.seconds)
        with self._lock:
            self.busy[server.name] -= 1
        after, error = self.broken.get(server.name, (number + 1, None))
        if error is not None and number >= after:
            raise error
        return question * question


def test_one_slot_is_asked_in_order_and_only_when_the_answer_before_was_dealt_with() -> None:
    servers, saved = Servers(), list[int]()
    for question, said in ask_many(range(20), [server("one")], servers.ask, prefix):
        time.sleep(0.002)
        assert said == question * question
        assert servers.asked["one"] == [*saved, question]
        saved.append(question)
    assert saved == list(range(20))


def test_every_question_is_answered_once_with_no_more_at_a_time_than_a_server_has_slots() -> None:
    servers = Servers()
    both = [server("small"), server("large", 3)]
    told = dict(ask_many(range(100), both, servers.ask, prefix))
    assert told == {question: question * question for question in range(100)}
    assert sorted(servers.asked["small"] + servers.asked["large"]) == list(range(100))
    assert dict(servers.most) == {"small": 1, "large": 3}
    assert len(servers.asked["large"]) > len(servers.asked["small"])


def test_a_slot_is_asked_neighbours_so_that_it_computes_a_prefix_seldom() -> None:
    servers = Servers()
    list(ask_many(range(100), [server("one", 2)], servers.ask, prefix))
    changes = sum(prefix(one) != prefix(other) for asked in servers.lanes.values() for one, other in pairwise(asked))
    assert len(servers.lanes) == 2
    assert changes <= 2 * 9  # each of ten prefixes once a slot, where nothing but the order decides


@pytest.mark.parametrize("error", [OllamaUnreachable("gone"), OllamaTimeout("hangs")], ids=["gone", "hangs"])
def test_a_server_that_is_lost_is_named_and_the_other_is_asked_the_rest(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    servers = Servers(broken={"bad": (3, error)})
    with caplog.at_level(logging.WARNING):
        told = [question for question, _ in ask_many(range(40), [server("bad"), server("good")], servers.ask, prefix)]
    assert sorted(told) == list(range(40))
    assert len(servers.asked["bad"]) == 4
    assert [record.getMessage() for record in caplog.records] == [f"bad answers no more: {error}"]


def test_a_question_that_a_lost_server_gives_back_at_the_end_is_still_asked() -> None:
    """The other server has nothing left to do by then, and waits for it."""
    servers = Servers(broken={"bad": (0, OllamaUnreachable("gone"))})

    def slow_to_fail(server: Server, question: int) -> int:
        if server.name == "bad":
            time.sleep(0.1)
        return servers.ask(server, question)

    assert sorted(q for q, _ in ask_many(range(3), [server("bad"), server("good")], slow_to_fail, prefix)) == [0, 1, 2]


def test_when_all_are_lost_what_still_came_is_told_before_the_first_error() -> None:
    servers = Servers(broken={"one": (5, OllamaUnreachable("one is gone")), "two": (9, OllamaTimeout("two hangs"))})
    told = list[int]()
    with pytest.raises(OllamaUnreachable, match="one is gone"):
        keep(ask_many(range(50), [server("one"), server("two")], servers.ask, prefix), told)
    assert sorted(told) == sorted(servers.asked["one"][:-1] + servers.asked["two"][:-1])
    assert len(servers.asked["one"]) == 6
    assert len(servers.asked["two"]) == 10


def test_an_error_that_is_no_servers_ends_the_asking_and_loses_no_answer() -> None:
    def refuse(server: Server, question: int) -> int:
        if question == 30:
            raise RefusedRequest("no such option")
        time.sleep(0.005)
        return question

    told = list[int]()
    with pytest.raises(RefusedRequest, match="no such option"):
        keep(ask_many(range(60), [server("one", 4)], refuse, prefix), told)
    assert set(range(24)) <= set(told) <= set(range(40)) - {30}


def test_who_stops_iterating_ends_the_lanes() -> None:
    servers = Servers()
    asking = ask_many(range(100), [server("one", 2)], servers.ask, prefix)
    for _ in range(5):
        next(asking)
    asking.close()
    time.sleep(0.05)
    assert len(servers.asked["one"]) <= 7
    assert not [each for each in threading.enumerate() if each.name.startswith("one ")]


def test_nothing_to_ask_asks_nobody() -> None:
    servers = Servers()
    assert list(ask_many([], [server("one", 2)], servers.ask, prefix)) == []
    assert servers.asked == {}
