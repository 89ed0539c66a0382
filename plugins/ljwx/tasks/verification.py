"""Whether what was built is a model to be asked: its answers, its context, its base and its template are looked at."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ljwx.core.models import BuildSpec
    from ljwx.hooks.ollama import OllamaHook
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.settings import Settings

PROBES_PER_TASK = 3
COMPARED_TOKENS = 32


def verify_model(plan: dict[str, str], built: dict[str, Any]) -> str:
    """Record the model, then see that it is what was asked for and answers.

    :return: the model's name.
    :raises BuildFailed: naming what the model lacks; it is recorded, and never becomes a candidate.
    :raises ModelMissing: its name stands for another model by now, or for none.
    """
    from airflow.sdk import ObjectStoragePath

    from ljwx.core.models import BuildSpec
    from ljwx.hooks.ollama import OllamaHook
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.settings import current_settings
    from ljwx.tasks.pinning import check_digest
    from ljwx.tasks.runs import recorded_run

    spec = BuildSpec.model_validate_json(ObjectStoragePath(plan["spec_path"]).read_text())
    settings, warehouse, ollama = current_settings(), WarehouseHook(), OllamaHook()
    model, digest = built["model"], built["digest"]
    with recorded_run(warehouse, dataset_id=plan["dataset_id"], spec_sha256=plan["spec_sha256"]) as run:
        warehouse.save_model(
            run.key,
            {
                "model": model, "digest": digest, "strategy": spec.strategy, "base": spec.base,
                "base_digest": spec.base_digest, "spec": spec.model_dump(mode="json"),
                "spec_sha256": spec.sha256, "dataset_id": plan["dataset_id"],
            },
        )  # fmt: skip
        check_digest(ollama, model, digest)
        checks: dict[str, Any] = {"evaluation": settings.evaluation.model_dump(mode="json")}
        checks |= {"examples_from_train": _examples(warehouse, plan["dataset_id"], spec)}
        checks |= _answers(ollama, model, _probes(warehouse, plan["dataset_id"]), settings)
        checks |= {"context": _context(ollama, model, spec, checks, settings)}
        checks |= {"differs_from_base_on": _differing(ollama, model, spec.base)}
        check_digest(ollama, model, digest)
        warehouse.mark_verified(model, digest, checks)
        run.outputs |= {"model": model, "digest": digest}
    return str(model)


def _examples(warehouse: WarehouseHook, dataset_id: str, spec: BuildSpec) -> int:
    """Return how many examples the model shows, once each is found in the dataset's train split."""
    splits = warehouse.splits_of(dataset_id, spec.examples)
    foreign = [sample for sample in spec.examples if splits.get(sample) != "train"]
    _refuse(bool(foreign), f"the spec shows {foreign} as examples, which {dataset_id} does not hold for training")
    return len(spec.examples)


def _probes(warehouse: WarehouseHook, dataset_id: str) -> dict[str, list[dict[str, Any]]]:
    """Return a few questions of each task, always the same ones of a dataset."""
    from ljwx.core.samples import TASKS
    from ljwx.exceptions import ConfigurationError

    rows = warehouse.dataset_samples(dataset_id, "validation").sort("sample_id")
    probes = {task: rows.filter(rows["task"] == task).head(PROBES_PER_TASK).to_dicts() for task in TASKS}
    if rows.is_empty():
        raise ConfigurationError(f"dataset {dataset_id} has no validation samples to ask a model about")
    return {task: found for task, found in probes.items() if found}


def _answers(
    ollama: OllamaHook, model: str, probes: Mapping[str, Sequence[dict[str, Any]]], settings: Settings
) -> dict[str, Any]:
    """Ask until each task has a valid answer, and the first one again."""
    from ljwx.tasks.asking import ask

    asked: list[dict[str, Any]] = []
    first = next(iter(probes.values()))[0]
    first_token_s = _first_token(ollama, model, first, settings)
    for task, rows in probes.items():
        for probe in rows:
            asked.append({"task": task} | ask(ollama, model, probe, settings))
            _without_marks(model, asked[-1]["raw"])
            if asked[-1]["valid"]:
                break
        last = asked[-1]
        _refuse(
            not last["valid"], f"{model} gives no valid answer for {task} ({last['reason']}): {last['raw'][:200]!r}"
        )
    # A prompt that is computed and one read from the server's prefix cache differ in their last bits: the first of
    # three answers, which has the rest of the prompt computed, is not compared.
    _, *twice = [ask(ollama, model, first, settings)["raw"] for _ in range(3)]
    _refuse(twice[0] != twice[1], f"{model} answers the same question in two ways at temperature 0")
    kept = ("sample_id", "task", "valid", "latency_s", "prompt_tokens", "answer_tokens")
    return {"first_token_s": first_token_s, "answers": [{key: each[key] for key in kept} for each in asked]}


def _first_token(ollama: OllamaHook, model: str, probe: Mapping[str, Any], settings: Settings) -> float:
    """Return the seconds to the first piece of an answer, loading the model included."""
    from ljwx.core.samples import load_prompts, question
    from ljwx.resources import include_folder

    prompts = load_prompts(include_folder() / "prompts", probe["prompt_version"])
    messages = question(probe["task"], probe["snapshot"], prompts, system=False)
    options = {"temperature": 0, "seed": settings.evaluation.seed, "num_predict": 1}
    started = time.monotonic()
    next(iter(ollama.chat_stream(model, list(messages), options=options)))
    return time.monotonic() - started


def _context(ollama: OllamaHook, model: str, spec: BuildSpec, checks: Mapping[str, Any], settings: Settings) -> int:
    """Return the tokens of context the server loaded the model with, once the longest probe and answer fit it."""
    from ljwx.core.verification import context_problem

    asked: Any = spec.parameters.get("num_ctx", 0)
    context = next((running.context_length for running in ollama.ps() if running.name == model), None) or int(asked)
    longest = max(answer["prompt_tokens"] for answer in checks["answers"])
    problem = context_problem(longest, settings.evaluation.num_predict, context) if context else None
    _refuse(problem is not None, f"{model}: {problem}")
    return context


def _differing(ollama: OllamaHook, model: str, base: str) -> list[str]:
    """Return the fixed prompts that model and base answer otherwise; no schema keeps a template's marks out here."""
    from ljwx.core.verification import FIXED_PROMPTS

    options = {"temperature": 0, "seed": 1, "num_predict": COMPARED_TOKENS}

    def answer(name: str, prompt: str) -> str:
        return ollama.chat(name, [{"role": "user", "content": prompt}], options=options).content

    differing = []
    for prompt in FIXED_PROMPTS:
        told = answer(model, prompt)
        _without_marks(model, told)
        differing += [prompt] if told != answer(base, prompt) else []
    _refuse(
        not differing, f"{model} answers like its base {base}: system prompt and examples do not reach it; see template"
    )
    return differing


def _without_marks(model: str, answer: str) -> None:
    from ljwx.core.verification import special_tokens

    leaked = special_tokens(answer)
    _refuse(bool(leaked), f"{model} lets its template's marks through: {' '.join(leaked)}")


def _refuse(wrong: bool, message: str) -> None:
    from ljwx.exceptions import BuildFailed

    if wrong:
        raise BuildFailed(message)
