"""The forward record meets what came true: each session whose horizon is over, and those whose bars were corrected."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from ljwx.core.datasets.spec import spec_of_today
from ljwx.core.forward.chain import Batch
from ljwx.core.forward.outcomes import LOOK_BACK, settle
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.stages.runs import recorded_run
from ljwx.warehouse.forward_outcomes import SavedOutcomes

log = logging.getLogger(__name__)

MONTH: Final = timedelta(days=31)
"""Sessions that are settled together lie this near, so that one that stays open for ever makes no night read more."""


def settle_sessions() -> dict[str, int]:
    """Settle every session of the record that is due, as is known now.

    Run again it writes what has changed and nothing else; a kill leaves sessions settled or due.

    :return: sessions, outcomes that are new, and those that were revised.
    """
    warehouse = WarehouseHook()
    with recorded_run(warehouse) as run:
        counts = settle_due(warehouse, run.key)
        run.outputs |= counts
    log.info("settled %s", counts)
    return counts


def settle_due(warehouse: WarehouseHook, run_key: int) -> dict[str, int]:
    """Settle as :func:`settle_sessions` does, for a run that is recorded by its caller."""
    with warehouse.bars_lock(exclusive=True):
        now = warehouse.moment()
    due = set(warehouse.sessions_to_settle())
    saved = [_settled(warehouse, run_key, now, alike) for alike in _alike(warehouse, due)]
    return {
        "sessions": len(due),
        "new": sum(each.new for each in saved),
        "revised": sum(each.revised for each in saved),
    }


def _alike(warehouse: WarehouseHook, due: set[date]) -> list[list[Batch]]:
    """Return the batches that are due, those of a month together whose classes mean the same."""
    found: Mapping[str, list[list[Batch]]] = defaultdict(list)
    for batch in warehouse.forward_batches():
        if batch.session not in due:
            continue
        groups = found[batch.labels]
        if groups and batch.session - groups[-1][0].session < MONTH:
            groups[-1].append(batch)
        else:
            groups.append([batch])
    return [group for groups in found.values() for group in groups]


def _settled(warehouse: WarehouseHook, run_key: int, now: datetime, batches: Sequence[Batch]) -> SavedOutcomes:
    sessions, spec = [batch.session for batch in batches], spec_of_today(batches[0].spec)
    reach = spec.horizon + spec.exit_roll
    first, last = _range(warehouse, sessions, reach)
    bars = warehouse.bars(first, last, now, reach)
    found = settle(
        warehouse.forward_questions(sessions),
        bars,
        warehouse.instruments_as_of(now),
        warehouse.trading_days(first, last),
        spec,
        batches[0].fit.get("numbers", {}),
        warehouse.codes(now),
    )
    return warehouse.save_outcomes(run_key, now, sessions, found)


def _range(warehouse: WarehouseHook, sessions: Sequence[date], reach: int) -> tuple[date, date]:
    """Return the first and the last day of which bars are needed."""
    before = warehouse.trading_days(sessions[0] - timedelta(days=5 * LOOK_BACK), sessions[0])
    after = warehouse.trading_days(sessions[-1], sessions[-1] + timedelta(days=5 * reach + 30))
    return before[-LOOK_BACK - 1 :][0], after[: reach + 1][-1]
