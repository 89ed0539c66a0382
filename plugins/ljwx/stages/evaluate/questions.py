"""The stage `evaluations`: freeze the questions and share them out.

Challenger, champion and untuned base are asked the same questions with the same settings: some hundred in full, the
challenger some of these again without name, code and date, and all but the base thousands about whole sessions, of
which only the class is asked. Questions are in an order in which those with a common prompt prefix follow each other,
and a shard is a run of them for one model, so that a server computes the prefix once.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ljwx.core.evaluations import Question, freeze, question_set_hash
from ljwx.exceptions import ConfigurationError
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.candidates import ModelRef, counting, models_to_evaluate, open_evaluation
from ljwx.services.asking.servers import LOST, Server, having, servers_of
from ljwx.services.lines import other_challengers
from ljwx.services.serving import serve_aliases
from ljwx.settings import Settings, current_settings
from ljwx.stages.evaluate.classes import class_shards
from ljwx.stages.evaluate.scoring import dataset_of
from ljwx.stages.evaluate.shards import shared_out
from ljwx.stages.runs import recorded_run
from ljwx.warehouse.evaluations import QuestionSet

log = logging.getLogger(__name__)


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

    The newest models of other open lines are asked too, where a server has them.

    :return: shards, each for one call of :func:`ask_questions`: evaluation_id, first (position) and questions (count),
        and `optional` where it is decided without them.
    :raises ConfigurationError: settings that no decision can be made with, a model that was never verified, or a
        question set without questions.
    :raises ModelMissing: one of them is on no server, or its name stands for another model by now.
    """

    settings, warehouse = current_settings(), WarehouseHook()
    _ = settings.resampling  # refuses what the gate would refuse, before anything is asked
    needed, servers = models_to_evaluate(warehouse, model), servers_of(settings)
    for each in needed:
        having(servers, [each])
    asked_models = needed + _of_other_lines(warehouse, servers, model)
    names = [each.model for each in asked_models]
    with recorded_run(warehouse, models=names, question_set_id=question_set_id) as run:
        masked = _freeze_masked(warehouse, settings, run.key, question_set_id)
        wanted = [(each, question_set_id) for each in asked_models] + ([(asked_models[0], masked)] if masked else [])
        shards = [
            shard
            for each, asked in wanted
            for shard in shared_out(
                open_evaluation(warehouse, settings, run.key, each, asked),
                len(warehouse.questions(asked)),
                settings.evaluation.shard_size,
                optional=each not in needed,
            )
        ]
        dataset_id = dataset_of(warehouse, question_set_id)
        shards += class_shards(warehouse, settings, run.key, asked_models, dataset_id, needed)
        _serve_challenger(warehouse, OllamaHook(), settings, asked_models[0])
        run.outputs |= {"shards": len(shards), "questions": sum(shard.questions for shard in shards)}
    return [shard.told for shard in shards]


def _of_other_lines(warehouse: WarehouseHook, servers: Sequence[Server], model: str) -> list[ModelRef]:
    """Return the newest models of other open lines that a server has: one that is gone keeps nobody from a decision."""
    found = []
    for other in other_challengers(warehouse, model):
        asked = ModelRef(other.model, other.digest)
        try:
            having(servers, [asked])
        except LOST as error:
            log.warning("line %s is not asked: %s", other.line_id, error)
        else:
            found.append(asked)
    return found


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
