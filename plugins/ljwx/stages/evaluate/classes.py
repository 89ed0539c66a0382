"""Questions of which the class alone is asked: thousands about whole sessions, and no one twice."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date

from ljwx.core.evaluations import question_set_hash
from ljwx.core.evaluations.cross_sections import cross_sections
from ljwx.core.prompts import gives_facts_first
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import included_below
from ljwx.services.asking.candidates import ModelRef, counting, open_evaluation
from ljwx.settings import Settings
from ljwx.stages.evaluate.shards import Shard, shared_out
from ljwx.warehouse.evaluations import QuestionSet
from ljwx.warehouse.lines import NOTHING

log = logging.getLogger(__name__)

CLASSES_PER_ANSWER = 10
"""Questions of which the class alone is asked that take as long as one in full, or less."""


def class_shards(
    warehouse: WarehouseHook,
    settings: Settings,
    run_key: int,
    models: Sequence[ModelRef],
    dataset_id: str,
    needed: Sequence[ModelRef],
) -> list[Shard]:
    """Choose the questions of which the class alone is asked, and share out those that have no answer yet.

    A model that was asked under another name, or in another set, is not asked again what it has answered. The untuned
    base is not asked: it is compared on questions in full alone, and no line has it as its rival.
    """
    asked = freeze_classes(warehouse, settings, run_key, dataset_id, models)
    if asked is None:
        return []
    size = len(warehouse.questions(asked))
    different = {each.digest: each for each in (*models, *needed) if each.parameters is None}
    opened = [
        (open_evaluation(warehouse, settings, run_key, each, asked, class_alone=True), each not in needed)
        for each in different.values()
    ]
    per_shard = CLASSES_PER_ANSWER * settings.evaluation.shard_size
    return [
        shard
        for each, optional in opened
        if len(warehouse.class_answered(each)) < size
        for shard in shared_out(each, size, per_shard, optional=optional)
    ]


def freeze_classes(
    warehouse: WarehouseHook, settings: Settings, run_key: int, dataset_id: str, models: Sequence[ModelRef]
) -> str | None:
    """Choose the questions of which the class alone is asked, from the validation split of a dataset.

    They lie after all that a model was made from.

    :return: question_set_id; None if there are to be none.
    """
    asked = settings.evaluation
    if not asked.class_questions or not asked.top_logprobs:
        log.info("the class alone is asked of no question: class_questions or top_logprobs is 0")
        return None
    split = warehouse.question_candidates(dataset_id, "validation")
    later = counting(warehouse, split, *(each.model for each in models if each.parameters is None))
    noted = _noted_until(warehouse, models)
    facts_first = gives_facts_first(included_below("prompts"), settings.samples.prompt_version)
    chosen = cross_sections(
        later, asked.class_questions, asked.class_sessions, asked.seed, noted, facts_first=facts_first
    )
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
