"""The parts that the pipeline leans on, looked at one by one; one that fails hides no other."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from ljwx.core.datasets.members import VALID_DAYS, WAY_OUT
from ljwx.exceptions import ConfigurationError, ModelMissing
from ljwx.files import data_root, is_local
from ljwx.hooks.market import try_market
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import (
    DEFERRED_POOLS,
    OLLAMA_CONN_ID,
    POOL_SLOTS,
    POSTGRES_CONN_ID,
    TUSHARE_CONN_ID,
    overridden,
    overrides_folder,
    packaged_folder,
    sse_calendar,
)
from ljwx.schedule import SHANGHAI
from ljwx.services.candidates import ModelRef
from ljwx.services.served import ServedModels
from ljwx.services.servers import how_long, lacks, servers_of
from ljwx.settings import current_settings

DISK_FREE = 2 << 30
"""Bytes: a dataset of the whole market and a build's temporary files fit in it."""
CLOCK_SECONDS = 5.0
CALENDAR_DAYS = 30
UNVERIFIED = "ljwx report tells the reason; then clear verify_model of its run and what follows, or ljwx rollback"
RIGHTS = "let an administrator give it the schema ljwx and what is in it, and TEMP on the database: docs/connections.md"
ON_EACH = "build or copy the models there, or take the server out of evaluation.servers: docs/operations.md"
REBUILT = "clear build_model alone of the run that made it, or ljwx rollback; if both are lost: docs/operations.md"


@dataclass(frozen=True)
class Finding:
    """What was found of a part.

    :param ok: None when it could not be looked at, and does not have to be.
    :param advice: what to do; empty when it is fine.
    """

    part: str
    ok: bool | None
    found: str
    advice: str = ""


def examine() -> Iterator[Finding]:
    """Yield a finding of each part."""
    checks: dict[str, Callable[[], Finding | None]] = {
        "settings": _settings, "include": _include, "database": _database, "role": _role, "schema": _schema,
        "clock": _clock, "tushare": _tushare, "tier": _tier, "index": _index, "ollama": _ollama, "base": _base,
        "champion": _champion, "servers": _servers, "asking": _asking, "calendar": _calendar, "disk": _disk,
        "pools": _pools,
    }  # fmt: skip
    for part, check in checks.items():
        finding = _looked_at(part, check)
        if finding is not None:
            yield finding


def _looked_at(part: str, check: Callable[[], Finding | None]) -> Finding | None:
    """Return a finding whatever the check runs into, so that the others are made too; None: no such part."""
    try:
        return check()
    except Exception as error:
        return Finding(part, False, f"{type(error).__name__}: {' '.join(str(error).split())}", _advice(part))


def _advice(part: str) -> str:

    if part == "settings":
        return "correct include/training_config.json or the Variable ljwx_training_config"
    if part == "tushare":
        return f"see the connection {TUSHARE_CONN_ID}"
    if part == "servers":
        return "see the connections that evaluation.servers names"
    if part in ("ollama", "base"):
        return f"see the connection {OLLAMA_CONN_ID}, and whether Ollama runs"
    return f"see the connection {POSTGRES_CONN_ID}, and whether PostgreSQL runs"


def _settings() -> Finding:

    chosen = current_settings().model
    return Finding("settings", True, f"valid: {chosen.strategy} on {chosen.base}")


def _include() -> Finding | None:
    """Name the files that stand in for the packaged ones; there is nothing to look at without `LJWX_INCLUDE`."""
    mine = overrides_folder()
    if mine is None:
        return None
    if not mine.is_dir():
        return Finding("include", False, f"LJWX_INCLUDE: there is no folder {mine}", "make it, or unset LJWX_INCLUDE")
    others = ", ".join(name for name, differs in overridden().items() if differs)
    found = f"from {mine}: {others}" if others else f"no file in {mine} differs from the packaged one"
    has_sql = (mine / "sql").is_dir() and mine != packaged_folder()
    return Finding("include", True, found + ("; its sql is not used: SQL comes with the code" if has_sql else ""))


def _database() -> Finding:

    server = WarehouseHook().server()
    return Finding("database", True, f"PostgreSQL {server.version}{' behind a pooler' if server.pooled else ''}")


def _role() -> Finding:
    """Look whether the role may write the tables, and make those of the next year."""
    rights = WarehouseHook().rights()
    lacks = [
        f"may not {what}"
        for what, allowed in (
            ("make temporary tables", rights.temporary),
            ("make tables", rights.creates),
            ("make partitions of tables of another owner", rights.owns),
        )
        if not allowed
    ]
    if not lacks:
        return Finding("role", True, f"{rights.role} may write and make the tables")
    return Finding("role", False, f"{rights.role} {', '.join(lacks)}", RIGHTS)


def _schema() -> Finding:
    from ljwx.migrations import newest

    at, head = WarehouseHook().schema_version(), newest()
    return Finding("schema", at == head, f"migration {at or 'none'} of {head}", "" if at == head else "ljwx migrate")


def _clock() -> Finding:

    off = abs((datetime.now(timezone.utc) - WarehouseHook().server().now).total_seconds())
    fine = off < CLOCK_SECONDS
    return Finding("clock", fine, f"{off:.1f} s from the database's", "" if fine else "set the clock by NTP")


