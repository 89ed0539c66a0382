"""The stage `models`: what to build next, and whether what was built answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ljwx.core.models import BuildSpec
    from ljwx.hooks.ollama import OllamaHook
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.settings import Settings


def plan_build() -> dict[str, str]:
    """Write the build spec of a model on the newest dataset.

    :return: model, spec_path, spec_sha256 and dataset_id.
    :raises ConfigurationError: there is no dataset yet.
    :raises ModelMissing: the base model is not on the server.
    :raises AirflowSkipException: this very model is there, and was decided on.
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
    path = save_text(f"specs/{spec.sha256}.json", spec.model_dump_json(indent=2))
    return {
        "model": name, "spec_path": path, "spec_sha256": spec.sha256, "dataset_id": dataset["dataset_id"],
    }  # fmt: skip


def _spec(settings: Settings, warehouse: WarehouseHook, ollama: OllamaHook, dataset_id: str) -> BuildSpec:
    from ljwx.core.models import BuildSpec
    from ljwx.core.samples import choose_examples, example_messages, load_prompts
    from ljwx.resources import include_folder

    chosen = settings.model
    prompts = load_prompts(include_folder() / "prompts", settings.samples.prompt_version)
    messages: tuple[Any, ...] = ()
    if chosen.strategy == "fewshot":
        train = warehouse.dataset_samples(dataset_id, "train")
        examples = choose_examples(train, chosen.examples_per_task, settings.samples.seed)
        messages = example_messages(
            ((row["task"], row["snapshot"], row["answer"]) for row in examples.iter_rows(named=True)), prompts
        )
    return BuildSpec(
        base=chosen.base,
        base_digest=ollama.digest(chosen.base),
        strategy=chosen.strategy,
        system=prompts.system,
        parameters=chosen.parameters,
        messages=messages,
    )


def verify_model(plan: dict[str, str], built: dict[str, Any]) -> str:
    """Record the model, then see that it answers: valid by its schema, and twice the same.

    :return: the model's name.
    :raises BuildFailed: it gives no valid answer, or two different ones at temperature 0; it never becomes a candidate.
    """
    import json
    from pathlib import Path

    from ljwx.core.models import BuildSpec
    from ljwx.exceptions import BuildFailed
    from ljwx.hooks.ollama import OllamaHook
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.settings import current_settings
    from ljwx.tasks.asking import ask
    from ljwx.tasks.runs import recorded_run

    spec = BuildSpec.model_validate_json(Path(plan["spec_path"]).read_text(encoding="utf-8"))
    settings, warehouse, ollama = current_settings(), WarehouseHook(), OllamaHook()
    with recorded_run(warehouse, dataset_id=plan["dataset_id"], spec_sha256=plan["spec_sha256"]) as run:
        warehouse.save_model(
            run.key,
            {
                "model": built["model"], "digest": built["digest"], "strategy": spec.strategy, "base": spec.base,
                "base_digest": spec.base_digest, "spec": json.loads(spec.model_dump_json()),
                "spec_sha256": spec.sha256, "dataset_id": plan["dataset_id"],
            },
        )  # fmt: skip
        probe = warehouse.dataset_samples(plan["dataset_id"], "validation").row(0, named=True)
        # The first answer fills the server's prefix cache: computed and cached prompts differ in their last bits.
        _, first, second = (ask(ollama, built["model"], probe, settings) for _ in range(3))
        if not first["valid"]:
            raise BuildFailed(f"{built['model']} gives no valid answer ({first['reason']}): {first['raw'][:200]!r}")
        if first["raw"] != second["raw"]:
            raise BuildFailed(f"{built['model']} answers the same question in two ways at temperature 0")
        checks = {"sample_id": probe["sample_id"], "latency_s": [first["latency_s"], second["latency_s"]]}
        warehouse.mark_verified(built["model"], checks)
        run.outputs |= {"model": built["model"], "digest": built["digest"]}
    return str(built["model"])
