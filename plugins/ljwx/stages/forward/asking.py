"""Ask all models about a session, each answer written as it comes, until the batch has to be sealed."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from ljwx.core.forward.chain import Batch
from ljwx.core.forward.timing import closes_at
from ljwx.core.prompts import gives_facts_first
from ljwx.core.tasks import TASKS
from ljwx.exceptions import ConfigurationError, DeadlinePassed, ModelMissing, RecordUnfinished
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import included_below
from ljwx.services.asking.candidates import check_digest
from ljwx.services.asking.classes import ClassTokens, ask_class
from ljwx.services.asking.full import Prompted, Texts, ask, beginning
from ljwx.services.asking.many import ask_many
from ljwx.services.asking.servers import LOST, Server, lacks, servers_of
from ljwx.settings import Settings, current_settings
from ljwx.stages.forward.late_tables import fetch_late_tables
from ljwx.stages.forward.models import Answerer, answerers
from ljwx.stages.forward.questions import Asked, questions_of
from ljwx.stages.runs import recorded_run
from ljwx.warehouse.forward import Answered, NewAnswer

log = logging.getLogger(__name__)

NOTHING: Final = MappingProxyType({"questions": 0, "answers": 0})


@dataclass(frozen=True)
class _Outcome:
    """What became of asking a model.

    :param over: asking has to end.
    :param lost: no server answers any more, and one may again.
    """

    answers: int
    over: bool = False
    lost: bool = False


def ask_session(session: str) -> dict[str, int]:
    """Ask the rules and all models what has no answer yet about a session.

    :param session: as text, of :func:`ljwx.stages.forward.opening.open_session`.
    :return: how many questions there are, and how many answers of models this run has added.
    :raises ConfigurationError: the session was not opened.
    :raises NotYetPublished: a table that the snapshots tell of is not published yet, and there is time to wait.
    :raises RecordUnfinished: no server answers any more, and there is time to try again.
    """
    settings, warehouse, day = current_settings(), WarehouseHook(), date.fromisoformat(session)
    batch = warehouse.forward_batch(day)
    if batch is None:
        raise ConfigurationError(f"the batch of {session} was not opened: clear the task open_session and what follows")
    if batch.digest is not None:
        log.info("the batch of %s is sealed: nothing is asked", session)
        return dict(NOTHING)
    if warehouse.forward_clock() >= batch.deadline:
        log.warning("nothing is asked about %s any more: its deadline has passed", session)
        return dict(NOTHING)
    with recorded_run(warehouse, session=session) as run:
        fetch_late_tables(warehouse, batch, run.key)
        questions = questions_of(warehouse, settings, batch, run.key)
        if not questions:
            log.warning("forward.stocks and forward.watchlist name no stock with a snapshot on %s: a gap", session)
        added = ask_models(warehouse, settings, batch, questions, run.key) if questions else 0
        run.outputs |= {"questions": len(questions), "answers": added}
    return {"questions": len(questions), "answers": added}


def ask_models(
    warehouse: WarehouseHook, settings: Settings, batch: Batch, questions: Sequence[Asked], run_key: int
) -> int:
    """Ask one model after the other; return how many answers came."""
    servers, closes, added, lost = servers_of(settings), closes_at(batch), 0, []
    if warehouse.forward_clock() >= closes:
        log.warning("no model is asked about %s any more: the batch is to be sealed", batch.session)
        return 0
    for each in answerers(warehouse, settings, servers, batch, run_key):
        if warehouse.forward_clock() >= closes:
            log.warning("%s is asked no more about %s: the batch is to be sealed", each.ref.model, batch.session)
            break
        outcome = _Asking(warehouse, settings, batch, each, run_key).ask(servers, questions)
        added += outcome.answers
        if outcome.over:
            break
        lost += [each.ref.model] if outcome.lost else []
    if lost and warehouse.forward_clock() < closes:
        raise RecordUnfinished(
            f"no server answers for {', '.join(lost)}; what came about {batch.session} is kept, and asking goes on "
            f"until {closes:%Y-%m-%d %H:%M %Z}"
        )
    return added


class _Asking:
    """One model and a batch."""

    def __init__(
        self, warehouse: WarehouseHook, settings: Settings, batch: Batch, answerer: Answerer, run_key: int
    ) -> None:
        self._warehouse, self._settings, self._batch, self._run_key = warehouse, settings, batch, run_key
        self._ref, self._line_id, self._prompt_version = answerer.ref, answerer.line_id, answerer.prompt_version
        self._tokens, self._texts = ClassTokens(), Texts()

    def ask(self, servers: Sequence[Server], questions: Sequence[Asked]) -> _Outcome:
        """Ask what has no answer yet on all servers that have the model; each answer is written as it comes."""
        answered = self._warehouse.forward_answered(self._batch.session)
        waiting = [each for each in questions if self._key(each) not in answered]
        if gives_facts_first(included_below("prompts"), self._prompt_version):
            waiting.sort(key=lambda each: each.ts_code)
        problems = {server.name: lacks(server, [self._ref]) for server in servers} if waiting else {}
        able = [server for server in servers if problems.get(server.name) is None]
        for name, why in problems.items():
            if why is not None:
                log.warning("%s is not asked: %s", name, why)
        if not waiting or not able:
            return _Outcome(0, lost=any(not isinstance(why, ModelMissing) for why in problems.values() if why))
        return self._ask(able, waiting)

    def _ask(self, able: Sequence[Server], waiting: Sequence[Asked]) -> _Outcome:
        added, closes = 0, closes_at(self._batch)
        try:
            with closing(ask_many(waiting, able, self._ask_one, self._begins)) as come:  # type: ignore[type-var]
                for _, answer in come:
                    written = self._warehouse.save_forward_answer(self._run_key, answer)
                    added += written is not None
                    if written is not None and written.answered_at >= closes:
                        left = len(waiting) - added
                        log.warning("%d questions to %s are left: the batch is to be sealed", left, self._ref.model)
                        return _Outcome(added, over=True)
        except DeadlinePassed as error:
            log.warning("%s", error)
            return _Outcome(added, over=True)
        except LOST as error:
            log.warning("%s has no answer to %d questions: %s", self._ref.model, len(waiting) - added, error)
            return _Outcome(added, lost=not isinstance(error, ModelMissing))
        return _Outcome(added)

    def _begins(self, each: Asked) -> Hashable:
        return each.in_full, beginning(self._prompted(each), self._texts)

    def _prompted(self, each: Asked) -> Prompted:
        return Prompted("", each.task, each.snapshot, self._prompt_version)

    def _ask_one(self, server: Server, each: Asked) -> NewAnswer:
        """Ask in full where that is wanted, and for the class's tokens where no text was asked or it tells none.

        The tag is looked at after the answer: one that names another model by now has not given it for sure.
        """
        prompted = self._prompted(each)
        parameters, name = self._ref.parameters, self._ref.model
        text, probabilities, reason, seconds, claims = None, None, None, 0.0, None
        if each.in_full:
            whole = ask(server.ollama, name, prompted, self._settings, parameters=parameters, texts=self._texts)
            text, seconds, claims = whole.raw, whole.latency_s, whole.claims
            probabilities = whole.probabilities if whole.probabilities_from == "tokens" else None
        if probabilities is None:
            alone = ask_class(server, name, prompted, self._settings, self._tokens, parameters, self._texts)
            probabilities, reason, seconds = alone.probabilities, alone.reason, seconds + alone.latency_s
        check_digest(server.ollama, name, self._ref.digest)
        return NewAnswer(
            self._batch.session, each.ts_code, each.task, name, self._ref.digest, self._line_id, each.sha256,
            TASKS[each.task].classes, probabilities, text, reason, server.name, seconds,
            None if claims is None else claims.right + claims.wrong + claims.unsupported,
            None if claims is None else claims.right,
        )  # fmt: skip

    def _key(self, each: Asked) -> Answered:
        return Answered(each.ts_code, each.task, self._ref.model, self._ref.digest)
