"""SmolLM2-135M, trained for some steps in the product's own prompts, merged, served, and proven by 200 prompts.

Long: half an hour of CPU. Needs a Python with torch, as `test_planted_faults` does, which has the tiny model and the
same 200 every day.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any

import pytest
from benchmarks.lessons import job, lessons

from ljwx.core.models import BuildSpec
from ljwx.core.training.recipe import TrainingRecipe
from ljwx.core.training.result import read_proof
from ljwx.core.verification import Findings
from ljwx.hooks.ollama import OllamaHook
from ljwx.stages.build.serving import LOOSEST, Serving
from ljwx_sandbox.ollama.__main__ import base_gguf
from support_ollama import BASE, OllamaServer
from support_torch import needs_torch, run_with_torch

log = logging.getLogger(__name__)

PROMPTS, STEPS, BATCH = 200, 64, 4
TRAIN = """
import sys
from pathlib import Path
import torch
from peft import set_peft_model_state_dict
from safetensors.torch import load_file
from ljwx_training.adapter import with_adapter
from ljwx_training.base import Base
from ljwx_training.dataset import read_rows
from ljwx_training.files import write_json
from ljwx_training.job import read_job
from ljwx_training.proof import said_by
from ljwx_training.run import encoder_of, proof_line, run

torch.set_num_threads(2)
folder = Path(sys.argv[1])
run(folder)
job = read_job(folder)
base = Base(Path(job.base.path))
encoder = encoder_of(base, job, read_rows([folder / "train.jsonl"]))
questions = [encoder.question(row) for row in read_rows([folder / "asked.jsonl"])]
model = with_adapter(base.model(torch.float32), job.hyperparameters, job.seed)
set_peft_model_state_dict(model, load_file(folder / "adapter" / "adapter_model.safetensors"))
trained = said_by(model, questions, bf16=False)
with model.disable_adapter():
    untrained = said_by(model, questions, bf16=False)
lines = [proof_line(*each, encoder) for each in zip(questions, trained, untrained, strict=True)]
write_json(folder / "asked.json", {"prompts": lines})
"""
SETTINGS = {
    "batch": BATCH, "micro_batch": BATCH, "steps": STEPS, "learning_rate": 1e-3, "evaluate_every": 100,
    "precision": "fp32",
}  # fmt: skip


def write_job(folder: Path) -> None:
    """Write a job that looks at few rows, and beside it the rows that both sides are asked afterwards."""
    made = lessons(0.3, 7, train=BATCH * STEPS, watched=PROMPTS, thin_gap=3, prompt_version="v3")
    written = made.write(folder, truth_share=0.2)
    asked = (folder / "validation.jsonl").read_text(encoding="utf-8")
    (folder / "asked.jsonl").write_text(asked, encoding="utf-8")
    few = "".join(asked.splitlines(keepends=True)[:4])
    (folder / "validation.jsonl").write_text(few, encoding="utf-8")
    written["validation"] = [{"path": "validation.jsonl", "sha256": hashlib.sha256(few.encode()).hexdigest()}]
    base = base_gguf()
    digest = hashlib.sha256(base.read_bytes()).hexdigest()
    text = job(written, base, digest, hyperparameters=SETTINGS, proof=4)
    (folder / "job.json").write_text(text, encoding="utf-8")


@pytest.mark.timeout(3600)
def test_what_is_served_of_smollm2_is_what_was_trained_by_200_prompts(
    ollama_model: OllamaServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    long_range: bool,
) -> None:
    if not long_range:
        pytest.skip("takes half an hour of CPU: make test-long")
    needs_torch()
    write_job(tmp_path)
    run_with_torch(TRAIN, tmp_path)
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", ollama_model.connection)
    hook = OllamaHook()
    shown = hook.show(BASE)
    prompts = read_proof((tmp_path / "asked.json").read_text(encoding="utf-8"), "asked.json").prompts
    told: dict[str, Any] = {
        "system": prompts[0].messages[0]["content"], "template": shown.template,
        "parameters": {"num_ctx": 2048, "stop": shown.parameters["stop"]},
    }  # fmt: skip
    weights = hook.upload_blob(tmp_path / "merged.gguf")
    list(hook.create("proven:1", files={"merged.gguf": f"sha256:{weights}"}, **told))
    recipe = TrainingRecipe(
        base_gguf="0" * 64, train="0" * 64, validation="0" * 64, prompts="0" * 64, hyperparameters={},
        class_weight=5.0, truth_share=0.2, seed=7, output="F16",
    )  # fmt: skip
    spec = BuildSpec(base=BASE, base_digest="0" * 64, strategy="lora", training=recipe, **told)
    findings = Findings({})
    try:
        Serving(hook, "proven:1", spec, prompts, 64, findings).check_weights()
    finally:
        hook.delete("proven:1")
    served = findings.served or {}
    log.info("Served: %s", served)
    assert (served["prompts"], served["other_prompts"], served["reason"]) == (PROMPTS, 0, None)
    assert served["largest_difference"] <= served["tolerance"] <= LOOSEST
    assert served["other_classes"] <= 0.01
    assert served["trained_from_base"] > 0.1 < served["served_from_base"]
