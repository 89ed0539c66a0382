"""Whether what was built is a model to be asked: its answers, its context, its base and its template are looked at."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import ObjectStoragePath

from ljwx.core.models import BuildSpec
from ljwx.core.promotions import Reason
from ljwx.core.prompts import load_prompts, question
from ljwx.core.tasks import TASKS
from ljwx.core.verification import FIXED_PROMPTS, Findings, context_problem, special_tokens
from ljwx.exceptions import BuildFailed, ConfigurationError, PromptTooLong
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import included_below
from ljwx.services.asking import Prompted, ask, storable
from ljwx.services.candidates import check_digest
from ljwx.settings import Settings, current_settings
from ljwx.stages.runs import recorded_run
from ljwx.strategies import strategy_named
from ljwx.warehouse.evaluations import ModelAnswer
from ljwx.warehouse.models import BuiltModel

log = logging.getLogger(__name__)

PROBES_PER_TASK = 3
PROMPTED = ("sample_id", "task", "snapshot", "prompt_version")
COMPARED_TOKENS = 32
MEASURED = ("sample_id", "valid", "reason", "latency_s", "prompt_tokens", "answer_tokens")


def verify_model(plan: dict[str, str], built: dict[str, Any]) -> str:
    """Record the model, then see that it is what was asked for and answers.

    A model that fails is refused: a decision with its reasons, and it never becomes a candidate. What is no fault of
    the model, such as a server that does not answer, decides nothing.

    :return: the model's name.
    :raises BuildFailed: naming what the model lacks; it was refused.
    :raises PromptTooLong: a question does not fit its context; it was refused.
    :raises ModelMissing: its name stands for another model by now, or for none.
    """

    spec = BuildSpec.model_validate_json(ObjectStoragePath(plan["spec_path"]).read_text())
    settings, warehouse, ollama = current_settings(), WarehouseHook(), OllamaHook()
    model, digest = built["model"], built["digest"]
    with recorded_run(warehouse, dataset_id=plan["dataset_id"], spec_sha256=plan["spec_sha256"]) as run:
        warehouse.save_model(
            run.key,
            BuiltModel(
                model, digest, spec.strategy, spec.base, spec.base_digest, spec.model_dump(mode="json"), spec.sha256,
                plan["dataset_id"],
            ),
        )  # fmt: skip
        check_digest(ollama, model, digest)
        found = Findings({"evaluation": settings.evaluation.model_dump(mode="json")})
        try:
            _strategy(found, spec)
            _examples(found, warehouse, plan["dataset_id"], spec)
            _answers(found, ollama, model, _probes(warehouse, plan["dataset_id"]), settings)
            _context(found, ollama, model, spec, settings)
            _differing(found, ollama, model, spec.base)
        except (BuildFailed, PromptTooLong) as error:
            check_digest(ollama, model, digest)  # what another model answered does not count against this one
            _save_refusal(warehouse, run.key, model, found, error)
            raise
        check_digest(ollama, model, digest)
        warehouse.mark_verified(model, digest, found.checks)
        run.outputs |= {"model": model, "digest": digest}
    return str(model)


def _save_refusal(
    warehouse: WarehouseHook, run_key: int, model: str, found: Findings, error: BuildFailed | PromptTooLong
) -> None:

    if isinstance(error, PromptTooLong):
        text = f"A question does not fit its context: {error}"
        found.reasons.append(Reason(code="context", text=text, favourable=False))
    promotion_id = warehouse.save_refusal(run_key, model, found.reasons, found.checks)
    for reason in found.reasons:
        log.info("%s %s: %s", "+" if reason.favourable else "-", reason.code, reason.text)
    log.error("decision %d: %s is refused; the task write_report writes its report", promotion_id, model)


def _strategy(found: Findings, spec: BuildSpec) -> None:
    """See that the spec is one that its strategy makes: the strategy says whether weights were changed."""
    problem = strategy_named(spec.strategy).problem(spec)
    if problem is not None:
        found.refuse("strategy", problem)


def _examples(found: Findings, warehouse: WarehouseHook, dataset_id: str, spec: BuildSpec) -> None:
    """See that each example the model shows is in the dataset's train split."""
    splits = warehouse.splits_of(dataset_id, spec.examples)
    foreign = [sample for sample in spec.examples if splits.get(sample) != "train"]
    if foreign:
        found.refuse("examples", f"the spec shows {foreign} as examples, which {dataset_id} does not hold for training")
    found.checks["examples_from_train"] = len(spec.examples)
    if spec.examples:
        found.hold("examples", f"It shows {len(spec.examples)} examples, all of the train split.")


