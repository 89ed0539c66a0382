"""The tasks `choose_base` and `plan_build`: what to build next."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from ljwx.core.lines import line_of
from ljwx.core.models import BuildSpec, changes
from ljwx.core.prompts import load_prompts
from ljwx.exceptions import ConfigurationError
from ljwx.files import save_text
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import included_below
from ljwx.services.lines import other_challengers
from ljwx.settings import ModelSettings, Settings, current_settings
from ljwx.stages.build.xcoms import BuildPlan
from ljwx.stages.context import params
from ljwx.strategies import BuildRequest, strategy_named
from ljwx.warehouse.datasets import StoredDataset

log = logging.getLogger(__name__)

UNDECISIVE = ("masked_share", "test_share", "shard_size", "class_questions", "class_sessions", "servers")
"""Settings of `evaluation` that decide nothing: masked and sealed questions are reported, and questions of classes are
evidence that gathers; shards and servers share out the rest."""


AS_BEFORE = (("think", False), ("min_abstention_share", 0.0))
"""As it was before there were these settings: decisions that do not know them were made so."""


def choose_base() -> str:
    """Return the tag of the base model that the settings name."""
    return current_settings().model.base


@dataclass(frozen=True)
class _Candidate:
    """A model that may be judged next, and the dataset that it is or was made from."""

    model: str
    spec: BuildSpec
    made_from: str


def plan_build() -> dict[str, str]:
    """Write the build spec of a model on the newest dataset, as the settings in force say, or of one to judge again.

    A line is trained again when `model.retrain_every` sessions have passed since its newest model's dataset, or when
    the run is given its settings. Until then that model is judged on the newest dataset's questions, or, where it
    serves or is decided on, one of another open line.

    :return: the fields of a BuildPlan.
    :raises ConfigurationError: there is no dataset yet, not one example of each task fits the context, nothing can be
        learned from it, or the base cannot be trained or is another one than the settings pin.
    :raises ModelMissing: the base model is not on the server.
    :raises BuildFailed: the server does not take the template that the settings give.
    :raises AirflowSkipException: this very model was decided on by the gate in force, or the champion is made from
        this very spec; not where that one did not pass its last verification.
    """
    settings, warehouse, ollama = current_settings(), WarehouseHook(), OllamaHook()
    dataset = warehouse.latest_dataset()
    if dataset is None:
        raise ConfigurationError("there is no dataset yet; run ljwx_sample_generation first")
    at_once = bool(params().get("model"))
    own = _of_settings(settings, warehouse, ollama, dataset, at_once=at_once)
    others = [] if at_once else other_challengers(warehouse, own.model)
    reasons = []
    for each in (own, *(_again(warehouse, other.model) for other in others)):
        why = _decided(settings, warehouse, each.model, dataset.dataset_id) or _serves(warehouse, each.spec)
        if why is None:
            path = save_text(f"specs/{each.spec.sha256}.json", each.spec.model_dump_json(indent=2))
            return asdict(BuildPlan(each.model, path, each.spec.sha256, dataset.dataset_id, each.made_from))
        reasons.append(why)
    raise AirflowSkipException("; ".join(reasons))


def _of_settings(
    settings: Settings, warehouse: WarehouseHook, ollama: OllamaHook, dataset: StoredDataset, *, at_once: bool
) -> _Candidate:
    """Return a new model of the settings' line, or its newest one where it is too early to train it again."""
    spec = _recipe(settings, warehouse, ollama, dataset.dataset_id)
    line = line_of(spec, settings.model.of_strategy).line_id
    newest = next((each for each in warehouse.newest_models() if each.line_id == line), None)
    if newest is not None and newest.dataset_id != dataset.dataset_id and not at_once:
        passed = len(warehouse.sessions(newest.last_session, dataset.last_session)) - 1
        if passed < settings.model.retrain_every:
            log.info(
                "line %s is not trained again: %d of %d sessions have passed since the data of %s",
                line, passed, settings.model.retrain_every, newest.model,
            )  # fmt: skip
            return _again(warehouse, newest.model)
    return _Candidate(spec.model_name(dataset.last_session, settings.model.repository), spec, dataset.dataset_id)


def _again(warehouse: WarehouseHook, model: str) -> _Candidate:
    """Return a model that is there, as it was built."""
    known = warehouse.model(model)
    if known is None:
        raise ConfigurationError(f"{model} is not in the warehouse: clear the task plan_build")
    return _Candidate(model, BuildSpec.model_validate(known.spec), known.dataset_id)


def _decided(settings: Settings, warehouse: WarehouseHook, name: str, dataset_id: str) -> str | None:
    """Say so where the gate has decided on it; where dataset, gate or questions are others now, log that instead."""
    decision = warehouse.decision_on(name)
    if decision is None:
        return None
    gate, evaluation = (part.model_dump(mode="json") for part in (settings.gate, settings.evaluation))
    compared = {
        "dataset": (decision.dataset_id, dataset_id),
        "gate": (decision.policy, gate),
        "evaluation": (_decisive(decision.evaluation), _decisive(evaluation)),
    }
    changed = [part for part, (then, now) in compared.items() if then not in (None, now)]
    if not changed:
        return f"{name} is built and decided on: neither dataset, base nor settings have changed, the gate's included"
    log.info("%s was decided on before, and is evaluated again because of another %s", name, " and ".join(changed))
    return None


def _decisive(evaluation: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Leave out the settings that decide nothing; a decision that stands keeps those it was first made with."""
    if evaluation is None:
        return None
    return {
        name: value for name, value in evaluation.items() if name not in UNDECISIVE and (name, value) not in AS_BEFORE
    }


def _serves(warehouse: WarehouseHook, spec: BuildSpec) -> str | None:
    """Say so where the champion is made from this very spec; else log what is new against it."""
    champion = warehouse.champion()
    known = warehouse.model(champion.model) if champion else None
    if known is None:
        return None
    changed = changes(BuildSpec.model_validate(known.spec), spec)
    if changed:
        log.info("Against the champion %s: %s", known.model, "; ".join(changed))
    elif known.verified is None:
        log.info("The champion %s is made from this very spec, and did not pass its last verification", known.model)
    else:
        return f"nothing relevant changed: the champion {known.model} is made from this very spec"
    return None


def _recipe(settings: Settings, warehouse: WarehouseHook, ollama: OllamaHook, dataset_id: str) -> BuildSpec:
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


def _pinned(chosen: ModelSettings, ollama: OllamaHook) -> str:
    """Return the base's digest; ConfigurationError when the settings ask for another one."""

    digest = ollama.digest(chosen.base)
    if chosen.base_digest not in (None, digest):
        raise ConfigurationError(
            f"model.base_digest: {chosen.base} on {ollama.settings.url} is {digest}, not {chosen.base_digest}"
        )
    return digest
