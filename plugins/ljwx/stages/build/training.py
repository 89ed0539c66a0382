"""The task `prepare_training`: the folder that a trainer needs, and nothing that it has to ask for."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl
from airflow.sdk import ObjectStoragePath
from airflow.sdk.exceptions import AirflowSkipException

from ljwx.core.models import BuildSpec
from ljwx.core.prompts import Prompts, load_prompts, question
from ljwx.core.tasks import TASKS
from ljwx.core.training.recipe import TrainingRecipe
from ljwx.core.training.result import JOB, RESULT
from ljwx.core.training.rows import bare_lines, classes, lines
from ljwx.core.training.targets import Forecast, by_class_rates, by_logistic, fitted_on
from ljwx.exceptions import ConfigurationError, PromptTooLong
from ljwx.files import data_root, is_whole, location_of, save_text
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import included_below
from ljwx.services.lines import planned_settings
from ljwx.settings import Settings, current_settings
from ljwx.stages.build.base_gguf import base_gguf
from ljwx.stages.build.xcoms import BuildPlan, PreparedTraining
from ljwx.stages.runs import recorded_run
from ljwx.strategies.lora.samples import Splits, splits_of

log = logging.getLogger(__name__)


def prepare_training(plan: dict[str, str]) -> dict[str, str]:
    """Write the job of a training: its rows, its base and how it is trained, by path and digest; job.json last.

    One whose result is there stays as it is.

    :param plan: the fields of a BuildPlan.
    :return: the fields of a PreparedTraining.
    :raises AirflowSkipException: the strategy changes no weights; the build goes on without a training.
    :raises ConfigurationError: the base's file is not to be had, the server does not say what it makes of a prompt, or
        the longest question does not fit the context.
    """
    planned = BuildPlan(**plan)
    spec = BuildSpec.model_validate_json(ObjectStoragePath(planned.spec_path).read_text())
    recipe = spec.training
    if recipe is None:
        raise AirflowSkipException(f"strategy {spec.strategy} changes no weights: there is nothing to train")
    warehouse = WarehouseHook()
    settings = planned_settings(warehouse, current_settings(), planned.line_id)
    folder = data_root() / recipe.folder
    with recorded_run(warehouse, dataset_id=planned.own_dataset, spec_sha256=planned.spec_sha256) as run:
        if is_whole(folder, RESULT):
            log.info("Training %s is done: its result is in %s", recipe.recipe_id, location_of(folder))
        else:
            _Job(spec, recipe, planned.own_dataset, settings, warehouse, OllamaHook()).write()
        warehouse.save_training(run.key, recipe, planned.own_dataset, location_of(folder))
        run.outputs |= {"recipe": recipe.recipe_id}
    return asdict(PreparedTraining(recipe.recipe_id, location_of(folder)))


@dataclass(frozen=True)
class _Job:
    """What is written of a training before it begins."""

    spec: BuildSpec
    recipe: TrainingRecipe
    dataset_id: str
    settings: Settings
    warehouse: WarehouseHook
    ollama: OllamaHook

    def write(self) -> None:
        """Write rows and job.json, each whole or not at all."""
        recipe, lora = self.recipe, self.settings.model.lora
        base = base_gguf(lora, recipe.base_gguf, self.spec.base)
        prompts = self._prompts()
        splits, start = self._splits(prompts)
        checked = self._checked_prompts(splits, prompts)
        forecast = self._forecast(splits)
        share = prompts.abstention_share if recipe.abstention_share is None else recipe.abstention_share
        more = {"train": "".join(bare_lines(splits.seen, prompts, share, recipe.seed))}
        files = {
            name: self._save(name, "".join(lines(samples, prompts, recipe.truth_share, forecast)) + more.get(name, ""))
            for name, samples in (("train", splits.seen), ("validation", splits.validation))
        }
        job = {
            "base": {"path": base, "sha256": recipe.base_gguf},
            "train": [files["train"]],
            "validation": [files["validation"]],
            "hyperparameters": recipe.hyperparameters,
            "objective": {"classes": classes(prompts.used), "class_weight": recipe.class_weight},
            "seed": recipe.seed,
            "output": recipe.output,
            "template": recipe.template,
            "start": start,
            "prompts": checked,
            "proof": min(lora.proof, len(splits.validation)),
        }
        job = {name: value for name, value in job.items() if value is not None}
        path = save_text(f"{recipe.folder}/{JOB}", json.dumps(job, ensure_ascii=False, indent=1))
        log.info("Training %s is prepared: %s", recipe.recipe_id, path)

    def _forecast(self, splits: Splits) -> Forecast:
        """Return what the targets are softened by."""
        if self.recipe.forecast is None:
            return by_class_rates(splits.train)
        asked = pl.concat([splits.seen, splits.validation])
        fitted = fitted_on(splits.learned, self.recipe.seed)
        return by_logistic(fitted, asked, cross_validated=self.recipe.cross_validated)

    def _splits(self, prompts: Prompts) -> tuple[Splits, dict[str, str] | None]:
        """Return the samples, and the adapter that is gone on with."""
        recipe, lora = self.recipe, self.settings.model.lora
        before = self.warehouse.training(recipe.start.recipe_id) if recipe.start else None
        splits = splits_of(self.warehouse, self.dataset_id, lora, recipe.seed, before, together=prompts.facts_first)
        if before is None or recipe.start is None:
            return splits, None
        path = f"{before.job}/adapter/adapter_model.safetensors"
        if not ObjectStoragePath(path).is_file():
            raise ConfigurationError(f"{path} is not there, the adapter to go on with: set model.lora.start to base")
        return splits, {"path": path, "sha256": recipe.start.adapter_sha256}

    def _prompts(self) -> Prompts:
        samples = self.settings.samples
        prompts = load_prompts(included_below("prompts"), samples.prompt_version, samples.tasks, samples.groups)
        if prompts.sha256 != self.recipe.prompts:
            raise ConfigurationError("the prompts were changed since the build was planned: plan it again")
        return prompts

    def _checked_prompts(self, splits: Splits, prompts: Prompts) -> list[dict[str, Any]]:
        """Return a question of each task with the tokens that the server makes of it: the trainer's must be the same.

        All are about the longest facts, so that the longest question is among them; where prompts begin with the
        facts, the server reads these once.
        """
        both = pl.concat([splits.seen, splits.validation])
        longest = max(both.get_column("snapshot").sort(), key=len)
        tasks = set(both.get_column("task"))
        return [self._with_ids(task, longest, prompts) for task in TASKS if task in tasks]

    def _with_ids(self, task: str, snapshot: str, prompts: Prompts) -> dict[str, Any]:
        num_ctx, num_predict = self.settings.model.num_ctx, self.settings.evaluation.num_predict
        messages = question(task, snapshot, prompts)
        try:
            rendered = self.ollama.complete(
                self.spec.base,
                messages[-1]["content"],
                system=self.spec.system,
                template=self.spec.template,
                options={"num_ctx": num_ctx, "num_predict": 1, "temperature": 0},
            )
        except PromptTooLong as error:
            raise ConfigurationError(
                f"model.parameters.num_ctx: a question of {task} alone is longer: {error}"
            ) from error
        if rendered.prompt is None:
            raise ConfigurationError(
                f"{self.ollama.settings.url} does not say which tokens it makes of a prompt (/api/generate, context), "
                "without which a trained model cannot be shown to be the served one: take Ollama 0.33 or 0.34"
            )
        if len(rendered.prompt) + num_predict > num_ctx:
            raise ConfigurationError(
                f"a question of {len(rendered.prompt)} tokens ({task}) and an answer of {num_predict} do not fit "
                f"num_ctx {num_ctx}: raise model.parameters.num_ctx, or lower evaluation.num_predict"
            )
        return {"messages": list(messages), "ids": list(rendered.prompt)}

    def _save(self, name: str, text: str) -> dict[str, str]:
        save_text(f"{self.recipe.folder}/{name}.jsonl", text)
        return {"path": f"{name}.jsonl", "sha256": hashlib.sha256(text.encode()).hexdigest()}
