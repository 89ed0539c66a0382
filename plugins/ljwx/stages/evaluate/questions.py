"""The stage `evaluations`: freeze the questions and share them out.

Challenger, champion and untuned base are asked the same questions with the same settings: some hundred in full, the
challenger some of these again without name, code and date, and thousands about whole sessions, of which only the class
is asked. Questions are in an order in which those with a common prompt prefix follow each other, and a shard is a run
of them for one model, so that a server computes the prefix once.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import pairwise

from ljwx.core.evaluations import Question, freeze, question_set_hash
from ljwx.core.evaluations.cross_sections import cross_sections
from ljwx.exceptions import ConfigurationError
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.candidates import ModelRef, counting, models_to_evaluate, open_evaluation
from ljwx.services.asking.servers import LOST, Server, having, servers_of
from ljwx.services.lines import other_challengers
from ljwx.services.serving import serve_aliases
from ljwx.settings import Settings, current_settings
from ljwx.stages.evaluate.scoring import dataset_of
from ljwx.stages.runs import recorded_run
from ljwx.warehouse.evaluations import QuestionSet
from ljwx.warehouse.lines import NOTHING

log = logging.getLogger(__name__)

CLASSES_PER_ANSWER = 10
"""Questions of which the class alone is asked that take as long as one in full, or less."""


@dataclass(frozen=True)
class Shard:
    """A run of an evaluation's questions for one mapped task: the position of the first, and how many.

    :param optional: it is decided without it, as a model's of another line.
    """

    evaluation_id: int
    first: int
    questions: int
    optional: bool = False

    @property
    def told(self) -> dict[str, int]:
        """Return it as it is passed on: `optional` only where it is."""
        return {name: value for name, value in asdict(self).items() if value is not False}


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
            for shard in _shards(
                open_evaluation(warehouse, settings, run.key, each, asked),
                len(warehouse.questions(asked)),
                settings.evaluation.shard_size,
                optional=each not in needed,
            )
        ]
        shards += _class_shards(warehouse, settings, run.key, asked_models, question_set_id, needed)
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


def _class_shards(
    warehouse: WarehouseHook,
    settings: Settings,
    run_key: int,
    models: Sequence[ModelRef],
    question_set_id: str,
    needed: Sequence[ModelRef],
) -> list[Shard]:
    """Choose the questions of which the class alone is asked, and share out those that have no answer yet.

    A model that was asked under another name, or in another set, is not asked again what it has answered.
    """
    asked = _freeze_classes(warehouse, settings, run_key, question_set_id, models)
    if asked is None:
        return []
    size, different = len(warehouse.questions(asked)), {(each.digest, each.parameters is None): each for each in models}
    different |= {(each.digest, each.parameters is None): each for each in needed}
    opened = [
        (open_evaluation(warehouse, settings, run_key, each, asked, class_alone=True), each not in needed)
        for each in different.values()
    ]
    per_shard = CLASSES_PER_ANSWER * settings.evaluation.shard_size
    return [
        shard
        for each, optional in opened
        if len(warehouse.class_answered(each)) < size
        for shard in _shards(each, size, per_shard, optional=optional)
    ]


def _freeze_classes(
    warehouse: WarehouseHook, settings: Settings, run_key: int, question_set_id: str, models: Sequence[ModelRef]
) -> str | None:
    """Choose them from the validation split, after all that a model was made from; None if there are to be none."""
    asked = settings.evaluation
    if not asked.class_questions or not asked.top_logprobs:
        log.info("the class alone is asked of no question: class_questions or top_logprobs is 0")
        return None
    dataset_id = dataset_of(warehouse, question_set_id)
    split = warehouse.question_candidates(dataset_id, "validation")
    later = counting(warehouse, split, *(each.model for each in models if each.parameters is None))
    noted = _noted_until(warehouse, models)
    chosen = cross_sections(later, asked.class_questions, asked.class_sessions, asked.seed, noted)
    if not chosen:
        return None
    classes_id = f"{question_set_hash(chosen)[:16]}-classes"
    warehouse.save_question_set(run_key, QuestionSet(classes_id, dataset_id, "classes"), chosen)
    return classes_id


def _noted_until(warehouse: WarehouseHook, models: Sequence[ModelRef]) -> date | None:
    """Return the last session that was noted of every line that is asked; None where nothing was of any.

    Nothing is noted of a model that was rejected, however often it is asked: the others do not wait for it.
    """
    waits_for = {each.model for each in models if each.parameters is None}
    waits_for -= {each.model for each in warehouse.newest_models() if each.verdict in ("rejected", "refused")}
    known = [found for name in sorted(waits_for) if (found := warehouse.model(name)) is not None]
    noted = [warehouse.noted(line, NOTHING) for line in {each.line_id for each in known if each.line_id is not None}]
    return min((each[1] for each in noted if each is not None), default=None)


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


def _shards(evaluation_id: int, questions: int, size: int, *, optional: bool) -> list[Shard]:
    """Share the questions of an evaluation out evenly, none with more than ``size``."""
    count = -(-questions // size)
    edges = [questions * at // count for at in range(count + 1)]
    return [Shard(evaluation_id, first, last - first, optional) for first, last in pairwise(edges)]
