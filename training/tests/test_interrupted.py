"""Training that is killed, told to stop, or short of memory in one of several processes: the losses stay the same."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file
from support_tiny import TWO, about, digest, make_job, metrics, start, write_rows

from ljwx_training.__main__ import main

KILLS = 20
STEPS = 60

KILLED = """
import json, os, pathlib, signal, sys, time
import torch
torch.set_num_threads(1)
from ljwx_training.__main__ import main
from ljwx_training import run, trainer

folder, whole, wanted = pathlib.Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])

def started(job):
    child = os.fork()  # torch is loaded already, which is what takes the time
    if child == 0:
        sys.argv = ["ljwx_training", "run", str(job)]
        try:
            main()
        finally:
            sys.stdout.flush()
            os._exit(0)
    return child

def steps():
    path = folder / "metrics.jsonl"
    return path.read_text().count('"kind": "step"') if path.exists() else 0

os.waitpid(started(whole), 0)
killed = 0
for step in wanted:
    child = started(folder)
    while steps() < step and os.waitpid(child, os.WNOHANG) == (0, 0):
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    killed += os.waitpid(child, 0)[1] == signal.SIGKILL
os.waitpid(started(folder), 0)
print(killed)
"""

SHORT = """
import os, runpy, sys, time
import torch
from ljwx_training.trainer import LoraTrainer

compute, save = LoraTrainer.compute_loss, LoraTrainer._save_rng_state

def save_late(self, folder):
    time.sleep(0.5 * (os.environ["RANK"] == "1"))
    save(self, folder)

def compute_loss(self, model, inputs, *rest, **named):
    if os.environ["RANK"] == "1" and self.state.global_step >= 4 and int(inputs["rows"].max()) > 0:
        raise torch.OutOfMemoryError("out of memory")
    return compute(self, model, inputs, *rest, **named)

LoraTrainer.compute_loss, LoraTrainer._save_rng_state = compute_loss, save_late
runpy.run_module("ljwx_training", run_name="__main__")
"""


@pytest.mark.parametrize("layers", [None, 1])
def test_it_goes_on_in_the_middle_of_an_epoch_whose_samples_are_drawn_in_groups(
    layers: int | None, tiny: Path, tmp_path: Path
) -> None:
    """With one of two blocks trained, the other's outputs are kept, and computed anew after each break."""
    rows = [row for number in range(12) for row in about(number)]
    whole, folder = (tmp_path / name for name in ("whole", "killed"))
    for job in (whole, folder):
        job.mkdir()
        settings = {"steps": 20, "layers": layers}
        make_job(job, tiny, hyperparameters=settings, train=[write_rows(job / "rows.jsonl", rows)])
    command = [sys.executable, "-c", KILLED, str(folder), str(whole), json.dumps([2, 8, 14])]
    ended = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "3", ended.stderr
    lines = [metrics(job) for job in (whole, folder)]
    assert [line["loss"] for line in lines[0]] == pytest.approx([line["loss"] for line in lines[1]], abs=1e-3)
    assert len(lines[0]) == 20
    one, two = (load_file(job / "adapter" / "adapter_model.safetensors") for job in (whole, folder))
    assert all((one[name] == two[name]).all() for name in one)


def test_killed_at_twenty_random_steps_it_gives_the_same_losses_and_the_same_adapter(
    tiny: Path, tmp_path: Path
) -> None:
    whole, folder = (make_job(tmp_path / name, tiny, hyperparameters={"steps": STEPS}) for name in ("whole", "killed"))
    wanted = sorted(random.Random(5).sample(range(1, STEPS), KILLS))
    command = [sys.executable, "-c", KILLED, str(folder), str(whole), json.dumps(wanted)]
    ended = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == str(KILLS), ended.stderr
    lines = [metrics(job) for job in (whole, folder)]
    assert [[line["step"] for line in each] for each in lines] == [list(range(1, STEPS + 1))] * 2
    for one, two in zip(*lines, strict=True):
        assert one["loss"] == pytest.approx(two["loss"], abs=1e-3)
    one, two = (load_file(job / "adapter" / "adapter_model.safetensors") for job in (whole, folder))
    assert all((one[name] == two[name]).all() for name in one)
    assert digest(whole / "merged.gguf") == digest(folder / "merged.gguf")


def test_when_memory_runs_out_in_one_of_two_processes_both_halve_and_the_losses_stay(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second process has room for two samples at once until the fifth step, and from then on for one.

    It is also the later to write its part of a checkpoint, without which the checkpoint is not whole.
    """
    whole, folder = (make_job(tmp_path / name, tiny) for name in ("whole", "short"))
    monkeypatch.setattr(sys, "argv", ["ljwx_training", "run", str(whole)])
    main()
    script = tmp_path / "short.py"
    script.write_text(SHORT)
    process = start(folder, *TWO, program=script)
    _, err = process.communicate()
    assert process.returncode == 0, err
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert (result["micro_batch"], result["steps"]) == (1, 12)
    assert [line["micro_batch"] for line in metrics(folder, "out_of_memory")] == [1]
    for one, two in zip(metrics(whole), metrics(folder), strict=True):
        assert one["loss"] == pytest.approx(two["loss"], abs=1e-3)


def test_a_file_called_stop_ends_it_after_its_step_and_without_it_training_goes_on(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_job(tmp_path / "job", tiny)
    (folder / "stop").touch()
    monkeypatch.setattr(sys, "argv", ["ljwx_training", "run", str(folder)])
    with pytest.raises(SystemExit, match="13"):
        main()
    told = {"error": "stopped", "code": 13, "message": f"told to stop after step 1, by the file {folder}/stop"}
    assert json.loads((folder / "error.json").read_text(encoding="utf-8")) == told
    (folder / "stop").unlink()
    main()
    assert len(metrics(folder)) == 12
