"""The task `look_at_champion`: evidence about the model that serves, on days on which nothing else is judged."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from ljwx.core.promotions.lines import alone_told
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.candidates import ModelRef, open_evaluation
from ljwx.services.asking.servers import servers_of
from ljwx.settings import Settings, current_settings
from ljwx.stages.context import params
from ljwx.stages.evaluate.asking import ask_all
from ljwx.stages.evaluate.classes import freeze_classes
from ljwx.stages.promote.evidence import Seen, look_alone
from ljwx.stages.promote.looks import look_at
from ljwx.stages.runs import recorded_run

log = logging.getLogger(__name__)


def look_at_champion() -> dict[str, Any]:
    """Ask the champion the classes of sessions that are new, and find out whether its line is proven, or is no more.

    It is asked beside every model that is judged. Where none is, it would go unseen until its line is trained again.

    :return: model, how many questions were asked, the last session noted, and whether the line is proven.
    :raises AirflowSkipException: the run put a champion back, there is none, or no session counts for it.
    :raises ModelMissing: the champion is on no server, or its name stands for another model by now.
    """
    settings, warehouse = current_settings(), WarehouseHook()
    champion, dataset = warehouse.champion(), warehouse.latest_dataset()
    if params().get("rollback") or champion is None or dataset is None:
        raise AirflowSkipException("this run put a champion back, or there is nothing to look at yet")
    model = ModelRef(champion.model, champion.digest)
    with recorded_run(warehouse, model=champion.model, dataset_id=dataset.dataset_id) as run:
        asked = freeze_classes(warehouse, settings, run.key, dataset.dataset_id, [model])
        if asked is not None:
            evaluation_id = open_evaluation(warehouse, settings, run.key, model, asked, class_alone=True)
            questions = ask_all(warehouse, servers_of(settings), settings, evaluation_id)
            seen = look_alone(look_at(warehouse, settings, run.key, dataset.last_session), champion)
            found = _told(settings, champion.model, questions, seen)
            run.outputs |= found
    if asked is None:
        raise AirflowSkipException(f"no session of {dataset.dataset_id} counts for the champion {champion.model}")
    return found


def _told(settings: Settings, model: str, questions: int, seen: Seen) -> dict[str, Any]:
    """Log what speaks for the line, and return what the task does."""
    reasons = alone_told(settings.gate, seen.alone)
    for reason in reasons:
        log.info("%s %s: %s", "+" if reason.favourable else "-", reason.code, reason.text)
    until = None if seen.until is None else seen.until.isoformat()
    return {"model": model, "asked": questions, "noted_until": until, "proven": reasons[-1].favourable}
