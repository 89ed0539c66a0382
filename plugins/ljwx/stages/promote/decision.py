"""The stage `promotions`: score, decide, and let the alias follow the decision."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import date
from typing import Any

from ljwx.assets import LATEST, MODEL
from ljwx.core.promotions import Decision, Reason, decide_line, floors, reported, with_reported
from ljwx.core.promotions.decision import PROMOTING
from ljwx.core.promotions.reasons import abstention, calibration, decided_before, left_out
from ljwx.core.verification import abstained
from ljwx.exceptions import ConfigurationError
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.candidates import candidate
from ljwx.services.asking.full import class_request_config, request_config
from ljwx.services.lines import check_newest, other_challengers
from ljwx.services.serving import serve_aliases
from ljwx.settings import Settings, current_settings
from ljwx.stages.context import event_of
from ljwx.stages.evaluate.scoring import dataset_of, gather
from ljwx.stages.promote.evidence import Judged, judge
from ljwx.stages.promote.looks import look_at
from ljwx.stages.promote.sealed import report_sealed_test
from ljwx.stages.runs import recorded_run
from ljwx.warehouse.class_answers import likeliest
from ljwx.warehouse.evaluations import Evaluation
from ljwx.warehouse.promotions import Alias, Decided, Promotion

log = logging.getLogger(__name__)

PLAN = "the task plan_questions and what follows"


def decide_promotion(model: str, question_set_id: str) -> dict[str, Any]:
    """Score the challenger, compare it with baselines, base and champion, decide, and serve the champion.

    What was decided on this evidence before stands, and nothing is asked or written again.

    :return: promotion_id, model and verdict.
    :raises ConfigurationError: the challenger or the champion has not answered the questions, the challenger is the
        champion, another one became champion in between, or its line has a model of newer data.
    :raises BuildFailed: the champion is not on the server as it was decided on.
    """

    settings, warehouse, ollama = current_settings(), WarehouseHook(), OllamaHook()
    evaluation = _evaluation(warehouse, settings, model, question_set_id)
    with recorded_run(warehouse, evaluation_id=evaluation.evaluation_id) as run:
        decided = warehouse.standing_decision(evaluation.evaluation_id, settings.gate.model_dump())
        decided = decided or decided_at(warehouse, settings, run.key, evaluation)
        log.info("decision %d: %s", decided.promotion_id, decided.verdict)
        serve_aliases(warehouse, ollama, settings.model.repository)
        others = [] if decided.verdict in PROMOTING else _of_other_lines(warehouse, settings, run.key, evaluation)
        if others:
            serve_aliases(warehouse, ollama, settings.model.repository)
        run.outputs |= asdict(decided) | {"others": [each.promotion_id for each in others]}
    events = event_of(MODEL)
    events.extra = asdict(decided)
    events.add_partitions(LATEST)
    return asdict(decided)


def _of_other_lines(
    warehouse: WarehouseHook, settings: Settings, run_key: int, evaluation: Evaluation
) -> list[Decided]:
    """Decide about the newest models of other open lines that answered the same questions, until one is promoted.

    One whose server was lost half-way has not answered all, and keeps nobody from a decision.
    """
    found: list[Decided] = []
    for other in other_challengers(warehouse, evaluation.model):
        asked = warehouse.evaluation_of(other.model, other.digest, evaluation.question_set_id, request_config(settings))
        if asked is None:
            continue
        if len(warehouse.answers(asked.evaluation_id)) < len(warehouse.questions(asked.question_set_id)):
            log.warning("%s has not answered all questions and is not decided on", other.model)
            continue
        decided = warehouse.standing_decision(asked.evaluation_id, settings.gate.model_dump())
        found.append(decided or decided_at(warehouse, settings, run_key, asked))
        log.info("decision %d about %s: %s", found[-1].promotion_id, other.model, found[-1].verdict)
        if found[-1].verdict in PROMOTING:
            break
    return found


def _evaluation(warehouse: WarehouseHook, settings: Settings, model: str, question_set_id: str) -> Evaluation:
    """Return the challenger's evaluation with the settings in force."""

    digest = candidate(warehouse, model).digest
    found = warehouse.evaluation_of(model, digest, question_set_id, request_config(settings))
    if found is None:
        raise ConfigurationError(
            f"{model} has not been asked question set {question_set_id} with the settings in force: clear {PLAN}"
        )
    return found


