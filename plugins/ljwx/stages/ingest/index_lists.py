"""An index's lists of members, fetched with the sessions that look back to them."""

from __future__ import annotations

import logging
from datetime import date, timedelta

from ljwx.core.bars import Capability, whole_lists
from ljwx.core.datasets.members import VALID_DAYS
from ljwx.exceptions import SourceError
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.settings import current_settings
from ljwx.sources.base import MarketSource

log = logging.getLogger(__name__)


def save_lists(source: MarketSource, warehouse: WarehouseHook, run_key: int, first: date, last: date) -> dict[str, int]:
    """Fetch and write the lists that sessions of a range look back to, where the settings name an index.

    A list that is not there is a line in the log and fails nothing: bars and features need none, and each later ingest
    looks back as far.

    :return: counts for the run's record; nothing without an index.
    """

    index = current_settings().samples.index
    if index is None:
        return {}
    since = first - timedelta(days=VALID_DAYS)
    try:
        lists = source.members(index, since, last)
    except SourceError as error:
        log.warning("samples.universe.index: no list of members of %s for now: %s", index, error)
        return {"index_lists": 0}
    if lists is None:
        why = " for now" if source.is_deferred(Capability.MEMBERS) else ", which this source does not carry"
        log.warning("samples.universe.index: no list of members of %s%s", index, why)
        return {"index_lists": 0}
    warehouse.save_unassigned_rejects(run_key, lists.rejected)
    if lists.usable.is_empty():
        log.warning("samples.universe.index: no list of members of %s from %s to %s came", index, since, last)
        return {"index_lists": 0}
    members, partial = whole_lists(lists.usable, lists.rejected)
    if partial:
        log.warning(
            "samples.universe.index: the list of %s of %s is not whole (weights do not sum to 100 %%, or a row is in "
            "ljwx.quarantine): what is stored of that day stays",
            index, ", ".join(map(str, partial)),
        )  # fmt: skip
    saved = warehouse.save_index_members(run_key, index, members)
    return {
        "index_lists": saved.lists,
        "index_lists_refused": len(partial),
        "members_inserted": saved.inserted,
        "members_revised": saved.revised,
        "members_withdrawn": saved.withdrawn,
    }
