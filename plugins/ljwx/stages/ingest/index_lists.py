"""An index's lists of members, fetched with the sessions that look back to them."""

from __future__ import annotations

import logging
from datetime import date, timedelta

from ljwx.core.bars import index_members, split_valid, whole_lists
from ljwx.core.datasets.members import VALID_DAYS
from ljwx.exceptions import SourceError
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.settings import current_settings
from ljwx.stages.ingest.sources import Source

log = logging.getLogger(__name__)


def save_lists(source: Source, warehouse: WarehouseHook, run_key: int, first: date, last: date) -> dict[str, int]:
    """Fetch and write the lists that sessions of a range look back to, where the settings name an index.

    A list that is not there is told in the log and fails nothing: bars and features need none, and each later ingest
    looks back as far.

    :return: counts for the run's record; nothing without an index.
    """

    index = current_settings().samples.index
    if index is None:
        return {}
    since = first - timedelta(days=VALID_DAYS)
    try:
        wire = source.frame("index_weight", index, f"{since:%Y%m%d}", f"{last:%Y%m%d}")
    except SourceError as error:
        log.warning("samples.universe.index: no list of members of %s for now: %s", index, error)
        return {"index_lists": 0}
    if wire is None:
        log.warning("samples.universe.index: no list of members of %s, which this source does not carry", index)
        return {"index_lists": 0}
    usable, refused = split_valid("index_weight", wire, kinds={"index_code": (index,)})
    warehouse.save_unassigned_rejects(run_key, refused.iter_rows(named=True))
    if usable.is_empty():
        log.warning("samples.universe.index: no list of members of %s from %s to %s came", index, since, last)
        return {"index_lists": 0}
    members, partial = whole_lists(index_members(usable), refused)
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
