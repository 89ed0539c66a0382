"""The stage `bars`: the sessions of one chunk fetched, validated and written, one transaction per session."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import date

from ljwx.core.bars import DayCount
from ljwx.exceptions import NotYetPublished, RateLimited
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.ingesting.second_source import SecondSource
from ljwx.services.ingesting.sessions import ingest_linked, ingest_sessions, lacking, totals
from ljwx.services.ingesting.source import limited_source
from ljwx.sources.base import MarketSource
from ljwx.stages.ingest.catch_up import gaining
from ljwx.stages.ingest.chunks import Chunk
from ljwx.stages.ingest.facts import save_facts
from ljwx.stages.ingest.index_lists import save_lists
from ljwx.stages.runs import recorded_run
from ljwx.warehouse.market.bars import SavedDay

log = logging.getLogger(__name__)


def ingest_bars(chunk: dict[str, str]) -> dict[str, int]:
    """Fetch, validate and write the sessions of one chunk, each in a transaction of its own.

    A complete session that was fetched with something that the source lacks now is left as it is; the rejected rows of
    it are kept. After the sessions of the chunk come its late ones, of which those are fetched that gain something.

    Where the settings name an index its lists of members come along, after the bars: what a day lacks is fixed by then,
    and no day waits for a list.

    :param chunk: one of `plan_ingest`.
    :return: counts of sessions, bars inserted, revised and withdrawn, rows quarantined, and of an index's lists.
    :raises NotYetPublished: a session is incomplete; what came is kept, and later stages do not see that session. Of
        earlier sessions that the run makes up for it is only logged: each later scheduled run tries them again.
    """
    part, warehouse = Chunk.of_xcom(chunk), WarehouseHook()
    source = limited_source(warehouse, part.absent, part.deferred)
    sessions, second = warehouse.sessions(part.first, part.last), SecondSource.of_settings(warehouse)
    with recorded_run(warehouse, **chunk) as run:
        counts, saved = ingest_linked(source, warehouse, run.key, sessions, second)
        beside = save_lists(source, warehouse, run.key, part.first, part.last)
        beside |= save_facts(source, warehouse, run.key, sessions)
        saved += _late(source, warehouse, run.key, part.late)
        run.outputs |= totals(saved) | beside | second.counts
        log.info("%s to %s: %s", part.first, part.last, run.outputs)
        _require_complete(counts, of_the_run=not part.catch_up)
    return dict(run.outputs)


def _late(source: MarketSource, warehouse: WarehouseHook, run_key: int, late: Sequence[date]) -> list[SavedDay]:
    """Fetch again those of some complete sessions that gain something; a limit leaves the rest to the next run."""
    saved: list[SavedDay] = []
    try:
        for sessions in gaining(source, warehouse, late):
            saved += ingest_sessions(source, warehouse, run_key, sessions)[1]
    except RateLimited as limited:
        log.warning("earlier sessions that lack something are left to the next run: %s", limited)
    return saved


def _require_complete(counts: Iterable[DayCount], *, of_the_run: bool) -> None:
    short = [count for count in counts if not count.complete]
    if not short:
        return
    if of_the_run:
        raise NotYetPublished(f"{len(short)} session(s) are incomplete: {lacking(short)}")
    log.warning("%d earlier session(s) are still incomplete: %s", len(short), lacking(short))
