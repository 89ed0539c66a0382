"""The stage `evaluations`: freeze the questions, share them out, ask them, save each answer as it comes.

Challenger, champion and untuned base are asked the same questions with the same settings; the challenger some of them
again without name, code and date. Questions are in an order in which those with a common prompt prefix follow each
other, and a shard is a run of them for one model, so that the server computes the prefix once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise

from ljwx.core.evaluations import Question, freeze, question_set_hash
from ljwx.core.snapshots.snapshot import masked
from ljwx.exceptions import ConfigurationError
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking import Prompted, ask, request_config
from ljwx.services.candidates import ModelRef, check_digest, counting, models_to_evaluate, open_evaluation
from ljwx.services.serving import serve_aliases
from ljwx.settings import Settings, current_settings
from ljwx.stages.evaluate.scoring import dataset_of
from ljwx.stages.runs import recorded_run
from ljwx.warehouse.evaluations import Evaluation, QuestionSet

log = logging.getLogger(__name__)

PROGRESS_STEPS = 10


@dataclass(frozen=True)
class Shard:
    """A run of an evaluation's questions for one mapped task: the position of the first, and how many."""

    evaluation_id: int
    first: int
    questions: int


def freeze_questions(dataset_id: str) -> str:
    """Choose the dataset's question set from its validation split, after all that the champion was made from.

    :return: question_set_id; the same one when it is asked again.
    :raises ConfigurationError: no session of the split lies after that.
    """

    settings, warehouse = current_settings().evaluation, WarehouseHook()
    with recorded_run(warehouse, dataset_id=dataset_id) as run:
        candidates = _candidates(warehouse, dataset_id)
        questions = freeze(candidates, settings.questions, settings.seed)
        question_set_id = question_set_hash(questions)[:16]
        warehouse.save_question_set(run.key, QuestionSet(question_set_id, dataset_id, "validation"), questions)
        run.outputs |= {"question_set_id": question_set_id, "questions": len(questions)}
    return question_set_id


def _candidates(warehouse: WarehouseHook, dataset_id: str) -> list[Question]:
    """The validation split's questions after all that the champion was made from; the challenger's split is proved."""
    champion, split = warehouse.champion(), warehouse.question_candidates(dataset_id, "validation")
    later = counting(warehouse, split, champion.model if champion else None)
    if split and not later and champion:
        raise ConfigurationError(
            f"all sessions of the validation split of {dataset_id} lie in what the champion {champion.model} was made "
            "from: name later ones by samples.validation_from and samples.test_from, or wait for new sessions"
        )
    return later


def plan_questions(model: str, question_set_id: str) -> list[dict[str, int]]:
    """Open the evaluations of challenger, champion and untuned base, and of the challenger masked, and share them out.

    :return: shards, each for one call of :func:`ask_questions`: evaluation_id, first (position) and questions (count).
    :raises ConfigurationError: settings that no decision can be made with, a model that was never verified, or a
        question set without questions.
    :raises ModelMissing: one of them is not on the server, or its name stands for another model by now.
    """

    settings, warehouse, ollama = current_settings(), WarehouseHook(), OllamaHook()
    _ = settings.resampling  # refuses what the gate would refuse, before anything is asked
    asked_models = models_to_evaluate(warehouse, ollama, model)
    names = [each.model for each in asked_models]
    with recorded_run(warehouse, models=names, question_set_id=question_set_id) as run:
        masked = _freeze_masked(warehouse, settings, run.key, question_set_id)
        wanted = [(each, question_set_id) for each in asked_models] + ([(asked_models[0], masked)] if masked else [])
        shards = [
            shard
            for each, asked in wanted
            for shard in _shards(
                open_evaluation(warehouse, settings, run.key, each, asked),
                len(warehouse.questions(asked)),
                settings.evaluation.shard_size,
            )
        ]
        _serve_challenger(warehouse, ollama, settings, asked_models[0])
        run.outputs |= {"shards": len(shards), "questions": sum(shard.questions for shard in shards)}
    return [asdict(shard) for shard in shards]


