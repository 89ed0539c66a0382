"""What the doctor looks at in market data: the connection, what its tier gives, lists of members."""

from __future__ import annotations

from datetime import timedelta

from ljwx.core.datasets.members import VALID_DAYS, WAY_OUT
from ljwx.core.features.of_index import IndexTable, index_table
from ljwx.exceptions import ConfigurationError
from ljwx.hooks.market import market_terms, try_market
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.doctor.finding import Finding, advice
from ljwx.services.ingesting.facts import LATE_TABLES_WAIT
from ljwx.settings import current_settings
from ljwx.warehouse.market.facts import WHOLE_SHARE
from ljwx.warehouse.market.sources import WarehouseKeeper

WATCHED_DAYS = 30
TURN_SECONDS = 20.0
"""How long the doctor waits behind workers for the one connection of a source."""
LATE = "the source publishes it later, or lacks it: ljwx_forward asks again; schedules.ingest can be later"
LOOK = "the logs of ingest_bars name the bars; ingest.quarantine_differing refuses such"


def tushare() -> Finding:
    """Ask the source of market data for something small."""
    fine, said = try_market(WarehouseKeeper(WarehouseHook(), TURN_SECONDS))
    return Finding("tushare", fine, said, "" if fine else advice("tushare"))


def tier() -> Finding:
    """Name the interfaces that the last session was fetched without."""
    absent = WarehouseHook().absent_interfaces()
    if absent is None:
        return Finding("tier", None, "no session was fetched yet")
    if not absent:
        return Finding("tier", True, "the last session lacked no interface")
    lacks = ", ".join(absent)
    return Finding("tier", True, f"the last session was fetched without {lacks}: see docs/connections.md")


def terms() -> Finding | None:
    """Say what the source gives, lacks, costs and allows; there is nothing to say where there is none."""
    known = market_terms()
    return None if known is None else Finding("terms", True, str(known))


def second_source() -> Finding | None:
    """Say what a second source found in the last days; there is nothing to say where the settings name none."""
    try:
        named = current_settings().ingest.second_source
    except ConfigurationError:
        return None  # the finding `settings` says it
    if named is None:
        return None
    found = WarehouseHook().compared(WATCHED_DAYS)
    if not found.compared:
        return Finding("second_source", None, f"{named} was not compared with in the last {WATCHED_DAYS} days")
    differing = found.closes + found.pre_closes + found.factors
    what = f"{found.closes} closes, {found.pre_closes} pre-closes and {found.factors} factors"
    said = f"{named}: of {found.compared} bars of the last {WATCHED_DAYS} days {what} differ"
    return Finding("second_source", not differing, said, LOOK if differing else "")


def tables() -> Finding | None:
    """Say how much of the newest session the tables of feature groups have; nothing where no group has one."""
    try:
        groups = current_settings().samples.groups
    except ConfigurationError:
        return None  # the finding `settings` says it
    named = [group.table for group in groups if group.table is not None]
    if not named:
        return None
    warehouse = WarehouseHook()
    found = {table.name: warehouse.published(table) for table in named}
    shares = {name: each.rows / each.bars for name, each in found.items() if each is not None and each.bars}
    if not shares:
        return Finding("tables", None, "no session is complete yet")
    session = max(each.session for each in found.values() if each is not None)
    said = ", ".join(f"{min(share, 1):.0%} have {name}" for name, share in shares.items())
    whole = min(shares.values()) >= WHOLE_SHARE
    return Finding("tables", whole, f"of the stocks of {session} {said}", "" if whole else LATE)


def levels() -> Finding | None:
    """Say whether the newest session has levels of the indexes; nothing while no session is complete, or none asked."""
    try:
        codes, warehouse = current_settings().ingest.indexes, WarehouseHook()
        found = {code: state for code in codes if (state := warehouse.published(index_table(code))) is not None}
        told_of = {each.table.code for each in current_settings().samples.groups if isinstance(each.table, IndexTable)}
    except Exception:
        return None  # the findings before say what is wrong
    if not found:
        return None
    session, without = max(each.session for each in found.values()), [c for c, each in found.items() if not each.rows]
    if not without:
        return Finding("levels", True, f"{', '.join(found)} of {session} is there")
    waited_for = [code for code in without if code in told_of]
    waits = "nothing waits for it"
    if waited_for:
        most = LATE_TABLES_WAIT // timedelta(minutes=1)
        waits = f"ljwx_forward waits for {', '.join(waited_for)} up to {most} minutes"
    said = f"{', '.join(without)} of {session} is not there: the record is shown without it, and {waits}"
    return Finding("levels", None, said)


def index() -> Finding | None:
    """Look whether the sessions have lists of members; there is nothing to look at where no index is asked for."""
    try:
        index = current_settings().samples.index
    except ConfigurationError:
        return None  # the finding `settings` says it
    if index is None:
        return None
    found = WarehouseHook().index_lists(index, VALID_DAYS)
    if not found.sessions:
        return Finding("index", None, f"{index}: no session is complete yet")
    if not found.lists:
        return Finding("index", False, f"no list of members of {index} is there", WAY_OUT)
    newest = f"the newest list of members of {index} is of {found.newest}"
    if found.last != found.last_listed:
        return Finding("index", False, f"{newest}, too old for the session {found.last}", WAY_OUT)
    without = f"{found.without} of {found.sessions} complete sessions have none that is valid"
    return Finding("index", True, f"{newest}; {without}")
