"""The recipe of a trained model: what is known of it before the first step."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from ljwx.core.models import BuildSpec
from ljwx.core.ollama import ModelDescription
from ljwx.core.ollama.requests import parameter_problems
from ljwx.core.training.recipe import TrainingRecipe
from ljwx.core.training.rows import digest_of
from ljwx.core.training.targets import fitted_on
from ljwx.exceptions import ConfigurationError
from ljwx.strategies.interface import BuildRequest
from ljwx.strategies.lora.samples import splits_of, start_of, training_before

log = logging.getLogger(__name__)

ARCHITECTURES: Final = ("llama", "qwen2", "qwen3")
"""Those that the trainer knows."""
_NO_TEMPLATE: Final = ("", "{{ .Prompt }}")


def trained_spec(request: BuildRequest) -> BuildSpec:
    """Return the spec with the recipe of its training, and what a model made of a file does not inherit of its base.

    :raises ConfigurationError: the base cannot be trained, or nothing can be learned from the dataset.
    """
    shown = request.ollama.show(request.base)
    _check_base(request, shown)
    spec = _checked_dataset(request)
    settings, warehouse = request.lora, request.warehouse
    before = training_before(warehouse, request.dataset_id, settings, shown.weights)
    splits = splits_of(
        warehouse, request.dataset_id, settings, request.seed, before, together=request.prompts.facts_first
    )
    training = TrainingRecipe(
        base_gguf=shown.weights,
        train=digest_of(splits.train),
        validation=digest_of(splits.validation),
        prompts=request.prompts.sha256,
        hyperparameters=settings.hyperparameters,
        class_weight=settings.class_weight,
        truth_share=settings.truth_share,
        forecast=None if settings.soft_targets == "class_rates" else digest_of(fitted_on(splits.learned, request.seed)),
        cross_validated=settings.soft_targets == "logistic_cv",
        seed=request.seed,
        output=settings.output,
        template=settings.template,
        abstention_share=spec.get("abstention_share"),
        start=start_of(before, splits),
    )
    log.info(
        "Recipe of training %s: %d samples, %d of them seen before; %d to look at",
        training.recipe_id, len(splits.seen), len(splits.replayed), len(splits.validation),
    )  # fmt: skip
    return request.spec(
        training=training, template=request.template or shown.template, parameters=_parameters(request, shown)
    )


def _check_base(request: BuildRequest, shown: ModelDescription) -> None:
    base, where = request.base, request.ollama.settings.url
    architecture = shown.info.get("general.architecture")
    if architecture not in ARCHITECTURES:
        raise ConfigurationError(
            f"model.base: {base} is of architecture {architecture}, which `lora` cannot train; it knows "
            f"{', '.join(ARCHITECTURES)}: take another base, or strategy fewshot"
        )
    if not shown.weights:
        raise ConfigurationError(f"{where} does not say which weights {base} has, so that they cannot be trained")
    if request.template is None and shown.template.strip() in _NO_TEMPLATE:
        raise ConfigurationError(
            f"model.base: {base} has no chat template on {where}; give its own in model.template, or take another base"
        )


def _checked_dataset(request: BuildRequest) -> Mapping[str, Any]:
    """Return the dataset's spec; see that it was made with the tasks and prompts in force, as models are asked."""
    dataset = request.warehouse.latest_dataset()
    spec = dataset.spec if dataset and dataset.dataset_id == request.dataset_id else {}
    made = {"samples.prompt_version": spec.get("prompt_version"), "samples.tasks": spec.get("tasks")}
    now = {"samples.prompt_version": request.prompts.version, "samples.tasks": list(request.prompts.used)}
    for name, value in made.items():
        if value is not None and value != now[name]:
            raise ConfigurationError(
                f"dataset {request.dataset_id} was made with {name} {value}, and the settings say {now[name]}: run "
                "ljwx_sample_generation first, or set it back"
            )
    return spec


def _parameters(request: BuildRequest, shown: ModelDescription) -> dict[str, Any]:
    """Return the base's own parameters, its stop words among them, with those of the settings over them."""
    own = {name: value for name, value in shown.parameters.items() if not parameter_problems({name: value})}
    for name in shown.parameters.keys() - own.keys():
        log.warning("%s of the base %s is not known here, and left out of the model", name, request.base)
    return {**own, **request.parameters}
