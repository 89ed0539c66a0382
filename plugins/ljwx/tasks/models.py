"""The stage `models`: what to build next."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from ljwx.core.models import BuildSpec
    from ljwx.core.samples import Prompts
    from ljwx.hooks.ollama import OllamaHook
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.settings import Settings

log = logging.getLogger(__name__)


def choose_base() -> str:
    """Return the tag of the base model that the settings name."""
    from ljwx.settings import current_settings

    return current_settings().model.base


def plan_build() -> dict[str, str]:
    """Write the build spec of a model on the newest dataset.

    :return: model, spec_path, spec_sha256 and dataset_id.
    :raises ConfigurationError: there is no dataset yet, or not one example of each task fits the context.
    :raises ModelMissing: the base model is not on the server.
    :raises AirflowSkipException: this very model was decided on, or the champion is made from this very spec.
    """
    from airflow.sdk.exceptions import AirflowSkipException

    from ljwx.exceptions import ConfigurationError
    from ljwx.hooks.ollama import OllamaHook
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.settings import current_settings
    from ljwx.tasks.files import save_text

    settings, warehouse, ollama = current_settings(), WarehouseHook(), OllamaHook()
    dataset = warehouse.latest_dataset()
    if dataset is None:
        raise ConfigurationError("there is no dataset yet; run ljwx_sample_generation first")
    spec = _spec(settings, warehouse, ollama, dataset["dataset_id"])
    name = spec.model_name(dataset["last_session"], settings.model.repository)
    if warehouse.is_decided(name):
        raise AirflowSkipException(f"{name} is built and decided on: neither dataset, base nor settings have changed")
    _compare_with_champion(warehouse, spec)
    path = save_text(f"specs/{spec.sha256}.json", spec.model_dump_json(indent=2))
    return {
        "model": name, "spec_path": path, "spec_sha256": spec.sha256, "dataset_id": dataset["dataset_id"],
    }  # fmt: skip


def _compare_with_champion(warehouse: WarehouseHook, spec: BuildSpec) -> None:
    """Log what is new against the champion; skip when nothing is."""
    from airflow.sdk.exceptions import AirflowSkipException

    from ljwx.core.models import BuildSpec, changes

    champion = warehouse.champion()
    known = warehouse.model(champion["model"]) if champion else None
    if known is None:
        return
    changed = changes(BuildSpec.model_validate(known["spec"]), spec)
    if not changed:
        raise AirflowSkipException(
            f"nothing relevant changed: the champion {known['model']} is made from this very spec"
        )
    log.info("Against the champion %s: %s", known["model"], "; ".join(changed))


def _spec(settings: Settings, warehouse: WarehouseHook, ollama: OllamaHook, dataset_id: str) -> BuildSpec:
    from ljwx.core.models import BuildSpec
    from ljwx.core.samples import load_prompts
    from ljwx.resources import include_folder

    chosen = settings.model
    base_digest = ollama.digest(chosen.base)
    prompts = load_prompts(include_folder() / "prompts", settings.samples.prompt_version)
    messages: tuple[Any, ...] = ()
    if chosen.strategy == "fewshot":
        splits = {name: warehouse.dataset_samples(dataset_id, name) for name in ("train", "validation")}
        messages = _fitting_examples(settings, ollama, prompts, splits)
    return BuildSpec(
        base=chosen.base,
        base_digest=base_digest,
        strategy=chosen.strategy,
        system=prompts.system,
        parameters=chosen.parameters,
        messages=messages,
    )


def _fitting_examples(
    settings: Settings, ollama: OllamaHook, prompts: Prompts, splits: dict[str, pl.DataFrame]
) -> tuple[Any, ...]:
    """Return as many examples as leave room for the longest question and its answer, as the server counts tokens."""
    from ljwx.core.samples import choose_examples, example_messages
    from ljwx.exceptions import ConfigurationError

    chosen, problem = settings.model, None
    for per_task in range(chosen.examples_per_task, 0, -1):
        examples = choose_examples(splits["train"], per_task, settings.samples.seed)
        rows = ((row["task"], row["snapshot"], row["answer"]) for row in examples.iter_rows(named=True))
        messages = example_messages(rows, prompts)
        problem = _context_problem(settings, ollama, prompts, messages, splits["validation"])
        if not problem:
            log.info("%d examples, %d of each task at most", examples.height, per_task)
            return tuple(messages)
        log.info("%d examples of each task are too many: %s", per_task, problem)
    raise ConfigurationError(f"model.parameters.num_ctx of {chosen.base}: not one example a task fits: {problem}")


def _context_problem(
    settings: Settings, ollama: OllamaHook, prompts: Prompts, messages: Any, validation: pl.DataFrame
) -> str | None:
    """Let the server count the tokens of the longest question behind these examples."""
    from ljwx.core.samples import Message, question
    from ljwx.core.verification import context_problem
    from ljwx.exceptions import PromptTooLong

    longest = validation.sort(validation["snapshot"].str.len_chars(), descending=True).row(0, named=True)
    asked = question(longest["task"], longest["snapshot"], prompts, system=False)
    system = Message(role="system", content=prompts.system)
    context = settings.model.num_ctx
    options = {"num_ctx": context, "num_predict": 1, "temperature": 0}
    try:
        counted = ollama.chat(settings.model.base, [system, *messages, *asked], options=options).prompt_eval_count
    except PromptTooLong as error:
        return str(error)
    return context_problem(counted, settings.evaluation.num_predict, context)
