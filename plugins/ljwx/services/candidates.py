"""Who may be asked and decided on: models that the server still has as they were recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ljwx.exceptions import ConfigurationError, ModelMissing
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking import request_config
from ljwx.settings import Settings
from ljwx.warehouse.models import Model


@dataclass(frozen=True)
class ModelRef:
    """Who is asked: a tag of the server that must have this digest.

    :param parameters: the challenger's, where this is its untuned base; None for a model of ours.
    """

    model: str
    digest: str
    parameters: Mapping[str, Any] | None = None


def candidate(warehouse: WarehouseHook, model: str) -> Model:
    """Return a model that may be asked and decided on.

    :raises ConfigurationError: it is not in the warehouse, or was never verified.
    """
    row = warehouse.model(model)
    if row is None or row.verified is None:
        lacks = "is not in the warehouse" if row is None else "was never verified"
        raise ConfigurationError(f"{model} {lacks}: clear the task verify_model and what follows")
    return row


def models_to_evaluate(warehouse: WarehouseHook, ollama: OllamaHook, model: str) -> list[ModelRef]:
    """Return challenger, champion and untuned base, each seen to be on the server as it was when it was recorded."""
    row, champion = candidate(warehouse, model), warehouse.champion()
    found = [ModelRef(model, row.digest)]
    if champion and champion.model != model:
        found.append(ModelRef(champion.model, champion.digest))
    found.append(ModelRef(row.base, row.base_digest, row.parameters))
    for each in found:
        check_digest(ollama, each.model, each.digest)
    return found


def open_evaluation(
    warehouse: WarehouseHook, settings: Settings, run_key: int, asked: ModelRef, question_set_id: str
) -> int:
    """Return the evaluation of a model on a question set with the settings in force."""

    return warehouse.open_evaluation(
        run_key, asked.model, asked.digest, question_set_id, request_config(settings, asked.parameters),
        is_base=asked.parameters is not None,
    )  # fmt: skip


def check_digest(ollama: OllamaHook, model: str, digest: str) -> None:
    """Answers of another model that took over the name must not count for this one.

    :raises ModelMissing: there is no such tag, or it has another digest.
    """
    served = ollama.digest(model)
    if served != digest:
        raise ModelMissing(f"{model} on {ollama.settings.url} is another model by now: {served}, not {digest}")
