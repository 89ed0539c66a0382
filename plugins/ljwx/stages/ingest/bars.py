"""The stage `bars`: the sessions of one chunk fetched, validated and written, one transaction per session."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import date

import polars as pl

from ljwx.core.bars import Capability, DayCount, instruments_seen
from ljwx.exceptions import NotYetPublished, RateLimited
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.sources.base import MarketSource
from ljwx.stages.ingest.catch_up import gaining
from ljwx.stages.ingest.chunks import Chunk
from ljwx.stages.ingest.facts import save_facts
from ljwx.stages.ingest.index_lists import save_lists
from ljwx.stages.ingest.second_source import SecondSource
from ljwx.stages.ingest.source import limited_source
from ljwx.stages.ingest.unlisted import link_old_codes
from ljwx.stages.ingest.validation import ValidatedBars, validate_bars
from ljwx.stages.runs import recorded_run
from ljwx.warehouse.market.bars import IngestDay, SavedDay

log = logging.getLogger(__name__)

NAMED = 10
"""How many missing stocks a message names."""


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
        counts, saved = _ingest(source, warehouse, run.key, sessions, second)
        if any(count.missing for count in counts) and link_old_codes(warehouse, run.key):
            second.counts.clear()
            counts, again = _ingest(source, warehouse, run.key, sessions, second)
            saved += again
        beside = save_lists(source, warehouse, run.key, part.first, part.last)
        beside |= save_facts(source, warehouse, run.key, sessions)
        saved += _late(source, warehouse, run.key, part.late)
        run.outputs |= _totals(saved) | beside | second.counts
        log.info("%s to %s: %s", part.first, part.last, run.outputs)
        _require_complete(counts, of_the_run=not part.catch_up)
    return dict(run.outputs)


def _ingest(
    source: MarketSource,
    warehouse: WarehouseHook,
    run_key: int,
    sessions: Sequence[date],
    second: SecondSource | None = None,
) -> tuple[list[DayCount], list[SavedDay]]:
    """Fetch, validate and write sessions between which none is left out."""
    validated = validate_bars(source, warehouse, sessions, second)
    counts = _not_better_known(warehouse, source, validated)
    warehouse.save_unassigned_rejects(run_key, _unassigned_rejects(validated, counts))
    if source.lacks(Capability.INSTRUMENTS):
        warehouse.save_seen(run_key, instruments_seen(validated.checked.bars))
    return counts, [_save(warehouse, source, run_key, validated, count) for count in counts]


def _late(source: MarketSource, warehouse: WarehouseHook, run_key: int, late: Sequence[date]) -> list[SavedDay]:
    """Fetch again those of some complete sessions that gain something; a limit leaves the rest to the next run."""
    saved: list[SavedDay] = []
    try:
        for sessions in gaining(source, warehouse, late):
            saved += _ingest(source, warehouse, run_key, sessions)[1]
    except RateLimited as limited:
        log.warning("earlier sessions that lack something are left to the next run: %s", limited)
    return saved


def _totals(saved: Sequence[SavedDay]) -> dict[str, int]:
    return {
        "sessions": len({day.session for day in saved}),
        "inserted": sum(day.inserted for day in saved),
        "revised": sum(day.revised for day in saved),
        "quarantined": sum(day.quarantined for day in saved),
        "withdrawn": sum(day.withdrawn for day in saved),
    }


def _not_better_known(warehouse: WarehouseHook, source: MarketSource, validated: ValidatedBars) -> list[DayCount]:
    """Leave out complete sessions that have what now is lacking: another tier takes nothing away, whatever it adds.

    The calendar takes nothing from a day with bars.
    """
    sessions = [count.session for count in validated.counts]
    calendar = {Capability.CALENDAR.value}
    lacking = {day: set(source.absent_on(day)) - calendar for day in sessions}
    fetched = warehouse.days(sessions[0], sessions[-1])
    better = {day.session for day in fetched if day.complete and lacking.get(day.session, set()) - set(day.absent)}
    if better:
        log.warning("%d session(s) stay as they are: they have what is lacking now", len(better))
    return [count for count in validated.counts if count.session not in better]


def _save(
    warehouse: WarehouseHook, source: MarketSource, run_key: int, validated: ValidatedBars, count: DayCount
) -> SavedDay:
    of_the_day = pl.col("session") == count.session
    day = IngestDay(
        count.session, count.complete, count.expected, count.received, count.quarantined, count.suspended,
        count.unfactored, count.missing, source.absent_on(count.session), source.deferred_on(count.session),
    )  # fmt: skip
    stopped = validated.stopped
    halts = None if stopped is None else stopped.filter(of_the_day).select("ts_code", "kind", "timing")
    bars, rejected = validated.checked.bars.filter(of_the_day), validated.quarantine.filter(of_the_day)
    return warehouse.save_day(run_key, day, bars, rejected, halts)


def _unassigned_rejects(validated: ValidatedBars, counts: Iterable[DayCount]) -> pl.DataFrame:
    """Return the rejected rows of no written session: without a day, of a wrong one, or of one that stays as it is."""
    written = [count.session for count in counts]
    return validated.quarantine.filter(~pl.col("session").is_in(written).fill_null(False))


def _require_complete(counts: Iterable[DayCount], *, of_the_run: bool) -> None:
    short = [count for count in counts if not count.complete]
    if not short:
        return
    lacking = "; ".join(
        f"{count.session}: {count.received} of {count.expected} bars, {count.quarantined} in quarantine"
        + (f", {count.unfactored} without a factor" if count.unfactored else "")
        + (f", missing {', '.join(count.missing[:NAMED])}" if count.missing else "")
        for count in short[:NAMED]
    )
    if of_the_run:
        raise NotYetPublished(f"{len(short)} session(s) are incomplete: {lacking}")
    log.warning("%d earlier session(s) are still incomplete: %s", len(short), lacking)
