"""The recipe of a model on a dataset, by the settings in force or by those of an open line."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from ljwx.core.lines import line_of, same_model
from ljwx.core.models import BuildSpec
from ljwx.core.prompts import load_prompts
from ljwx.exceptions import BuildFailed, ConfigurationError, ModelMissing
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import included_below
from ljwx.services.lines import settings_of_line
from ljwx.settings import ModelSettings, Settings
from ljwx.stages.context import task_instance
from ljwx.strategies import BuildRequest, strategy_named
from ljwx.warehouse.datasets import StoredDataset
from ljwx.warehouse.lines import KnownLine

log = logging.getLogger(__name__)

UNBUILDABLE = (ConfigurationError, ModelMissing, BuildFailed)
"""What a recipe of before may run into: its base is gone, or its settings are none any more."""


@dataclass(frozen=True)
class Due:
    """A line that is to be trained again, with its recipe on the newest dataset."""

    line_id: str
    spec: BuildSpec


def recipe(settings: Settings, warehouse: WarehouseHook, ollama: OllamaHook, dataset_id: str) -> BuildSpec:
    """Let the strategy of the settings make the spec."""
    chosen = settings.model
    asked = settings.samples
    prompts = load_prompts(included_below("prompts"), asked.prompt_version, asked.tasks, asked.groups)
    request = BuildRequest(
        strategy=chosen.strategy,
        dataset_id=dataset_id,
        base=chosen.base,
        base_digest=_pinned(chosen, ollama),
        prompts=prompts,
        parameters=chosen.parameters,
        template=chosen.template,
        repository=chosen.repository,
        num_predict=settings.evaluation.num_predict,
        seed=settings.samples.seed,
        examples_per_task=chosen.examples_per_task,
        warehouse=warehouse,
        ollama=ollama,
        lora=chosen.lora,
    )
    log.info("Making the recipe of %s with strategy %s from dataset %s", chosen.base, chosen.strategy, dataset_id)
    return strategy_named(chosen.strategy).recipe(request)


def passed(warehouse: WarehouseHook, since: date, dataset: StoredDataset) -> int:
    """Return how many sessions after this one a dataset ends."""
    return len(warehouse.sessions(since, dataset.last_session)) - 1


def due_lines(
    settings: Settings, warehouse: WarehouseHook, ollama: OllamaHook, dataset: StoredDataset, own: str
) -> Iterator[Due]:
    """Return the other open lines that `model.retrain_every` sessions have passed of, the longest waiting first.

    One whose recipe cannot be made any more, or takes nothing that is new from the dataset, is left as it is. One whose
    newest model was refused, or whose training failed, waits as long as if it had passed, and holds up nobody.

    :param own: line_id of the settings' line, which is none of them.
    """
    newest, tried = (
        {each.line_id: each for each in warehouse.newest_models()},
        warehouse.last_tried(task_instance().run_id),
    )
    waiting = [
        (newest[line.line_id], line)
        for line in warehouse.lines()
        if line.closed_at is None and line.line_id != own and line.line_id in newest
    ]
    for model, line in sorted(waiting, key=lambda each: each[0].last_session):
        since = tried.get(line.line_id, model.last_session)
        if passed(warehouse, since, dataset) < settings.model.retrain_every:
            continue
        spec = _again(settings, warehouse, ollama, dataset.dataset_id, line)
        known = warehouse.model(model.model)
        if spec is None or known is None:
            continue
        if same_model(BuildSpec.model_validate(known.spec), spec):
            log.info("line %s takes nothing new from dataset %s", line.line_id, dataset.dataset_id)
            continue
        yield Due(line.line_id, spec)


def _again(
    settings: Settings, warehouse: WarehouseHook, ollama: OllamaHook, dataset_id: str, line: KnownLine
) -> BuildSpec | None:
    """Return a line's recipe on a dataset; None where what is made today would be of another line."""
    try:
        own = settings_of_line(settings, line.recipe)
        spec = recipe(own, warehouse, ollama, dataset_id)
    except UNBUILDABLE as error:
        log.warning("line %s is not trained again: %s", line.line_id, error)
        return None
    found = line_of(spec, own.model.of_strategy).line_id
    if found != line.line_id:
        log.warning(
            "line %s is not trained again: prompts, trainer or template are others by now, and make line %s",
            line.line_id, found,
        )  # fmt: skip
        return None
    return spec


def _pinned(chosen: ModelSettings, ollama: OllamaHook) -> str:
    """Return the base's digest; ConfigurationError when the settings ask for another one."""

    digest = ollama.digest(chosen.base)
    if chosen.base_digest not in (None, digest):
        raise ConfigurationError(
            f"model.base_digest: {chosen.base} on {ollama.settings.url} is {digest}, not {chosen.base_digest}"
        )
    return digest
