"""The tasks `choose_base` and `plan_build`: what to build next."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from ljwx.core.lines import line_of
from ljwx.core.models import BuildSpec, changes
from ljwx.exceptions import ConfigurationError
from ljwx.files import save_text
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.lines import other_challengers
from ljwx.settings import Settings, current_settings
from ljwx.stages.build.recipes import due_lines, passed, recipe
from ljwx.stages.build.xcoms import BuildPlan
from ljwx.stages.context import params
from ljwx.stages.runs import recorded_run
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
    """A model that may be judged next, and the dataset that it is or was made from.

    :param line_id: of an open line that is trained again by its own settings; empty of any other.
    """

    model: str
    spec: BuildSpec
    made_from: str
    line_id: str = ""


def plan_build() -> dict[str, str]:
    """Write the build spec of a model on the newest dataset, as the settings in force say, or of one to judge again.

    An open line is trained again when `model.retrain_every` sessions have passed since its newest model's dataset, that
    of the settings first, or when the run is given its settings. Where none is due, the newest model of the settings'
    line is judged on the newest dataset's questions, or, where it serves or is decided on, one of another open line.

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
    reasons = []
    for each in _candidates(settings, warehouse, ollama, dataset, at_once=at_once):
        why = _decided(settings, warehouse, each.model, dataset.dataset_id) or _serves(warehouse, each.spec)
        if why is None:
            path = save_text(f"specs/{each.spec.sha256}.json", each.spec.model_dump_json(indent=2))
            _note_attempt(warehouse, each.line_id, dataset)
            found = (each.model, path, each.spec.sha256, dataset.dataset_id, each.made_from, each.line_id)
            return asdict(BuildPlan(*found))
        reasons.append(why)
    raise AirflowSkipException("; ".join(reasons))


def _note_attempt(warehouse: WarehouseHook, line_id: str, dataset: StoredDataset) -> None:
    """Note that a line is trained again, so that it waits its sessions also where no model comes of it."""
    if line_id:
        with recorded_run(warehouse) as run:
            run.outputs |= {"line_id": line_id, "last_session": f"{dataset.last_session}"}


def _candidates(
    settings: Settings, warehouse: WarehouseHook, ollama: OllamaHook, dataset: StoredDataset, *, at_once: bool
) -> Iterator[_Candidate]:
    """Return what may be judged next: new models before those of before, and the settings' own line first."""
    spec = recipe(settings, warehouse, ollama, dataset.dataset_id)
    line = line_of(spec, settings.model.of_strategy).line_id
    own = _of_settings(settings, warehouse, dataset, spec, line, at_once=at_once)
    if own.made_from == dataset.dataset_id:
        yield own
    if not at_once:
        for due in due_lines(settings, warehouse, ollama, dataset, line):
            name = due.spec.model_name(dataset.last_session, settings.model.repository)
            yield _Candidate(name, due.spec, dataset.dataset_id, due.line_id)
    if own.made_from != dataset.dataset_id:
        yield own
    if not at_once:
        yield from (_again(warehouse, other.model) for other in other_challengers(warehouse, own.model))


def _of_settings(
    settings: Settings, warehouse: WarehouseHook, dataset: StoredDataset, spec: BuildSpec, line: str, *, at_once: bool
) -> _Candidate:
    """Return a new model of the settings' line, or its newest one where it is too early to train it again."""
    newest = next((each for each in warehouse.newest_models() if each.line_id == line), None)
    if newest is not None and newest.dataset_id != dataset.dataset_id and not at_once:
        gone = passed(warehouse, newest.last_session, dataset)
        if gone < settings.model.retrain_every:
            log.info(
                "line %s is not trained again: %d of %d sessions have passed since the data of %s",
                line, gone, settings.model.retrain_every, newest.model,
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
