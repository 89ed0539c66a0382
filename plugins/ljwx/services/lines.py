"""Which line a model belongs to, and which lines challenge."""

from __future__ import annotations

import logging
from typing import Final

from pydantic import ValidationError

from ljwx.core.lines import Line, line_of
from ljwx.core.models import BuildSpec
from ljwx.core.training.settings import WHERE_AND_WHAT_FOR
from ljwx.exceptions import ConfigurationError
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.settings import ModelSettings, Settings
from ljwx.strategies import strategy_named
from ljwx.warehouse.lines import KnownLine, NewestModel

log = logging.getLogger(__name__)

MOST_OPEN: Final = 3
"""Lines that are trained and asked at the same time, the champion's among them."""
UNSEEN: Final = -1.0
"""A line that nobody has looked at goes before one that has lost a little, and after one that has lost two thirds."""


def line_id_of(warehouse: WarehouseHook, run_key: int, model: str) -> str:
    """Return the line of a model; one that was built before lines were kept gets its own now.

    :raises ConfigurationError: the model is not in the warehouse.
    """
    found = warehouse.model(model)
    if found is None:
        raise ConfigurationError(f"{model} is not in the warehouse: clear the task verify_model and what follows")
    if found.line_id is not None:
        return found.line_id
    examples = warehouse.examples_asked(model) if found.spec.get("examples") else None
    line = line_of(BuildSpec.model_validate(found.spec), {"examples_per_task": examples} if examples else None)
    return warehouse.keep_line(run_key, line, model)


def settings_of_line(settings: Settings, line: Line) -> Settings:
    """Return the settings in force with those of the model that a line was opened with.

    How its proof is made, and where the file of the same base lies, the settings in force say.

    :raises ConfigurationError: there is no such strategy or setting any more.
    """
    of_strategy = {name: value for name, value in line.settings.items() if name != "trainer"}
    values = settings.model.model_dump() | {
        "base": line.base,
        "base_digest": line.base_digest,
        "strategy": line.strategy,
        "parameters": dict(line.parameters),
        "template": line.template,
        "examples_per_task": None,
    }
    if strategy_named(line.strategy).changes_weights:
        elsewhere = {"base_gguf": None} if line.base != settings.model.base else {}
        values |= {"lora": settings.model.lora.model_dump(include=set(WHERE_AND_WHAT_FOR)) | elsewhere | of_strategy}
    else:
        values |= of_strategy
    try:
        return settings.model_copy(update={"model": ModelSettings.model_validate(values)})
    except ValidationError as error:
        raise ConfigurationError(f"{error.error_count()} of its settings are none of this version") from error


def planned_settings(warehouse: WarehouseHook, settings: Settings, line_id: str) -> Settings:
    """Return the settings that a planned model is made by.

    :param line_id: of the open line that is trained again; empty: the settings in force make it.
    """
    if not line_id:
        return settings
    line = next((each for each in warehouse.lines() if each.line_id == line_id), None)
    if line is None:
        raise ConfigurationError(f"line {line_id} is not in the warehouse: clear the task plan_build")
    return settings_of_line(settings, line.recipe)


def other_challengers(warehouse: WarehouseHook, model: str) -> list[NewestModel]:
    """Return the newest models of the other lines that challenge the champion beside a model.

    Neither of the champion's own line, whose models are judged when they are built, nor below the floors when they were
    last decided on. Without a champion there is nothing to challenge.
    """
    champion = warehouse.champion()
    if champion is None:
        return []
    known = [found for name in (model, champion.model) if (found := warehouse.model(name)) is not None]
    lines = {each.line_id for each in known}
    return [
        each
        for each in warehouse.newest_models()
        if each.line_id not in lines and each.model not in (model, champion.model) and each.verdict != "rejected"
    ]


def check_newest(warehouse: WarehouseHook, model: str) -> None:
    """Refuse to decide on a model where its line has one of newer data: the line's evidence speaks for that one.

    One that the gate rejected stands in nobody's way.

    :raises ConfigurationError: there is a newer one.
    """
    known = warehouse.model(model)
    if known is None or known.line_id is None:
        return
    newest = next((each for each in warehouse.newest_models() if each.line_id == known.line_id), None)
    if newest is None or newest.digest == known.digest or newest.verdict == "rejected":
        return
    if newest.last_session > warehouse.last_session_of(known.dataset_id):
        raise ConfigurationError(
            f"{model} is not decided on: {newest.model} of the same line was made from newer data since. "
            "Nothing was decided; let the newest run of ljwx_model_build decide"
        )


def open_line(warehouse: WarehouseHook, run_key: int, line: Line, model: str) -> str:
    """Let a line challenge with a model; where three do already, the one with the least evidence ceases to.

    The champion's line never does. What a closed line has shown stays, and it is opened again by building it.
    """
    others = [each for each in warehouse.lines() if each.closed_at is None and each.line_id != line.line_id]
    champion = warehouse.champion()
    serves = None if champion is None else line_id_of(warehouse, run_key, champion.model)
    for closed in to_close(others, warehouse.last_evidence(), serves):
        log.warning(
            "line %s (%s) is closed and makes room for %s: %d lines challenge at most, and it has shown least. Its "
            "evidence is kept and no longer gathered; build it again to open it",
            closed.line_id, closed.strategy, model, MOST_OPEN,
        )  # fmt: skip
        warehouse.close_line(closed.line_id)
    return warehouse.open_line(run_key, line, model)


def to_close(open_lines: list[KnownLine], evidence: dict[str, float], serves: str | None) -> list[KnownLine]:
    """Return the lines that make room for one more: with the least evidence first, of equal ones the oldest.

    :param evidence: natural logarithm by line_id; ``UNSEEN`` of a line that nobody has looked at.
    """
    ranked = sorted(
        (each for each in open_lines if each.line_id != serves),
        key=lambda each: (evidence.get(each.line_id, UNSEEN), each.opened_at),
    )
    return ranked[: max(len(open_lines) + 1 - MOST_OPEN, 0)]
