"""The stage `evaluations`: freeze the questions, ask them, save each answer as it comes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ljwx.hooks.ollama import OllamaHook
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.settings import Settings

log = logging.getLogger(__name__)

PROGRESS_STEPS = 10


def freeze_questions(dataset_id: str) -> str:
    """Choose the dataset's question set from its validation split.

    :return: question_set_id; the same one when it is asked again.
    """
    from ljwx.core.evaluations import Question, freeze, question_set_hash
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.settings import current_settings
    from ljwx.tasks.runs import recorded_run

    settings, warehouse = current_settings().evaluation, WarehouseHook()
    with recorded_run(warehouse, dataset_id=dataset_id) as run:
        candidates = [Question(**row) for row in warehouse.question_candidates(dataset_id, "validation")]
        questions = freeze(candidates, settings.questions, settings.seed)
        question_set_id = question_set_hash(questions)[:16]
        warehouse.save_question_set(run.key, question_set_id, dataset_id, questions)
        run.outputs |= {"question_set_id": question_set_id, "questions": len(questions)}
    return question_set_id


def ask_questions(model: str, question_set_id: str) -> int:
    """Let the challenger and the champion answer the same questions; what was answered before is not asked again.

    :return: evaluation_id of the challenger.
    """
    from ljwx.hooks.ollama import OllamaHook
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.settings import current_settings
    from ljwx.tasks.runs import recorded_run

    settings, warehouse, ollama = current_settings(), WarehouseHook(), OllamaHook()
    champion = warehouse.champion()
    names = [model] + ([champion["model"]] if champion and champion["model"] != model else [])
    with recorded_run(warehouse, models=names, question_set_id=question_set_id) as run:
        evaluations = [_ask_all(warehouse, ollama, settings, run.key, name, question_set_id) for name in names]
        run.outputs |= {"evaluation_ids": evaluations}
    return evaluations[0]


def _ask_all(
    warehouse: WarehouseHook, ollama: OllamaHook, settings: Settings, run_key: int, model: str, question_set_id: str
) -> int:
    from ljwx.tasks.asking import ask

    evaluation_id = warehouse.open_evaluation(run_key, model, ollama.digest(model), question_set_id)
    answered = {answer.sample_id for answer in warehouse.answers(evaluation_id)}
    questions: list[dict[str, Any]] = warehouse.questions(question_set_id)
    waiting = [question for question in questions if question["sample_id"] not in answered]
    log.info("%s: %d questions, %d answered before", model, len(questions), len(questions) - len(waiting))
    for done, question in enumerate(waiting, start=1):
        warehouse.save_answer(evaluation_id, ask(ollama, model, question, settings))
        if done * PROGRESS_STEPS // len(waiting) > (done - 1) * PROGRESS_STEPS // len(waiting):
            log.info("%s: %d%% asked", model, 100 * done // len(waiting))
    return evaluation_id
