"""An index's lists of members, read as they were known at a moment."""

from __future__ import annotations

import logging

import polars as pl

from ljwx.core.datasets.members import VALID_DAYS, WAY_OUT, lists_in_force
from ljwx.core.datasets.spec import SampleSpec
from ljwx.exceptions import ConfigurationError
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.stages.samples.as_of import AsOf

log = logging.getLogger(__name__)


def index_lists_as_of(
    warehouse: WarehouseHook, as_of: AsOf, spec: SampleSpec, sessions: pl.Series
) -> pl.DataFrame | None:
    """Return the lists, as known, of the index that the spec names; None when it names none.

    Sessions that have no valid list are named in the log: their samples will be left out.

    :raises ConfigurationError: no list was known, or none is valid at any of the sessions.
    """

    index = spec.index
    if index is None:
        return None
    members = warehouse.members_as_of(index, as_of.at)
    then = f" on {as_of.on}" if as_of.on else ""
    if members.is_empty():
        raise ConfigurationError(f"samples.universe.index: no list of members of {index} was known{then}; {WAY_OUT}")
    found = lists_in_force(sessions, members)
    bare = found.filter(pl.col("listed_on").is_null()).get_column("session")
    if len(bare) == len(found):
        days = members.get_column("session")
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
