"""The task `verify_model`: whether what was built becomes a candidate."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import ObjectStoragePath

from ljwx.core.lines import line_of
from ljwx.core.models import BuildSpec
from ljwx.core.promotions import Reason
from ljwx.core.tasks import TASKS
from ljwx.core.verification import Findings
from ljwx.exceptions import BuildFailed, ConfigurationError, PromptTooLong
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.candidates import check_digest
from ljwx.services.asking.full import Prompted
from ljwx.services.lines import open_line, planned_settings
from ljwx.settings import current_settings
from ljwx.stages.build.checks import Verification
from ljwx.stages.build.serving import Serving
from ljwx.stages.build.trained import read_trained
from ljwx.stages.build.xcoms import BuildPlan, BuildResult
from ljwx.stages.runs import recorded_run
from ljwx.warehouse.models import BuiltModel

log = logging.getLogger(__name__)

PROBES_PER_TASK = 3


def verify_model(plan: dict[str, str], built: dict[str, Any]) -> str:
    """Record the model, then check that it is what the spec says, and that it answers.

    A model that fails is refused: a decision with its reasons, and it never becomes a candidate. What is no fault of
    the model, such as a server that does not answer, decides nothing.

    :param plan: the fields of a BuildPlan.
    :param built: the fields of a BuildResult.
    :return: the model's name.
    :raises BuildFailed: naming what the model lacks; it was refused.
    :raises PromptTooLong: a question does not fit its context; it was refused.
    :raises ModelMissing: its name stands for another model by now, or for none.
    :raises ConfigurationError: the server's counts of tokens cannot be believed, or what was trained is not to be
        read; nothing was decided.
    """
    planned, made = BuildPlan(**plan), BuildResult(**built)
    spec = BuildSpec.model_validate_json(ObjectStoragePath(planned.spec_path).read_text())
    warehouse, ollama = WarehouseHook(), OllamaHook()
    settings = planned_settings(warehouse, current_settings(), planned.line_id)
    with recorded_run(warehouse, dataset_id=planned.own_dataset, spec_sha256=planned.spec_sha256) as run:
        known = warehouse.model(made.model)
        if planned.judges_again and known is not None and known.verified is not None and known.digest == made.digest:
            check_digest(ollama, made.model, made.digest)
            log.info("%s was verified when it was built; it is judged on newer questions", made.model)
            return made.model
        trained = None if spec.training is None else read_trained(spec.training)
        spec = spec if trained is None else spec.with_weights(trained.result.merged.sha256)
        if trained is not None:
            warehouse.finish_training(trained.recipe_id, trained.weights)
        warehouse.save_model(run.key, _record(made, spec, planned.own_dataset))
        line = None if planned.judges_again else line_of(spec, settings.model.of_strategy)
        if line is not None:
            warehouse.keep_line(run.key, line, made.model)
        check_digest(ollama, made.model, made.digest)
        found = Findings(settings.evaluation.model_dump(mode="json"))
        verification = Verification(ollama, made.model, spec, settings, found)
        prompts = trained.prompts(settings.model.lora.proof) if trained else ()
        serving = Serving(ollama, made.model, spec, prompts, settings.evaluation.num_predict, found)
        try:
            verification.check_strategy()
            verification.check_examples(warehouse.splits_of(planned.own_dataset, spec.examples), planned.own_dataset)
            serving.check_weights()
            serving.check_end()
            probes = _probes(warehouse, planned.own_dataset)
            verification.check_answers(probes)
            verification.check_context()
            verification.check_base()
            verification.check_abstention(next(iter(probes.values()))[0])
        except (BuildFailed, PromptTooLong) as error:
            check_digest(ollama, made.model, made.digest)  # the answers of another model do not count against this one
            _save_refusal(warehouse, run.key, made.model, found, error)
            raise
        check_digest(ollama, made.model, made.digest)
        warehouse.mark_verified(made.model, made.digest, found.checks)
        if line is not None:
            open_line(warehouse, run.key, line, made.model)
        run.outputs |= {"model": made.model, "digest": made.digest}
    return made.model


def _record(made: BuildResult, spec: BuildSpec, dataset_id: str) -> BuiltModel:
    return BuiltModel(
        model=made.model,
        digest=made.digest,
        strategy=spec.strategy,
        base=spec.base,
        base_digest=spec.base_digest,
        spec=spec.model_dump(mode="json"),
        spec_sha256=spec.sha256,
        dataset_id=dataset_id,
    )


def _probes(warehouse: WarehouseHook, dataset_id: str) -> dict[str, list[Prompted]]:
    """Return a few questions of each task, always the same ones of a dataset."""
    samples = warehouse.dataset_samples(dataset_id, "validation").sort("sample_id")
    if samples.is_empty():
        raise ConfigurationError(f"dataset {dataset_id} has no validation samples to ask a model about")
    probes = {}
    for task in TASKS:
        chosen = samples.filter(samples["task"] == task).head(PROBES_PER_TASK)
        if not chosen.is_empty():
            fields = chosen.select("sample_id", "task", "snapshot", "prompt_version")
            probes[task] = [Prompted(*row) for row in fields.iter_rows()]
    return probes


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