def decided_at(
    warehouse: WarehouseHook, settings: Settings, run_key: int, evaluation: Evaluation, session: date | None = None
) -> Decided:
    """Decide, open the sealed window after a pass, and write both.

    :param session: at whose close one looks, for evidence that came since the answers were decided on; None: the last
        of the dataset that the questions are from.
    """

    check_newest(warehouse, evaluation.model)
    champion = warehouse.champion()
    decision, judged = _decide(settings, warehouse, run_key, evaluation, champion, session)
    decision = report_sealed_test(warehouse, settings, run_key, evaluation, champion, decision)
    for reason in decision.reasons:
        log.info("%s %s: %s", "+" if reason.favourable else "-", reason.code, reason.text)
    promotion = _promotion(decision, judged, settings, evaluation, champion.model if champion else None)
    promotion = replace(promotion, anew=session is not None)
    promotion_id = warehouse.save_promotion(run_key, promotion, evaluation.digest)
    return Decided(promotion_id, evaluation.model, decision.verdict)


def _promotion(
    decision: Decision, judged: Judged, settings: Settings, evaluation: Evaluation, champion: str | None
) -> Promotion:
    return Promotion(
        challenger=evaluation.model,
        champion=champion,
        question_set_id=evaluation.question_set_id,
        evaluation_id=evaluation.evaluation_id,
        verdict=decision.verdict,
        promoted=decision.promote,
        reasons=decision.reasons,
        policy=settings.gate.model_dump(),
        proven=decision.proven,
        evidence=judged.record,
        used=judged.counted if decision.verdict == "promoted" else (),
    )


def _decide(
    settings: Settings,
    warehouse: WarehouseHook,
    run_key: int,
    evaluation: Evaluation,
    champion: Alias | None,
    session: date | None,
) -> tuple[Decision, Judged]:
    """Decide by floors and evidence, and tell what else was found."""
    theirs = _of_champion(warehouse, settings, evaluation, champion) if champion else None
    found = gather(warehouse, settings, evaluation, theirs)
    warehouse.save_scorecards(evaluation.evaluation_id, found.cards)
    rolled_back = warehouse.rolled_back(evaluation.model)
    alone = likeliest(warehouse.class_answers(evaluation.digest, class_request_config(settings)))
    held = floors(settings.gate, found.model, found.champion, rolled_back, alone)
    dataset_id = dataset_of(warehouse, evaluation.question_set_id)
    session, newest = session or warehouse.last_session_of(dataset_id), warehouse.validated_until(dataset_id)
    holds = all(reason.favourable for reason in held)
    look = look_at(warehouse, settings, run_key, session)
    judged = judge(look, evaluation.model, champion, holds=holds, newest=newest)
    decision = decide_line(settings.gate, held, judged.champion, judged.alone, judged.circumstances)
    warehouse.note_proof(judged.record.line, decision.proven)
    more = [
        *left_out(judged.record.left_out),
        *calibration(found.model),
        *_abstention(warehouse, evaluation.model),
        *reported(settings.gate, found.model, found.differences, rolled_back),
        decided_before(warehouse.looked(evaluation.model)),
    ]
    return with_reported(decision, more), judged


def _abstention(warehouse: WarehouseHook, model: str) -> Iterator[Reason]:
    """Tell what a model's verification found out about questions without facts; nothing where none was asked."""
    asked = abstained(candidate(warehouse, model).verified)
    if asked:
        yield abstention(sum(asked), len(asked))


def _of_champion(warehouse: WarehouseHook, settings: Settings, evaluation: Evaluation, champion: Alias) -> Evaluation:
    """Return the evaluation of the champion that the challenger has to beat."""

    name, question_set_id = champion.model, evaluation.question_set_id
    if name == evaluation.model:
        raise ConfigurationError(f"{name} is the champion already: there is nothing to decide")
    theirs = warehouse.evaluation_of(name, champion.digest, question_set_id, request_config(settings))
    if theirs is None:
        raise ConfigurationError(
            f"the champion {name} has not answered question set {question_set_id} with the settings in force: "
            f"clear {PLAN}"
        )
    return theirs