def _probes(warehouse: WarehouseHook, dataset_id: str) -> dict[str, list[Prompted]]:
    """Return a few questions of each task, always the same ones of a dataset."""

    rows = warehouse.dataset_samples(dataset_id, "validation").sort("sample_id")
    if rows.is_empty():
        raise ConfigurationError(f"dataset {dataset_id} has no validation samples to ask a model about")
    probes = {}
    for task in TASKS:
        chosen = rows.filter(rows["task"] == task).head(PROBES_PER_TASK)
        if not chosen.is_empty():
            probes[task] = [Prompted(**row) for row in chosen.select(*PROMPTED).to_dicts()]
    return probes


def _answers(
    found: Findings,
    ollama: OllamaHook,
    model: str,
    probes: Mapping[str, Sequence[Prompted]],
    settings: Settings,
) -> None:
    """Ask until each task has a valid answer, and the first one again."""

    first = next(iter(probes.values()))[0]
    found.checks |= {"first_token_s": _first_token(ollama, model, first, settings), "answers": []}
    for task, asked in probes.items():
        _one_valid(found, ollama, model, task, asked, settings)
    # A prompt that is computed and one read from the server's prefix cache differ in their last bits: the first of
    # three answers, which has the rest of the prompt computed, is not compared.
    _, *twice = [ask(ollama, model, first, settings).raw for _ in range(3)]
    if twice[0] != twice[1]:
        found.refuse("repeated", f"{model} answers the same question in two ways at temperature 0", *twice)
    found.hold("repeated", "Asked the same question twice at temperature 0, it gives the same answer.")


def _one_valid(
    found: Findings, ollama: OllamaHook, model: str, task: str, probes: Sequence[Prompted], settings: Settings
) -> None:
    """Ask a task's questions until one has a valid answer."""

    answers: list[ModelAnswer] = []
    for probe in probes:
        answer = ask(ollama, model, probe, settings)
        answers.append(answer)
        found.checks["answers"].append({"task": task} | {name: getattr(answer, name) for name in MEASURED})
        _without_marks(found, model, answer.raw)
        if answer.valid:
            found.hold(f"valid_answer:{task}", f"Its answer number {len(answers)} to {task} is valid.")
            return
    found.refuse(
        f"valid_answer:{task}",
        f"{model} gives no valid answer for {task} ({answers[-1].reason})",
        *(each.raw for each in answers),
    )


def _first_token(ollama: OllamaHook, model: str, probe: Prompted, settings: Settings) -> float:
    """Return the seconds to the first piece of an answer, loading the model included."""

    prompts = load_prompts(included_below("prompts"), probe.prompt_version, [probe.task])
    messages = question(probe.task, probe.snapshot, prompts, system=False)
    options = {"temperature": 0, "seed": settings.evaluation.seed, "num_predict": 1}
    started = time.monotonic()
    next(iter(ollama.chat_stream(model, list(messages), options=options)))
    return time.monotonic() - started


def _context(found: Findings, ollama: OllamaHook, model: str, spec: BuildSpec, settings: Settings) -> None:
    """See that the longest probe and answer fit the context the server loaded the model with; keep its tokens."""

    asked: Any = spec.parameters.get("num_ctx", 0)
    context = next((running.context_length for running in ollama.ps() if running.name == model), None) or int(asked)
    longest = max(answer["prompt_tokens"] for answer in found.checks["answers"])
    found.checks["context"] = context
    if not context:
        return
    problem = context_problem(longest, settings.evaluation.num_predict, context)
    if problem is not None:
        found.refuse("context", f"{model}: {problem}")
    found.hold("context", f"Its longest prompt, {longest} tokens, and an answer fit its context of {context}.")


def _differing(found: Findings, ollama: OllamaHook, model: str, base: str) -> None:
    """See that model and base answer fixed prompts otherwise; no schema keeps a template's marks out here."""

    options = {"temperature": 0, "seed": 1, "num_predict": COMPARED_TOKENS}

    def answer(name: str, prompt: str) -> str:
        return storable(ollama.chat(name, [{"role": "user", "content": prompt}], options=options).content)

    told: dict[str, str] = {}
    differing: list[str] = []
    for prompt in FIXED_PROMPTS:
        told[prompt] = answer(model, prompt)
        _without_marks(found, model, told[prompt])
        differing += [prompt] if told[prompt] != answer(base, prompt) else []
    found.checks["differs_from_base_on"] = differing
    found.hold("marks", "No answer holds a mark of its template.")
    if not differing:
        text = f"{model} answers like its base {base}: system prompt and examples do not reach it; see template"
        found.refuse("differs_from_base", text, *told.values())
    found.hold("differs_from_base", f"It answers {len(differing)} of {len(told)} fixed prompts otherwise than {base}.")


def _without_marks(found: Findings, model: str, answer: str) -> None:

    if leaked := special_tokens(answer):
        found.refuse("marks", f"{model} lets its template's marks through: {' '.join(leaked)}", answer)
