"""The task `look_at_record`: what the forward record says of lines, looked at when sessions of it are settled."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from ljwx.assets import LATEST, MODEL
from ljwx.core.promotions import decide_line
from ljwx.core.promotions.decision import PROMOTING
from ljwx.core.promotions.lines import alone_told
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.full import request_config
from ljwx.services.serving import serve_aliases
from ljwx.settings import Settings, current_settings
from ljwx.stages.context import event_of
from ljwx.stages.promote.decision import decided_at
from ljwx.stages.promote.evidence import judge, look_alone
from ljwx.stages.promote.looks import Look, look_at
from ljwx.stages.runs import recorded_run
from ljwx.warehouse.evaluations import Evaluation
from ljwx.warehouse.promotions import Alias, Decided

log = logging.getLogger(__name__)


def look_at_record() -> dict[str, Any]:
    """Look at the line that serves and at those that challenge it, and decide where the record is enough to promote.

    No dataset has to be made and no model has to be asked for it: floors are those of the answers that the challenger
    was last decided on. A look that promotes nobody writes no decision; like every other one it is counted.

    :return: promotion_id, model and verdict.
    :raises AirflowSkipException: nobody is promoted, or there is no champion or no record to look at.
    """
    settings, warehouse = current_settings(), WarehouseHook()
    champion, sessions = warehouse.champion(), warehouse.complete_sessions()
    if champion is None or not sessions or not warehouse.forward_batches():
        raise AirflowSkipException("there is no champion yet, or no forward record")
    session = sessions[-1]
    with recorded_run(warehouse, model=champion.model, session=session.isoformat()) as run:
        look = look_at(warehouse, settings, run.key, session)
        seen = look_alone(look, champion)
        proven = alone_told(settings.gate, seen.alone)[-1]
        log.info("the champion %s: %s", champion.model, proven.text)
        decided = _challenged(look, champion)
        if decided is not None:
            serve_aliases(warehouse, OllamaHook(), settings.model.repository)
        run.outputs |= {"proven": proven.favourable} | ({} if decided is None else asdict(decided))
    if decided is None:
        raise AirflowSkipException(f"up to {session} no challenger is shown to be better than {champion.model}")
    event = event_of(MODEL)
    event.extra = asdict(decided)
    event.add_partitions(LATEST)
    return asdict(decided)


def _challenged(look: Look, champion: Alias) -> Decided | None:
    """Look at the newest model of each open line until one is promoted; return that decision."""
    warehouse, settings = look.warehouse, look.settings
    for each in warehouse.newest_models():
        asked = None if each.digest == champion.digest else _waiting(warehouse, settings, each.model, champion)
        if asked is None:
            continue
        judged = judge(look, each.model, champion, holds=True)
        found = decide_line(settings.gate, (), judged.champion, judged.alone, judged.circumstances)
        for reason in found.reasons:
            log.info("%s %s %s: %s", each.model, "+" if reason.favourable else "-", reason.code, reason.text)
        if found.promote:
            decided = decided_at(warehouse, settings, look.run_key, asked, look.session)
            log.info("decision %d about %s: %s", decided.promotion_id, each.model, decided.verdict)
            if decided.verdict in PROMOTING:
                return decided
    return None


def _waiting(warehouse: WarehouseHook, settings: Settings, model: str, champion: Alias) -> Evaluation | None:
    """The answers that a challenger was last decided on, if it waits for evidence against this very champion."""
    evaluation_id = warehouse.kept_from(model)
    asked = None if evaluation_id is None else warehouse.evaluation(evaluation_id)
    if asked is None:
        return None
    given = request_config(settings)
    theirs = warehouse.evaluation_of(champion.model, champion.digest, asked.question_set_id, given)
    if theirs is None or asked.request_config != given:
        log.info("%s waits for the next run of ljwx_model_build: %s was not asked what it was", model, champion.model)
        return None
    return asked