def _tushare() -> Finding:

    fine, said = try_market()
    return Finding("tushare", fine, said, "" if fine else _advice("tushare"))


def _tier() -> Finding:

    absent = WarehouseHook().absent_interfaces()
    if absent is None:
        return Finding("tier", None, "no session was fetched yet")
    if not absent:
        return Finding("tier", True, "the last session lacked no interface")
    lacks = ", ".join(absent)
    return Finding("tier", True, f"the last session was fetched without {lacks}: see docs/connections.md")


def _index() -> Finding | None:
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


def _ollama() -> Finding:

    fine, said = OllamaHook().test_connection()
    return Finding("ollama", fine, said, "" if fine else _advice("ollama"))


def _base() -> Finding:

    base = current_settings().model.base
    try:
        return Finding("base", True, f"{base} is there, digest {OllamaHook().digest(base)[:12]}")
    except ModelMissing:
        return Finding("base", True, f"{base} is not on the server: the next build pulls it, or `ollama pull {base}`")


def _champion() -> Finding:

    warehouse = WarehouseHook()
    champion = warehouse.champion()
    if champion is None:
        return Finding("champion", None, "none yet; ljwx_model_build makes the first")
    name, alias = champion.model, f"{current_settings().model.repository}:latest"
    served = ServedModels.on(OllamaHook())
    own, answering = (served.digest(tag) or "missing" for tag in (name, alias))
    if own != champion.digest:
        copied = f"ollama cp {alias} {name}" if answering == champion.digest else REBUILT
        return Finding("champion", False, f"{name} is {own[:12]}, not {champion.digest[:12]}", copied)
    if answering != champion.digest:
        return Finding("champion", False, f"{alias} is {answering[:12]}, not {name}", f"ollama cp {name} {alias}")
    known = warehouse.model(name)
    if known is not None and known.verified is None:
        found = f"{name} is served as {alias}, and did not pass its last verification"
        return Finding("champion", False, found, UNVERIFIED)
    return Finding("champion", True, f"{name} is served as {alias}{'' if champion.proven else ', unproven'}")


def _servers() -> Finding | None:
    """Look whether every server that is to be asked can be; of a single one the findings before say it."""
    try:
        settings, warehouse = current_settings(), WarehouseHook()
    except ConfigurationError:
        return None  # the finding `settings` says it
    servers = servers_of(settings)
    if len(servers) == 1:
        return None
    champion = warehouse.champion()
    known = warehouse.model(champion.model) if champion else None
    models = [ModelRef(known.model, known.digest), ModelRef(known.base, known.base_digest)] if known else []
    problems = {each.name: why for each in servers if (why := lacks(each, models)) is not None}
    if problems:
        return Finding("servers", False, "; ".join(f"{name}: {why}" for name, why in problems.items()), ON_EACH)
    has = f"{', '.join(each.name for each in servers)} have {' and '.join(each.model for each in models)}"
    return Finding("servers", True, has if models else f"{len(servers)} are named; there is no champion yet to have")


def _asking() -> Finding | None:
    """Say how long a model is asked, as fast as the last one was; there is nothing to say before that."""
    try:
        settings, pace = current_settings(), WarehouseHook().paces()
    except Exception:
        return None  # the findings before say what is wrong
    if pace.full_s is None:
        return None
    text = how_long(settings, pace.full_s, pace.class_s, pace.classes)
    return Finding("asking", None if text is None else True, text or "no model server answers")


def _calendar() -> Finding:

    calendar = sse_calendar()
    left = calendar.days_left(datetime.now(SHANGHAI).date())
    fine = left >= CALENDAR_DAYS
    advice = (
        "" if fine else "ljwx sessions refresh, once the exchange has published the next year; restart Airflow then"
    )
    return Finding("calendar", fine, f"known through {calendar.known_through}, {left} days", advice)


def _disk() -> Finding:

    root = data_root()
    if not is_local(root):
        return Finding("disk", None, f"files are at {root}")
    folder = Path(root.path)
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(there).free
    fine = free >= DISK_FREE
    advice = "" if fine else "make room, or run ljwx_cleanup with dry_run false"
    return Finding("disk", fine, f"{free / (1 << 30):.1f} GiB free for {folder}", advice)


def _pools() -> Finding:
    """Tasks of a pool that does not exist wait for ever."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        from airflow.models.pool import Pool

        missing = [name for name in POOL_SLOTS if Pool.get_pool(name) is None]
    except (SQLAlchemyError, ImportError, RuntimeError):
        return Finding("pools", None, "Airflow's own database was not reached")
    if not missing:
        return Finding("pools", True, f"{', '.join(POOL_SLOTS)} are there")
    kept = {name: " --include-deferred" if name in DEFERRED_POOLS else "" for name in missing}
    command = "; ".join(f"airflow pools set {name} {POOL_SLOTS[name]} ljwx{kept[name]}" for name in missing)
    return Finding("pools", False, f"missing: {', '.join(missing)}; their tasks would wait for ever", command)
