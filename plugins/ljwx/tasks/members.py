"""An index's lists of members: fetched with the sessions that look back to them, and read as known at a moment."""

from __future__ import annotations

import logging
from datetime import date, timedelta
from typing import TYPE_CHECKING

from ljwx.exceptions import ConfigurationError, TushareError

if TYPE_CHECKING:
    import polars as pl

    from ljwx.core.samples import SampleSpec
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.tasks.known import Known
    from ljwx.tasks.sources import Source

log = logging.getLogger(__name__)


def save_lists(source: Source, warehouse: WarehouseHook, run_key: int, first: date, last: date) -> dict[str, int]:
    """Fetch and write the lists that sessions of a range look back to, where the settings name an index.

    A list that is not there is told in the log and fails nothing: bars and features need none, and each later ingest
    looks back as far.

    :return: counts for the run's record; nothing without an index.
    """
    from ljwx.core.bars import index_members, sift, whole_lists
    from ljwx.core.samples import VALID_DAYS
    from ljwx.settings import current_settings

    index = current_settings().samples.index
    if index is None:
        return {}
    since = first - timedelta(days=VALID_DAYS)
    try:
        wire = source.frame("index_weight", index, f"{since:%Y%m%d}", f"{last:%Y%m%d}")
    except TushareError as error:
        log.warning("samples.universe.index: no list of members of %s for now: %s", index, error)
        return {"index_lists": 0}
    if wire is None:
        log.warning("samples.universe.index: no list of members of %s, which this source does not carry", index)
        return {"index_lists": 0}
    usable, refused = sift("index_weight", wire, kinds={"index_code": (index,)})
    warehouse.save_strays(run_key, refused.iter_rows(named=True))
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


def known_lists(warehouse: WarehouseHook, known: Known, spec: SampleSpec, sessions: pl.Series) -> pl.DataFrame | None:
    """Return the lists, as known, of the index that the spec names; None when it names none.

    Sessions that have no valid list are told in the log: their samples will be left out.

    :raises ConfigurationError: no list was known, or none is valid at any of the sessions.
    """
    from ljwx.core.samples import VALID_DAYS, WAY_OUT, lists_in_force

    index = spec.index
    if index is None:
        return None
    members = warehouse.known_members(index, known.at)
    then = f" on {known.on}" if known.on else ""
    if members.is_empty():
        raise ConfigurationError(f"samples.universe.index: no list of members of {index} was known{then}; {WAY_OUT}")
    found = lists_in_force(sessions, members)
    bare = found["session"].filter(found["listed_on"].is_null())
    if len(bare) == len(found):
        days = members["session"]
        raise ConfigurationError(
            f"samples.universe.index: no session from {bare[0]} to {bare[-1]} has a list of members of {index} of at "
            f"most {VALID_DAYS} days before; the lists known{then} are of {days[0]} to {days[-1]}; {WAY_OUT}"
        )
    if len(bare):
        log.warning(
            "no valid list of members of %s at %d of %d sessions, %s to %s: left out as no_index_list; %s",
            index, len(bare), len(found), bare[0], bare[-1], WAY_OUT,
        )  # fmt: skip
    return members
