"""Many questions to several model servers at once, each answer as soon as it is there.

A server has as many questions as it answers at a time, and never one more: what waits on the server would only look
slow. A lane, which is a thread, asks one question after the other, and the next one only when whoever iterates has come
back for more: an answer that was saved by then is never asked for twice.

Questions stay in their order, and a lane takes neighbours: a server computes a prefix that they share once for each of
its slots, since the slot that has just become free is the one that has it.

Whoever wants answers by the hundred asks here: an evaluation does, and what asks each night can.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from ljwx.services.asking.candidates import ModelRef
from ljwx.services.asking.classes import ClassTokens, ask_class
from ljwx.services.asking.full import Prompted, Texts, ask, beginning
from ljwx.services.asking.servers import LOST, Server
from ljwx.settings import Settings
from ljwx.warehouse.class_answers import ClassAnswer
from ljwx.warehouse.evaluations import ModelAnswer

log = logging.getLogger(__name__)

LONGEST_RUN = 8
"""Neighbours that a lane takes at most: when one server is slow, few wait for it at the end."""
SHARES = 4
"""A lane takes no more than this part of its share of what is left."""

Asked = TypeVar("Asked")
Said = TypeVar("Said")


@dataclass(frozen=True)
class Posed:
    """A question to a model."""

    model: ModelRef
    prompted: Prompted


def full_answers(
    posed: Sequence[Posed], servers: Sequence[Server], settings: Settings
) -> Iterator[tuple[Posed, ModelAnswer]]:
    """Yield the whole answer to each question as it comes; see :func:`ask_many`.

    :param posed: by model and task, best in this order.
    :param servers: those that have the models.
    """

    texts = Texts()

    def ask_one(server: Server, each: Posed) -> ModelAnswer:
        model, parameters = each.model.model, each.model.parameters
        answer = ask(server.ollama, model, each.prompted, settings, parameters=parameters, texts=texts)
        return replace(answer, server=server.name)

    return _asked(posed, servers, ask_one, texts)


def class_answers(
    posed: Sequence[Posed], servers: Sequence[Server], settings: Settings
) -> Iterator[tuple[Posed, ClassAnswer]]:
    """Yield how likely a model takes each class to be, as `full_answers` yields answers."""
    tokens, texts = ClassTokens(), Texts()

    def ask_one(server: Server, each: Posed) -> ClassAnswer:
        return ask_class(server, each.model.model, each.prompted, settings, tokens, each.model.parameters, texts)

    return _asked(posed, servers, ask_one, texts)


def _asked(
    posed: Sequence[Posed], servers: Sequence[Server], ask_one: Callable[[Server, Posed], Said], texts: Texts
) -> Iterator[tuple[Posed, Said]]:
    def begins(each: Posed) -> Hashable:
        return each.model.model, beginning(each.prompted, texts)

    return ask_many(posed, servers, ask_one, begins)


def ask_many(
    questions: Sequence[Asked],
    servers: Sequence[Server],
    ask: Callable[[Server, Asked], Said],
    prefix: Callable[[Asked], Hashable],
) -> Iterator[tuple[Asked, Said]]:
    """Yield each question with what a server said to it, as it comes.

    A server that is lost on the way is named in the log, and the others are asked what it has not answered. What it
    was asked is given up only when none is left; then its exception is raised, after all answers that still came.
    Any other exception of `ask` is raised in the same way.

    :param ask: called in a thread of its own.
    :param prefix: equal for questions that begin alike for the server.
    """
    board: _Board[Asked, Said] = _Board(questions, servers, prefix)
    for server in servers:
        for lane in range(server.slots):
            threading.Thread(target=board.work, args=(server, ask), name=f"{server.name} {lane}", daemon=True).start()
    try:
        while (come := board.next()) is not None:
            yield come
            board.go_on(come)
    finally:
        board.close()


class _Board(Generic[Asked, Said]):
    """What is left to ask, what has come, and who is lost; shared by the lanes and by who iterates."""

    def __init__(
        self, questions: Sequence[Asked], servers: Sequence[Server], prefix: Callable[[Asked], Hashable]
    ) -> None:
        self._changed = threading.Condition()
        self._waiting = deque(questions)
        self._prefix = prefix
        self._lanes = sum(server.slots for server in servers)
        self._out = 0
        self._come = deque[tuple[Asked, Said]]()
        self._held = set[int]()
        self._lost = dict[str, Exception]()
        self._told = 0
        self._failed: BaseException | None = None
        self._closed = False

    def work(self, server: Server, ask: Callable[[Server, Asked], Said]) -> None:
        """Ask until nothing is left, or the server is lost; the life of a lane."""
        run = deque[Asked]()
        try:
            while run or self._take(server, run):
                said = ask(server, run[0])
                if not self._hand_over(server, (run.popleft(), said)):
                    break
        except LOST as error:
            with self._changed:
                self._lost.setdefault(server.name, error)
        except BaseException as error:  # it belongs to who iterates
            with self._changed:
                self._failed = self._failed or error
        finally:
            self._leave(run)

    def _take(self, server: Server, run: deque[Asked]) -> bool:
        """Take the next neighbours; wait where nothing is left but what another lane may give back."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or not self._out or self._stops(server))
            if self._stops(server):
                return False
            most = max(1, min(LONGEST_RUN, len(self._waiting) // (SHARES * self._lanes)))
            while self._waiting and len(run) < most:
                if run and self._prefix(self._waiting[0]) != self._prefix(run[0]):
                    break
                run.append(self._waiting.popleft())
            self._out += len(run)
            return bool(run)

    def _stops(self, server: Server) -> bool:
        return self._closed or self._failed is not None or server.name in self._lost

    def _hand_over(self, server: Server, come: tuple[Asked, Said]) -> bool:
        """Pass an answer on, and wait until it was dealt with; return whether the lane goes on."""
        with self._changed:
            self._out -= 1
            self._come.append(come)
            self._held.add(id(come))
            self._changed.notify_all()
            self._changed.wait_for(lambda: id(come) not in self._held or self._closed)
            return not self._stops(server)

    def _leave(self, run: deque[Asked]) -> None:
        """Give back what was taken and not asked."""
        with self._changed:
            self._waiting.extendleft(reversed(run))
            self._out -= len(run)
            self._lanes -= 1
            self._changed.notify_all()

    def next(self) -> tuple[Asked, Said] | None:
        """Return the next answer; None when there will be none.

        :raises BaseException: what ended a lane, where that leaves questions without an answer.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._come or not self._lanes)
            come = self._come.popleft() if self._come else None
            lost, failed, is_left = list(self._lost.items()), self._failed, bool(self._waiting)
        for name, error in lost[self._told :]:
            log.warning("%s answers no more: %s", name, error)
        self._told = len(lost)
        if come is None and failed is not None:
            raise failed
        if come is None and is_left:
            raise lost[0][1]
        return come

    def go_on(self, come: tuple[Asked, Said]) -> None:
        """Let the lane that an answer came from ask on."""
        with self._changed:
            self._held.discard(id(come))
            self._changed.notify_all()

    def close(self) -> None:
        """End the lanes, those that wait for a server when it has answered."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
