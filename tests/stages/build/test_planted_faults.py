"""Each fault of what is served is refused with its own reason, on a tiny model that is trained and served for real.

Needs a Python with torch: `make test-training` sets one up, or LJWX_TRAINING_PYTHON names one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ljwx.core.models import BuildSpec
from ljwx.core.training.recipe import TrainingRecipe
from ljwx.core.training.result import Prompt, read_proof
from ljwx.core.verification import Findings
from ljwx.exceptions import BuildFailed
from ljwx.hooks.ollama import OllamaHook
from ljwx.stages.build.serving import Serving
from support_ollama import OllamaServer
from support_torch import needs_torch, run_with_torch

TINY = "tiny-served:1"
SHORT, WHOLE = 12, 200
"""Prompts of the proof: in the ordinary lane, and in production and the long lane."""
TRAIN = """
import sys
from pathlib import Path
import torch
from peft import set_peft_model_state_dict
from safetensors.torch import load_file
import support_tiny
from support_tiny import make_job, row, tiny_model, write_rows, write_tiny
from ljwx_training import export
from ljwx_training.adapter import with_adapter
from ljwx_training.base import Base
from ljwx_training.job import read_job
from ljwx_training.run import run

torch.set_num_threads(1)

def surer(*arguments):  # so few dimensions cannot be sure of one token among many otherwise
    made = tiny_model(*arguments)
    made.model.norm.weight.data.mul_(2.5)
    return made

support_tiny.tiny_model = surer
folder, prompts = Path(sys.argv[1]), int(sys.argv[2])
write_tiny(folder / "base.gguf", "llama", "F16")
asked = write_rows(folder / "asked.jsonl", [row(n) for n in range(100, 100 + prompts)])
run(make_job(folder / "job", folder / "base.gguf", proof=prompts, validation=[asked],
             hyperparameters={"steps": 80, "evaluate_every": 80, "rank": 8, "alpha": 16}))
base, job = Base(folder / "base.gguf"), read_job(folder / "job")
model = with_adapter(base.model(torch.float32), job.hyperparameters, job.seed)
set_peft_model_state_dict(model, load_file(folder / "job" / "adapter" / "adapter_model.safetensors"))
deltas = export.deltas_of(model)
nothing = {name: torch.zeros_like(delta) for name, delta in deltas.items()}
export.write_merged(base, nothing, "F16", folder / "not_merged.gguf")
lacking = {name: nothing[name] if ".layers.1." in name else delta for name, delta in deltas.items()}
export.write_merged(base, lacking, "F16", folder / "layer_left_out.gguf")
export.permuted = lambda rows, heads: rows
export.write_merged(base, deltas, "F16", folder / "not_permuted.gguf")
"""


@dataclass(frozen=True)
class Tiny:
    """A tiny model that was trained, and files of weights with a fault each.

    :param template: of its base, and ``stop`` its stop words, as the server tells them.
    """

    folder: Path
    hook: OllamaHook
    prompts: tuple[Prompt, ...]
    template: str
    stop: Any

    def refused(self, weights: str, **wrong: Any) -> str | None:
        """Serve a file of weights and prove it; return the code of the reason, None where nothing is wrong."""
        system = self.prompts[0].messages[0]["content"]
        told: dict[str, Any] = {"system": system, "template": self.template, "parameters": {"stop": self.stop}, **wrong}
        digest = self.hook.upload_blob(self.folder / weights)
        list(self.hook.create("faulty:1", files={"model.gguf": f"sha256:{digest}"}, **told))
        spec = BuildSpec(
            base=TINY, base_digest="0" * 64, strategy="lora", training=RECIPE, **(told | {"system": system})
        )
        findings = Findings({})
        serving = Serving(self.hook, "faulty:1", spec, self.prompts, 64, findings)
        try:
            serving.check_weights()
            serving.check_end()
        except BuildFailed:
            return findings.reasons[-1].code
        finally:
            self.hook.delete("faulty:1")
        return None


RECIPE = TrainingRecipe(
    base_gguf="0" * 64, train="0" * 64, validation="0" * 64, prompts="0" * 64, hyperparameters={}, class_weight=5.0,
    truth_share=0.8, seed=3, output="F16",
)  # fmt: skip


@pytest.fixture(scope="module")
def tiny(ollama_model: OllamaServer, tmp_path_factory: pytest.TempPathFactory, long_range: bool) -> Iterator[Tiny]:
    """The tiny model, and its base on the server."""
    needs_torch()
    folder = tmp_path_factory.mktemp("planted")
    run_with_torch(TRAIN, folder, WHOLE if long_range else SHORT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", ollama_model.connection)
        hook = OllamaHook()
        list(hook.create(TINY, files={"base.gguf": f"sha256:{hook.upload_blob(folder / 'base.gguf')}"}))
        shown = hook.show(TINY)
        proof = read_proof((folder / "job" / "proof.json").read_text(encoding="utf-8"), "proof.json")
        yield Tiny(folder, hook, proof.prompts, shown.template, shown.parameters.get("stop"))
        hook.delete(TINY)


def test_the_trained_model_is_proven_by_all_its_prompts(tiny: Tiny, long_range: bool) -> None:
    assert len(tiny.prompts) == (WHOLE if long_range else SHORT)
    result = json.loads((tiny.folder / "job" / "result.json").read_text(encoding="utf-8"))
    assert result["proof"]["prompts"] == len(tiny.prompts)
    assert tiny.refused("job/merged.gguf") is None


@pytest.mark.parametrize(
    ("weights", "wrong", "reason"),
    [
        pytest.param("not_merged.gguf", {}, "base_served", id="adapter not merged"),
        pytest.param("base.gguf", {}, "base_served", id="base served"),
        pytest.param("layer_left_out.gguf", {}, "weights_differ", id="a layer left out"),
        pytest.param("not_permuted.gguf", {}, "weights_differ", id="q and k not permuted"),
        pytest.param(
            "job/merged.gguf", {"template": "{{ .System }}\n{{ .Prompt }}"}, "other_prompts", id="wrong template"
        ),
        pytest.param("job/merged.gguf", {"system": "Another one."}, "other_prompts", id="wrong system prompt"),
        pytest.param("job/merged.gguf", {"parameters": {"stop": ["analysis"]}}, "stop", id="wrong stop"),
    ],
)
def test_a_planted_fault_is_refused_with_its_true_reason(
    tiny: Tiny, weights: str, wrong: dict[str, Any], reason: str
) -> None:
    assert tiny.refused(weights, **wrong) == reason
