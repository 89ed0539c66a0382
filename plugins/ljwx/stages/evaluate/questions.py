"""The stage `evaluations`: freeze the questions, share them out, ask them, save each answer as it comes.

Challenger, champion and untuned base are asked the same questions with the same settings; the challenger some of them
again without name, code and date. Questions are in an order in which those with a common prompt prefix follow each
other, and a shard is a run of them for one model, so that the server computes the prefix once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from itertools import pairwise

from ljwx.core.evaluations import Question, freeze, question_set_hash
from ljwx.core.snapshots.snapshot import masked
from ljwx.exceptions import ConfigurationError
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking import ask, request_config
from ljwx.services.candidates import ModelRef, check_digest, models_to_evaluate, open_evaluation
from ljwx.services.serving import serve_aliases
from ljwx.settings import Settings, current_settings
from ljwx.stages.evaluate.scoring import questions_of, resampling_of
from ljwx.stages.runs import recorded_run

log = logging.getLogger(__name__)

PROGRESS_STEPS = 10


def freeze_questions(dataset_id: str) -> str:
    """Choose the dataset's question set from its validation split.

    :return: question_set_id; the same one when it is asked again.
    """

    settings, warehouse = current_settings().evaluation, WarehouseHook()
    with recorded_run(warehouse, dataset_id=dataset_id) as run:
        candidates = [Question(**row) for row in warehouse.question_candidates(dataset_id, "validation")]
        questions = freeze(candidates, settings.questions, settings.seed)
        question_set_id = question_set_hash(questions)[:16]
        warehouse.save_question_set(run.key, question_set_id, dataset_id, questions)
        run.outputs |= {"question_set_id": question_set_id, "questions": len(questions)}
    return question_set_id


def plan_questions(model: str, question_set_id: str) -> list[dict[str, int]]:
    """Open the evaluations of challenger, champion and untuned base, and of the challenger masked, and share them out.

    :return: shards, each for one call of :func:`ask_questions`: evaluation_id, first (position) and questions (count).
    :raises ConfigurationError: settings that no decision can be made with, a model that was never verified, or a
        question set without questions.
    :raises ModelMissing: one of them is not on the server, or its name stands for another model by now.
    """

    settings, warehouse, ollama = current_settings(), WarehouseHook(), OllamaHook()
    resampling_of(settings)  # refuses what the gate would refuse, before anything is asked
    everybody = models_to_evaluate(warehouse, ollama, model)
    names = [each.model for each in everybody]
    with recorded_run(warehouse, models=names, question_set_id=question_set_id) as run:
        masked = _freeze_masked(warehouse, settings, run.key, question_set_id)
        wanted = [(each, question_set_id) for each in everybody] + ([(everybody[0], masked)] if masked else [])
        shards = [
            shard
            for each, asked in wanted
            for shard in _shards(
                open_evaluation(warehouse, settings, run.key, each, asked),
                len(warehouse.questions(asked)),
                settings.evaluation.shard_size,
            )
        ]
        _serve_challenger(warehouse, ollama, settings, everybody[0])
        run.outputs |= {"shards": len(shards), "questions": sum(shard["questions"] for shard in shards)}
    return shards


def _serve_challenger(warehouse: WarehouseHook, ollama: OllamaHook, settings: Settings, challenger: ModelRef) -> None:
    """Let the alias `challenger` follow, unless it is the champion that is asked again."""

    if (warehouse.champion() or {}).get("model") != challenger.model:
        warehouse.set_challenger(challenger.model, challenger.digest)
        serve_aliases(warehouse, ollama, settings.model.repository)


def _freeze_masked(warehouse: WarehouseHook, settings: Settings, run_key: int, question_set_id: str) -> str | None:
    """Choose the questions that are asked again masked, spread like the whole set; None if there are to be none."""

    rows, size = warehouse.questions(question_set_id), settings.evaluation.masked_questions
    if not rows:
        raise ConfigurationError(f"question set {question_set_id} has no questions: clear the task freeze_questions")
    if not size:
        return None
    chosen = freeze(questions_of(rows), size, settings.evaluation.seed)
    masked_id = f"{question_set_hash(chosen)[:16]}-masked"
    warehouse.save_question_set(
        run_key, masked_id, rows[0]["dataset_id"], chosen, kind="masked", part_of=question_set_id
    )
    return masked_id


def _shards(evaluation_id: int, questions: int, size: int) -> list[dict[str, int]]:
    """Share the questions of an evaluation out evenly, none with more than ``size``."""
    count = -(-questions // size)
    edges = [questions * at // count for at in range(count + 1)]
    return [
        {"evaluation_id": evaluation_id, "first": first, "questions": last - first} for first, last in pairwise(edges)
    ]


def ask_questions(shard: Mapping[str, int]) -> int:
    """Ask a shard's questions; what was answered before is not asked again.

    :param shard: of :func:`plan_questions`.
    :return: evaluation_id.
    """

    settings, warehouse, ollama = current_settings(), WarehouseHook(), OllamaHook()
    with recorded_run(warehouse, **shard) as run:
        last = shard["first"] + shard["questions"]
        asked = ask_all(warehouse, ollama, settings, shard["evaluation_id"], (shard["first"], last))
        run.outputs |= {"evaluation_id": shard["evaluation_id"], "asked": asked}
    return shard["evaluation_id"]


def ask_all(
    warehouse: WarehouseHook,
    ollama: OllamaHook,
    settings: Settings,
    evaluation_id: int,
    positions: tuple[int, int] | None = None,
) -> int:
    """Ask the questions of an evaluation that have no answer yet; each answer is saved before the next is asked for.

    :param positions: only those from the first to before the second.
    :return: how many were asked.
    :raises ConfigurationError: other settings are in force than when the evaluation was opened.
    :raises ModelMissing: the model is not on the server, or its name stands for another one by now.
    """

    evaluation = warehouse.evaluation(evaluation_id) or {}
    model, asked_set = evaluation["model"], warehouse.question_set(evaluation["question_set_id"]) or {}
    answered = {answer.sample_id for answer in warehouse.answers(evaluation_id)}
    rows = warehouse.questions(evaluation["question_set_id"])[slice(*positions or (None,))]
    waiting = [row for row in rows if row["sample_id"] not in answered]
    log.info("%s: %d questions, %d answered before", model, len(rows), len(rows) - len(waiting))
    # The base was given the challenger's parameters when its evaluation was opened, whatever the settings say by now.
    parameters = evaluation["asked_with"]["options"] if evaluation["is_base"] else None
    if waiting and evaluation["asked_with"] != request_config(settings, parameters):
        raise ConfigurationError(f"{model} was to be asked with other settings: clear the task plan_questions")
    if waiting:
        check_digest(ollama, model, evaluation["digest"])
    for done, row in enumerate(waiting, start=1):
        told = row | {"snapshot": masked(row["snapshot"])} if asked_set["kind"] == "masked" else row
        warehouse.save_answer(evaluation_id, ask(ollama, model, told, settings, parameters=parameters))
        if done * PROGRESS_STEPS // len(waiting) > (done - 1) * PROGRESS_STEPS // len(waiting):
            log.info("%s: %d%% asked", model, 100 * done // len(waiting))
    return len(waiting)
