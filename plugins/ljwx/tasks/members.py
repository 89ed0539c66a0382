"""An index's lists of members: fetched with the sessions that look back to them, and read as known at a moment."""

from __future__ import annotations

import logging
from datetime import date, timedelta
from typing import TYPE_CHECKING

from ljwx.exceptions import ConfigurationError

if TYPE_CHECKING:
    import polars as pl

    from ljwx.core.samples import SampleSpec
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.tasks.known import Known
    from ljwx.tasks.sources import Source

log = logging.getLogger(__name__)

WAY_OUT = (
    "run ljwx_daily_ingest over the dates, which fetches the lists while the setting is in force, from a connection of "
    "TuShare with 2,000 points"
)


def save_lists(source: Source, warehouse: WarehouseHook, run_key: int, first: date, last: date) -> dict[str, int]:
    """Fetch and write the lists that sessions of a range look back to, where the settings name an index.

    A source without lists is told in the log, and makes no session incomplete: bars and features need none.

    :return: counts for the run's record; nothing without an index.
    """
    from ljwx.core.bars import index_members, sift
    from ljwx.core.samples import VALID_DAYS
    from ljwx.settings import current_settings

    index = current_settings().samples.index
    if index is None:
        return {}
    since = first - timedelta(days=VALID_DAYS)
    wire = source.frame("index_weight", index, f"{since:%Y%m%d}", f"{last:%Y%m%d}")
    if wire is None:
        log.warning("samples.universe.index: no list of members of %s, which this source does not carry", index)
        return {"index_lists": 0}
    usable, refused = sift("index_weight", wire, kinds={"index_code": (index,)})
    warehouse.save_strays(run_key, refused.iter_rows(named=True))
    if usable.is_empty():
        log.warning("samples.universe.index: no list of members of %s from %s to %s came", index, since, last)
        return {"index_lists": 0}
    saved = warehouse.save_index_members(run_key, index, index_members(usable))
    return {
        "index_lists": saved.lists,
        "members_inserted": saved.inserted,
        "members_revised": saved.revised,
        "members_withdrawn": saved.withdrawn,
    }


def known_lists(warehouse: WarehouseHook, known: Known, spec: SampleSpec, sessions: pl.Series) -> pl.DataFrame | None:
    """Return the lists, as known, of the index that the spec names; None when it names none.

    Sessions that have no valid list are told in the log: their samples will be left out.

    :raises ConfigurationError: no list was known, or none is valid at any of the sessions.
    """
    from ljwx.core.samples import VALID_DAYS, lists_in_force

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
