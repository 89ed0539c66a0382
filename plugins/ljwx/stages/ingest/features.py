"""The stage `features`: recompute from the first session whose bars have changed."""

from __future__ import annotations

import logging

from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.ingesting.features import write_features
from ljwx.stages.ingest.chunks import Chunk
from ljwx.stages.runs import recorded_run

log = logging.getLogger(__name__)


def compute_features(chunks: list[dict[str, str]]) -> dict[str, int]:
    """Compute the features that the newest bars ask for.

    :param chunks: the ranges of `plan_ingest`; none where it only completed sessions that had been incomplete.
    :return: rows inserted and revised, and how many of the run's sessions are complete.
    """

    warehouse = WarehouseHook()
    parts = [Chunk.of_xcom(chunk) for chunk in chunks]
    given = {"first": f"{parts[0].first}", "last": f"{parts[-1].last}"} if parts else {}
    with (
        recorded_run(warehouse, **given) as run,
        warehouse.bars_lock(exclusive=True),
    ):
        stale, written = write_features(warehouse, run.key)
        sessions = warehouse.complete_sessions(parts[0].first, parts[-1].last) if parts else ()
        run.outputs |= {"inserted": written.inserted, "revised": written.revised, "sessions": len(sessions)}
        log.info("features from %s: %s", stale, run.outputs)
    return dict(run.outputs)