def _serve_challenger(warehouse: WarehouseHook, ollama: OllamaHook, settings: Settings, challenger: ModelRef) -> None:
    """Let the alias `challenger` follow, unless it is the champion that is asked again."""

    champion = warehouse.champion()
    if champion is None or champion.model != challenger.model:
        warehouse.set_challenger(challenger.model, challenger.digest)
        serve_aliases(warehouse, ollama, settings.model.repository)


def _freeze_masked(warehouse: WarehouseHook, settings: Settings, run_key: int, question_set_id: str) -> str | None:
    """Choose the questions that are asked again masked, spread like the whole set; None if there are to be none."""

    stored, size = warehouse.questions(question_set_id), settings.evaluation.masked_questions
    if not stored:
        raise ConfigurationError(f"question set {question_set_id} has no questions: clear the task freeze_questions")
    if not size:
        return None
    chosen = freeze([each.question for each in stored], size, settings.evaluation.seed)
    masked_id = f"{question_set_hash(chosen)[:16]}-masked"
    masked_set = QuestionSet(masked_id, dataset_of(warehouse, question_set_id), "masked", part_of=question_set_id)
    warehouse.save_question_set(run_key, masked_set, chosen)
    return masked_id


def _shards(evaluation_id: int, questions: int, size: int) -> list[Shard]:
    """Share the questions of an evaluation out evenly, none with more than ``size``."""
    count = -(-questions // size)
    edges = [questions * at // count for at in range(count + 1)]
    return [Shard(evaluation_id, first, last - first) for first, last in pairwise(edges)]


def ask_questions(shard: Mapping[str, int]) -> int:
    """Ask a shard's questions; what was answered before is not asked again.

    :param shard: of :func:`plan_questions`.
    :return: evaluation_id.
    """

    settings, warehouse, ollama, mine = current_settings(), WarehouseHook(), OllamaHook(), Shard(**shard)
    with recorded_run(warehouse, **shard) as run:
        asked = ask_all(warehouse, ollama, settings, mine.evaluation_id, (mine.first, mine.first + mine.questions))
        run.outputs |= {"evaluation_id": mine.evaluation_id, "asked": asked}
    return mine.evaluation_id


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

    evaluation = _opened(warehouse, evaluation_id)
    model, asked_set = evaluation.model, warehouse.question_set(evaluation.question_set_id)
    answered = {answer.sample_id for answer in warehouse.answers(evaluation_id)}
    stored = warehouse.questions(evaluation.question_set_id)[slice(*positions or (None,))]
    waiting = [each for each in stored if each.question.sample_id not in answered]
    log.info("%s: %d questions, %d answered before", model, len(stored), len(stored) - len(waiting))
    # The base was given the challenger's parameters when its evaluation was opened, whatever the settings say by now.
    parameters = evaluation.options if evaluation.is_base else None
    if waiting and evaluation.request_config != request_config(settings, parameters):
        raise ConfigurationError(f"{model} was to be asked with other settings: clear the task plan_questions")
    if waiting:
        check_digest(ollama, model, evaluation.digest)
    is_masked = asked_set is not None and asked_set.kind == "masked"
    for done, each in enumerate(waiting, start=1):
        prompted = Prompted.of(each, masked(each.snapshot) if is_masked else None)
        warehouse.save_answer(evaluation_id, ask(ollama, model, prompted, settings, parameters=parameters))
        if done * PROGRESS_STEPS // len(waiting) > (done - 1) * PROGRESS_STEPS // len(waiting):
            log.info("%s: %d%% asked", model, 100 * done // len(waiting))
    return len(waiting)


def _opened(warehouse: WarehouseHook, evaluation_id: int) -> Evaluation:
    found = warehouse.evaluation(evaluation_id)
    if found is None:
        raise ConfigurationError(f"evaluation {evaluation_id} is not in the warehouse: clear the task plan_questions")
    return found
