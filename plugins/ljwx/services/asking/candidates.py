"""Candidates: verified models that the server still has as they were recorded, with champion and base beside them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol, TypeVar

from ljwx.exceptions import ConfigurationError, ModelMissing
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.full import class_request_config, request_config
from ljwx.settings import Settings
from ljwx.warehouse.models import Model

log = logging.getLogger(__name__)


class OfSession(Protocol):
    """What is asked about a session."""

    @property
    def session(self) -> date:
        """The as-of session."""


Asked = TypeVar("Asked", bound=OfSession)


@dataclass(frozen=True)
class ModelRef:
    """A model on the server: a tag that must have this digest.

    :param parameters: the challenger's, where this is its untuned base; None for a model that this package built.
    """

    model: str
    digest: str
    parameters: Mapping[str, Any] | None = None


def candidate(warehouse: WarehouseHook, model: str) -> Model:
    """Return a verified model.

    :raises ConfigurationError: it is not in the warehouse, or was never verified.
    """
    found = warehouse.model(model)
    if found is None or found.verified is None:
        lacks = "is not in the warehouse" if found is None else "was never verified"
        raise ConfigurationError(f"{model} {lacks}: clear the task verify_model and what follows")
    return found


def models_to_evaluate(warehouse: WarehouseHook, model: str) -> list[ModelRef]:
    """Return challenger, champion and untuned base.

    :raises ConfigurationError: the challenger is not in the warehouse, or was never verified.
    """
    challenger, champion = candidate(warehouse, model), warehouse.champion()
    models = [ModelRef(model, challenger.digest)]
    if champion and champion.model != model:
        models.append(ModelRef(champion.model, champion.digest))
    return [*models, ModelRef(challenger.base, challenger.base_digest, challenger.parameters)]


def open_evaluation(
    warehouse: WarehouseHook,
    settings: Settings,
    run_key: int,
    model: ModelRef,
    question_set_id: str,
    *,
    class_alone: bool = False,
) -> int:
    """Return the evaluation of a model on a question set with the settings in force."""
    config = (class_request_config if class_alone else request_config)(settings, model.parameters)
    return warehouse.open_evaluation(
        run_key, model.model, model.digest, question_set_id, config, is_base=model.parameters is not None
    )


def counting(warehouse: WarehouseHook, asked: Iterable[Asked], *models: str | None) -> list[Asked]:
    """Return the questions that count for all of the models: those after everything that one of them was made from.

    A dataset's windows are shares of its sessions, so filling in earlier years moves them back, over the examples of a
    model that was made before.

    :param asked: questions, or what has a session as they do.
    :param models: who is judged; None is nobody.
    """
    every = list(asked)
    first = warehouse.counts_from([model for model in models if model is not None])
    later = [each for each in every if first is None or each.session >= first]
    if len(later) < len(every):
        log.warning(
            "%d of %d questions do not count: they lie before %s, in what %s was made from",
            len(every) - len(later), len(every), first, " or ".join(filter(None, models)),
        )  # fmt: skip
    return later


def check_digest(ollama: OllamaHook, model: str, digest: str) -> None:
    """See that a tag still names the model that was recorded: answers of another one must not count for it.

    :raises ModelMissing: there is no such tag, or it has another digest.
    """
    served = ollama.digest(model)
    if served != digest:
        raise ModelMissing(f"{model} on {ollama.settings.url} is another model by now: {served}, not {digest}")
