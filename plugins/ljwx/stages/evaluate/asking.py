"""The stage `evaluations`: ask what has no answer yet, and save each answer as it comes."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ljwx.core.snapshots.snapshot import masked
from ljwx.exceptions import ConfigurationError
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.candidates import ModelRef
from ljwx.services.asking.full import Prompted, class_request_config, request_config
from ljwx.services.asking.many import Posed, class_answers, full_answers
from ljwx.services.asking.servers import LOST, Server, having, servers_of
from ljwx.settings import Settings, current_settings
from ljwx.stages.evaluate.shards import Shard
from ljwx.stages.runs import recorded_run
from ljwx.warehouse.evaluations import Evaluation, StoredQuestion

log = logging.getLogger(__name__)

PROGRESS_STEPS = 10


@dataclass(frozen=True)
class _Work:
    """Questions of an evaluation that have no answer yet.

    :param kind: of the question set.
    """

    evaluation: Evaluation
    kind: str
    waiting: Sequence[StoredQuestion]

    @property
    def posed(self) -> list[Posed]:
        """The questions as they are put to the model."""
        evaluation = self.evaluation
        # The base was given the challenger's parameters when its evaluation was opened, whatever the settings say now.
        model = ModelRef(evaluation.model, evaluation.digest, evaluation.options if evaluation.is_base else None)
        hides = self.kind == "masked"
        return [Posed(model, Prompted.of(each, masked(each.snapshot) if hides else None)) for each in self.waiting]


def ask_questions(shard: Mapping[str, Any]) -> int:
    """Ask a shard's questions; what was answered before is not asked again.

    What was answered of a shard that is optional stays when its server is lost, and the decision does without it.

    :param shard: of :func:`ljwx.stages.evaluate.questions.plan_questions`.
    :return: evaluation_id.
    """

    settings, warehouse = current_settings(), WarehouseHook()
    mine = Shard(**shard)
    with recorded_run(warehouse, **shard) as run:
        positions = mine.first, mine.first + mine.questions
        try:
            asked = ask_all(warehouse, servers_of(settings), settings, mine.evaluation_id, positions)
        except LOST as error:
            if not mine.optional:
                raise
            log.warning("evaluation %d is of another line, and is decided without: %s", mine.evaluation_id, error)
            asked = 0
        run.outputs |= {"evaluation_id": mine.evaluation_id, "asked": asked}
    return mine.evaluation_id


def ask_all(
    warehouse: WarehouseHook,
    servers: Sequence[Server],
    settings: Settings,
    evaluation_id: int,
    positions: tuple[int, int] | None = None,
) -> int:
    """Ask the questions of an evaluation that have no answer yet; each answer is saved as soon as it comes.

    :param servers: those that have the model are asked, each as many questions at a time as it answers.
    :param positions: only those from the first to before the second.
    :return: how many were asked.
    :raises ConfigurationError: other settings are in force than when the evaluation was opened.
    :raises ModelMissing: the model is on no server, or its name stands for another one by now.
    """

    work = _left_to_ask(warehouse, evaluation_id, positions)
    if not work.waiting:
        return 0
    model, evaluation, posed = work.evaluation.model, work.evaluation, work.posed
    config = class_request_config if work.kind == "classes" else request_config
    if evaluation.request_config != config(settings, posed[0].model.parameters):
        raise ConfigurationError(f"{model} was to be asked with other settings: clear the task plan_questions")
    able = having(servers, [posed[0].model])
    for done, _ in enumerate(_saved(warehouse, evaluation_id, work.kind, posed, able, settings), start=1):
        if done * PROGRESS_STEPS // len(posed) > (done - 1) * PROGRESS_STEPS // len(posed):
            log.info("%s: %d%% asked", model, 100 * done // len(posed))
    return len(posed)


def _left_to_ask(warehouse: WarehouseHook, evaluation_id: int, positions: tuple[int, int] | None) -> _Work:
    evaluation = _opened(warehouse, evaluation_id)
    asked_set = warehouse.question_set(evaluation.question_set_id)
    kind = asked_set.kind if asked_set else "validation"
    if kind == "classes":
        answered = warehouse.class_answered(evaluation_id)
    else:
        answered = {answer.sample_id for answer in warehouse.answers(evaluation_id)}
    stored = warehouse.questions(evaluation.question_set_id)[slice(*positions or (None,))]
    waiting = [each for each in stored if each.question.sample_id not in answered]
    log.info("%s: %d questions, %d answered before", evaluation.model, len(stored), len(stored) - len(waiting))
    return _Work(evaluation, kind, waiting)


def _saved(
    warehouse: WarehouseHook,
    evaluation_id: int,
    kind: str,
    posed: Sequence[Posed],
    servers: Sequence[Server],
    settings: Settings,
) -> Iterator[Posed]:
    """Yield what was asked when its answer is saved."""
    if kind == "classes":
        for each, given in class_answers(posed, servers, settings):
            warehouse.save_class_answer(evaluation_id, given)
            yield each
    else:
        for each, answer in full_answers(posed, servers, settings):
            warehouse.save_answer(evaluation_id, answer)
            yield each


def _opened(warehouse: WarehouseHook, evaluation_id: int) -> Evaluation:
    found = warehouse.evaluation(evaluation_id)
    if found is None:
        raise ConfigurationError(f"evaluation {evaluation_id} is not in the warehouse: clear the task plan_questions")
    return found
