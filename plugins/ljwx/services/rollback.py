"""Put the previous champion back, by a param of the DAG or by the command `ljwx rollback`."""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import datetime, timezone

from ljwx.core.promotions import Reason
from ljwx.exceptions import ConfigurationError, NotFound
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.candidates import check_digest
from ljwx.services.served import ServedModels
from ljwx.services.serving import serve_aliases
from ljwx.settings import current_settings
from ljwx.warehouse.promotions import Rollback
from ljwx.warehouse.runs import RunRef

log = logging.getLogger(__name__)


def rollback(reason: str) -> Rollback:
    """Put the previous champion back outside of a DAG run.

    :param reason: kept with the decision.
    :raises NotFound: there is no champion, or no previous one.
    :raises ModelMissing: the previous champion is not on the server any more, or its name stands for another model;
        nothing was changed.
    """

    if not reason.strip():
        raise ConfigurationError("a rollback needs a reason; it is kept with the decision")
    warehouse = WarehouseHook()
    started = datetime.now(timezone.utc).isoformat(timespec="microseconds")
    run_key = warehouse.start_run(RunRef("ljwx", f"command__{started}", "rollback"), reason=reason)
    done = put_back(warehouse, run_key, reason)
    warehouse.finish_run(run_key, **asdict(done))
    return done


def put_back(warehouse: WarehouseHook, run_key: int, reason: str) -> Rollback:
    """Decide once for a run, however often it is tried, and let the server follow."""

    ollama, repository = OllamaHook(), current_settings().model.repository
    done = (
        warehouse.rollback_of_run(run_key)
        or _unserved(warehouse, ollama, repository)
        or _decide(warehouse, ollama, run_key, reason)
    )
    serve_aliases(warehouse, ollama, repository)
    log.info("%s is champion again instead of %s: %s", done.model, done.instead_of, reason)
    return done


def _unserved(warehouse: WarehouseHook, ollama: OllamaHook, repository: str) -> Rollback | None:
    """Return the rollback that was decided and that the server did not follow: to decide again would undo it.

    None where it could not follow either, because it does not have that model any more.
    """
    champion = warehouse.champion()
    if champion is None or champion.verdict != "rolled_back":
        return None
    if champion.promotion_id is None or champion.beaten is None:  # a rollback has both
        return None
    served = ServedModels.on(ollama)
    latest, own = served.digest(f"{repository}:latest"), served.digest(champion.model)
    if latest == champion.digest or own != champion.digest:
        return None
    log.warning("decision %d was not served: it is served now, and none is added", champion.promotion_id)
    return Rollback(champion.promotion_id, champion.model, champion.beaten)


def _decide(warehouse: WarehouseHook, ollama: OllamaHook, run_key: int, reason: str) -> Rollback:

    champion, previous = warehouse.champion(), warehouse.alias("previous")
    if champion is None or previous is None:
        have = "there is no champion" if champion is None else f"{champion.model} is the first champion"
        raise NotFound(f"nothing to roll back to: {have}")
    check_digest(ollama, previous.model, previous.digest)
    said = Reason(code="rolled_back", text=reason, favourable=True)
    promotion_id = warehouse.save_rollback(run_key, champion.model, previous.model, said)
    return Rollback(promotion_id, previous.model, champion.model)
