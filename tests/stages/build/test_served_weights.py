"""A tiny base, trained for real and served by llama.cpp.

Needs a Python with torch: `make test-training` sets one up, or LJWX_TRAINING_PYTHON names one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ljwx.core.models import BuildSpec
from ljwx.core.verification import Findings
from ljwx.exceptions import BuildFailed
from ljwx.hooks.ollama import OllamaHook
from ljwx.operators.ollama import OllamaOperator
from ljwx.stages.build.plan import plan_build
from ljwx.stages.build.serving import Serving
from ljwx.stages.build.trained import read_trained
from ljwx.stages.build.training import prepare_training
from support_chain import SMALL, Chain, Database
from support_ollama import OllamaServer
from support_tasks import TaskRunner
from support_torch import needs_torch, run_with_torch

TINY = "tiny-llama:1"
LORA = {
    "max_samples": 16, "max_validation": 4, "proof": 4, "rank": 4, "alpha": 8, "learning_rate": 0.01, "epochs": 1,
    "batch": 4, "micro_batch": 4, "precision": "fp32", "evaluate_every": 50, "patience": 0,
}  # fmt: skip
WRITE = """
import sys
from pathlib import Path
from support_tiny import write_tiny
write_tiny(Path(sys.argv[1]), "llama", "F16", context=4096)
"""
TRAIN = """
import sys
from pathlib import Path
from ljwx_training.run import run
run(Path(sys.argv[1]))
"""


@pytest.fixture
def tiny(
    chain_db: Database, ollama_model: OllamaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OllamaHook]:
    """A server that has the tiny base, for a test that makes models of it."""
    needs_torch()
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", ollama_model.connection)
    hook, path = OllamaHook(), tmp_path / "tiny.gguf"
    run_with_torch(WRITE, path)
    list(hook.create(TINY, files={"tiny.gguf": f"sha256:{hook.upload_blob(path)}"}))
    yield hook
    for listed in hook.list():
        if listed.name != "smollm2:135m":
            hook.delete(listed.name)


def test_a_job_is_trained_built_and_read_back_and_a_model_of_hardly_any_training_is_called_so(
    tiny: OllamaHook, chain: Chain, tasks: TaskRunner, ollama_model: OllamaServer
) -> None:
    lora = LORA | {"ollama_models": str(ollama_model.models)}
    tasks.variables["ljwx_training_config"] = SMALL | {
        "model": SMALL["model"] | {"base": TINY, "strategy": "lora", "lora": lora}
    }
    plan = tasks.run(plan_build)
    spec = BuildSpec.model_validate_json(Path(plan["spec_path"]).read_text(encoding="utf-8"))
    job = Path(tasks.run(prepare_training, plan)["job"])
    try:
        run_with_torch(TRAIN, job)  # it refuses prompts that the server reads otherwise
        assert spec.training is not None
        trained = read_trained(spec.training)
        result = json.loads((job / "result.json").read_text(encoding="utf-8"))
        made = {"job": str(job), "gguf_sha256": result["merged"]["sha256"]}
        built = OllamaOperator(task_id="build", model=plan["model"], spec_path=plan["spec_path"], trained=made).execute(
            {}
        )
        assert built["built"]

        def refused(model: str) -> str:
            with pytest.raises(BuildFailed) as error:
                Serving(tiny, model, spec, trained.prompts(4), 64, Findings({})).check_weights()
            return str(error.value)

        assert "was hardly trained: in 4 of 4 prompts" in refused(plan["model"])
        files = {"other.gguf": f"sha256:{tiny.upload_blob(job / 'merged.gguf')}"}
        for wrong in ({"template": "{{ .System }}\n{{ .Prompt }}"}, {"system": "Another one."}):
            own: dict[str, Any] = {"system": spec.system, "template": spec.template, **wrong}
            list(tiny.create("faulty:1", files=files, parameters=spec.parameters, **own))
            assert "4 of 4 prompts become other tokens with faulty:1" in refused("faulty:1")
    finally:
        shutil.rmtree(job.parent, ignore_errors=True)
        Path(plan["spec_path"]).unlink()
