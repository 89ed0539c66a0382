"""The sealed test window: opened only for a challenger that passed, once, and every opening is counted.

Datasets made day after day have nearly the same window: what is counted are looks at the same sessions.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from ljwx.core.evaluations import Question, ScoredAnswer, answer_all, freeze, majority, question_set_hash, score
from ljwx.core.promotions import Decision, with_sealed_test
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.candidates import ModelRef, counting, open_evaluation
from ljwx.services.asking.servers import servers_of
from ljwx.settings import Settings
from ljwx.stages.evaluate.asking import ask_all
from ljwx.stages.evaluate.scoring import dataset_of
from ljwx.warehouse.evaluations import Evaluation, QuestionSet
from ljwx.warehouse.promotions import Alias

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Opened:
    """A test split that was opened.

    :param look: which look at these sessions it is, from 1.
    """

    dataset_id: str
    question_set_id: str
    look: int
    questions: list[Question]


def report_sealed_test(
    warehouse: WarehouseHook,
    settings: Settings,
    run_key: int,
    evaluation: Evaluation,
    champion: Alias | None,
    decision: Decision,
) -> Decision:
    """Return the decision with what challenger and champion show on the dataset's test split.

    The opening is recorded before the first question is asked; a repeated task finds it and asks only what is missing.
    Unchanged where the challenger did not pass, where settings never open the window, or where the split is empty.

    :param evaluation: the challenger's, on the questions it was decided on.
    :param champion: the model it is compared with; without one, the majority of the train split.
    """

    opened = _open(warehouse, settings, run_key, evaluation, champion) if decision.promote else None
    if opened is None:
        return decision
    log.info("the test split of %s is opened for %s: look number %d", opened.dataset_id, evaluation.model, opened.look)
    own = _asked(warehouse, settings, run_key, ModelRef(evaluation.model, evaluation.digest), opened)
    if champion is not None:
        champion_ref = ModelRef(champion.model, champion.digest)
        rival, name = f"the champion {champion.model}", "champion"
        theirs = warehouse.answers(_asked(warehouse, settings, run_key, champion_ref, opened))
    else:
        rival, name = "the majority of the train split", "majority"
        theirs = _majority(warehouse, opened)
    card, other = (
        score(opened.questions, answers, resampling=settings.resampling) for answers in (warehouse.answers(own), theirs)
    )
    warehouse.save_scorecards(own, {"model": card, name: other})
    return with_sealed_test(decision, card, rival, card.overall.accuracy - other.overall.accuracy, opened.look)


def _open(
    warehouse: WarehouseHook, settings: Settings, run_key: int, evaluation: Evaluation, champion: Alias | None
) -> Opened | None:
    """Freeze the questions and record the opening; None where the window stays sealed."""

    dataset_id = dataset_of(warehouse, evaluation.question_set_id)
    size = settings.evaluation.test_questions
    split = warehouse.question_candidates(dataset_id, "test") if size else []
    candidates = counting(warehouse, split, evaluation.model, champion.model if champion else None)
    if not candidates:
        why = "no question of it counts" if split else "it is empty" if size else "test_share is 0"
        log.info("the test split of %s stays sealed: %s", dataset_id, why)
        return None
    chosen = freeze(candidates, size, settings.evaluation.seed)
    wanted = f"{question_set_hash(chosen)[:16]}-test"
    warehouse.save_question_set(run_key, QuestionSet(wanted, dataset_id, "test"), chosen)
    window = min(each.session for each in candidates), max(each.session for each in candidates)
    look = warehouse.look_at_test(run_key, dataset_id, evaluation.model, wanted, window)
    questions = [each.question for each in warehouse.questions(look.question_set_id)]
    return Opened(dataset_id, look.question_set_id, look.looks, questions)


def _asked(warehouse: WarehouseHook, settings: Settings, run_key: int, model: ModelRef, opened: Opened) -> int:
    """Ask a model what it has not answered yet; return its evaluation_id."""

    evaluation_id = open_evaluation(warehouse, settings, run_key, model, opened.question_set_id)
    ask_all(warehouse, servers_of(settings), settings, evaluation_id)
    return evaluation_id


def _majority(warehouse: WarehouseHook, opened: Opened) -> list[ScoredAnswer]:

    return list(answer_all(majority(warehouse.train_label_counts(opened.dataset_id)), opened.questions))
