"""Two processes that hold half of each block (FSDP), over gloo on processors: they learn what one learns alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from support_tiny import TWO, make_job, metrics, start

from ljwx_training.__main__ import main
from ljwx_training.base import Base
from ljwx_training.run import run

SETTINGS = {"micro_batch": 1, "gradient_checkpointing": True}
SHARDED = """
import os, pathlib, runpy, signal, sys
import torch
from ljwx_training import loop, run
from ljwx_training.trainer import LoraTrainer

run.SMALL = {small}
compute, steps = LoraTrainer.compute_loss, {steps}

def compute_loss(self, model, inputs, *rest, **named):
    blocks = sum(t.n_elements for t in run.Base(pathlib.Path({base!r})).reader.tensors if t.name.startswith("blk."))
    mine = [p for name, p in model.named_parameters() if ".layers." in name and "lora_" not in name]
    assert sum(p.to_local().numel() for p in mine) == blocks / 2
    if os.environ["RANK"] == "1" and self.state.global_step == steps:
        {fault}
    return compute(self, model, inputs, *rest, **named)

LoraTrainer.compute_loss = compute_loss
runpy.run_module("ljwx_training", run_name="__main__", alter_sys=True)
"""


def sharded(folder: Path, base: Path, small: int = 0, steps: int = -1, fault: str = "pass") -> tuple[int, str]:
    """Train in two processes that share the base; after so many steps one of them does what is told.

    :param small: up to so many parameters one process alone proves what was written.
    """
    script = folder / "sharded.py"
    script.write_text(SHARDED.format(base=str(base), small=small, steps=steps, fault=fault), encoding="utf-8")
    process = start(folder, *TWO, program=script, shard=True)
    _, err = process.communicate()
    return process.returncode, err


@pytest.fixture(scope="module")
def whole(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A job that one process has trained."""
    folder = make_job(tmp_path_factory.mktemp("jobs") / "whole", tiny, hyperparameters=SETTINGS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["ljwx_training", "run", str(folder)])
        main()
    return folder


def is_as(whole: Path, folder: Path) -> None:
    """See that losses, adapter and merged file are those of one process."""
    for kind, count in (("step", 12), ("validation", 5)):
        assert len(metrics(folder, kind)) == count
        for one, two in zip(metrics(whole, kind), metrics(folder, kind), strict=True):
            assert one["loss"] == pytest.approx(two["loss"], abs=1e-3)
    one, two = (load_file(job / "adapter" / "adapter_model.safetensors") for job in (whole, folder))
    assert one.keys() == two.keys()
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-3
    results = [json.loads((job / "result.json").read_text(encoding="utf-8")) for job in (whole, folder)]
    assert (results[1]["proof"]["prompts"], results[1]["proof"]["reason"]) == (3, None)
    assert results[1]["recipe_sha256"] == results[0]["recipe_sha256"], "where it is computed decides nothing"
    ids = torch.arange(60)[None] * 7 + 20
    with torch.no_grad():
        one, two = (Base(job / "merged.gguf").model(torch.float32)(input_ids=ids).logits for job in (whole, folder))
    assert float((one - two).abs().max()) < 0.05


def test_two_processes_that_share_the_base_give_the_losses_and_the_weights_of_one(
    whole: Path, tiny: Path, tmp_path: Path
) -> None:
    folder = make_job(tmp_path / "together", tiny, hyperparameters=SETTINGS)
    code, err = sharded(folder, tiny, small=10**9)
    assert code == 0, err
    is_as(whole, folder)


def test_killed_and_resumed_they_give_them_too_where_samples_are_drawn_in_groups(tiny: Path, tmp_path: Path) -> None:
    """With upper blocks alone each epoch draws the same batches, in an order of its own."""
    settings = SETTINGS | {"layers": 1}
    whole, folder = (make_job(tmp_path / name, tiny, hyperparameters=settings) for name in ("whole", "killed"))
    run(whole)
    code, _ = sharded(folder, tiny, steps=11, fault="os.kill(os.getpid(), signal.SIGKILL)")
    assert code != 0
    assert len(metrics(folder)) == 11
    code, err = sharded(folder, tiny)
    assert code == 0, err
    is_as(whole, folder)


def test_killed_and_resumed_they_give_them_too_and_prove_together_what_is_too_large_for_one(
    whole: Path, tiny: Path, tmp_path: Path
) -> None:
    folder = make_job(tmp_path / "killed", tiny, hyperparameters=SETTINGS)
    code, _ = sharded(folder, tiny, steps=11, fault="os.kill(os.getpid(), signal.SIGKILL)")
    assert code != 0
    assert [line["step"] for line in metrics(folder)] == list(range(1, 12)), (
        "in the second epoch, past its first checkpoint"
    )
    code, err = sharded(folder, tiny)
    assert code == 0, err
    is_as(whole, folder)


def test_a_process_that_shares_the_base_and_runs_out_of_memory_ends_the_training_and_says_so(
    tiny: Path, tmp_path: Path
) -> None:
    folder = make_job(tmp_path / "job", tiny)
    code, _ = sharded(folder, tiny, steps=4, fault="raise torch.OutOfMemoryError('out of memory')")
    assert code != 0
    told = json.loads((folder / "error.json").read_text(encoding="utf-8"))
    assert (told["code"], told["error"]) == (50, "out_of_memory")
    assert "a process that shares the base ran out of memory: lower micro_batch" in told["message"]


@pytest.mark.parametrize(
    ("processes", "settings", "words"),
    [
        ("1", {}, "--shard is for several processes: start them by torchrun"),
        ("2", {"compile": True}, "--shard does not go with compile"),
        ("2", {"quantize": "nf4"}, "--shard does not go with quantize"),
    ],
)
def test_what_cannot_be_shared_is_refused(
    processes: str, settings: dict[str, Any], words: str, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_job(tmp_path / "job", tiny, hyperparameters=settings)
    monkeypatch.setenv("WORLD_SIZE", processes)
    monkeypatch.setattr(sys, "argv", ["ljwx_training", "run", "--shard", str(folder)])
    with pytest.raises(SystemExit, match="10"):
        main()
    assert json.loads((folder / "error.json").read_text(encoding="utf-8"))["message"] == words
