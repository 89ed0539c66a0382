"""What the doctor looks at on model servers: the base, the champion, whether all servers can be asked, how long."""

from __future__ import annotations

from ljwx.exceptions import ConfigurationError, ModelMissing
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.candidates import ModelRef
from ljwx.services.asking.servers import how_long, lacks, servers_of
from ljwx.services.doctor.finding import Finding, advice
from ljwx.services.served import ServedModels
from ljwx.settings import current_settings

FAILS = "see ljwx record watch; ljwx rollback puts the previous champion back"
UNVERIFIED = "ljwx report tells the reason; then clear verify_model of its run and what follows, or ljwx rollback"
ON_EACH = "build or copy the models there, or take the server out of evaluation.servers: docs/operations.md"
REBUILT = "clear build_model alone of the run that made it, or ljwx rollback; if both are lost: docs/operations.md"


def ollama() -> Finding:
    """Look whether the model server answers."""
    fine, said = OllamaHook().test_connection()
    return Finding("ollama", fine, said, "" if fine else advice("ollama"))


def base() -> Finding:
    """Look whether the base is on the model server."""
    base = current_settings().model.base
    try:
        return Finding("base", True, f"{base} is there, digest {OllamaHook().digest(base)[:12]}")
    except ModelMissing:
        return Finding("base", True, f"{base} is not on the server: the next build pulls it, or `ollama pull {base}`")


def champion() -> Finding:
    """Look whether the champion is served, by its name and as latest."""
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
    if champion.failing is not None:
        return Finding("champion", False, f"{name} is served as {alias}, and fails: {champion.failing}", FAILS)
    return Finding("champion", True, f"{name} is served as {alias}{'' if champion.proven else ', unproven'}")


def servers() -> Finding | None:
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


def asking() -> Finding | None:
    """Say how long a model is asked, as fast as the last one was; there is nothing to say before that."""
    try:
        settings, pace = current_settings(), WarehouseHook().paces()
    except Exception:
        return None  # the findings before say what is wrong
    if pace.full_s is None:
        return None
    text = how_long(settings, pace.full_s, pace.class_s, pace.classes)
    return Finding("asking", None if text is None else True, text or "no model server answers")
