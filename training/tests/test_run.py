"""The command: a job folder in, a result out; killed and resumed; and every way to refuse."""

from __future__ import annotations

import io
import json
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import fsspec
import pytest
import torch
from safetensors.torch import load_file
from support_tiny import TWO, digest, make_job, metrics, row, start, write_rows, write_tiny

from ljwx_training.__main__ import main
from ljwx_training.base import Base
from ljwx_training.dataset import Encoder
from ljwx_training.errors import Busy
from ljwx_training.recipe import Objective
from ljwx_training.run import alone
from ljwx_training.tokenizer import tokenizer_of
from ljwx_training.trainer import LoraTrainer, Reporter


class Stopped(Exception):
    """Stands for anything that ends a training in the middle."""


def stop(*_: Any) -> None:
    raise Stopped


@pytest.fixture(scope="session")
def finished(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A job that ran through, as its own process."""
    folder = make_job(tmp_path_factory.mktemp("jobs") / "whole", tiny)
    process = start(folder)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert out == f"{folder}/result.json\n"
    return folder


def result_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "result.json").read_text(encoding="utf-8")))


def test_a_job_learns_and_says_what_it_made(finished: Path, tiny: Path) -> None:
    result = result_of(finished)
    assert result["merged"]["sha256"] == digest(finished / "merged.gguf")
    assert result["adapter"]["sha256"] == digest(finished / "adapter" / "adapter_model.safetensors")
    assert result["recipe"]["base_sha256"] == digest(tiny)
    assert (result["steps"], result["best_step"], result["samples"]) == (12, 12, {"train": 24, "validation": 6})
    assert result["validation"]["after"]["answer_loss"] < result["validation"]["before"]["answer_loss"] - 1
    assert result["proof"]["reason"] is None
    assert result["proof"]["largest_difference"] < 0.01 < result["proof"]["trained_from_base"]
    assert len(json.loads((finished / "proof.json").read_text())["prompts"]) == 3
    assert sorted(path.name for path in finished.iterdir()) == [
        *("adapter", "job.json", "lock", "merged.gguf", "metrics.jsonl", "proof.json"),
        *("result.json", "train.jsonl", "validation.jsonl"),
    ]


def test_metrics_have_a_line_a_step_and_a_line_a_look(finished: Path) -> None:
    steps = metrics(finished)
    assert [line["step"] for line in steps] == list(range(1, 13))
    assert {"loss", "learning_rate", "tokens_per_s", "memory_mb", "of"} <= set(steps[0])
    assert [line["step"] for line in metrics(finished, "validation")] == [0, 3, 6, 9, 12]


def test_a_finished_job_is_not_trained_again(finished: Path) -> None:
    before = (finished / "result.json").stat().st_mtime_ns
    assert ran(finished) == 0
    assert (finished / "result.json").stat().st_mtime_ns == before


def killed_and_resumed(folder: Path, steps: tuple[int, ...]) -> None:
    for wanted in steps:
        process = start(folder)
        while process.poll() is None and len(metrics(folder)) < wanted:
            time.sleep(0.002)
        process.kill()
        process.communicate()
    process = start(folder)
    _, err = process.communicate()
    assert process.returncode == 0, err


def test_killed_at_random_steps_and_resumed_it_gives_the_same_losses_and_the_same_adapter(
    finished: Path, tiny: Path, tmp_path: Path
) -> None:
    folder = make_job(tmp_path / "killed", tiny)
    chance = random.Random(11)
    killed_and_resumed(folder, (chance.randint(1, 6), chance.randint(7, 12)))
    for one, two in zip(metrics(finished), metrics(folder), strict=True):
        assert one["step"] == two["step"]
        assert one["loss"] == pytest.approx(two["loss"], abs=1e-3)
    one, two = (load_file(f / "adapter" / "adapter_model.safetensors") for f in (finished, folder))
    assert all((one[name] == two[name]).all() for name in one)
    assert digest(finished / "merged.gguf") == digest(folder / "merged.gguf")


def test_it_stops_when_the_class_log_score_gets_no_better_and_keeps_the_best_also_after_a_break(
    tiny: Path, tmp_path: Path
) -> None:
    settings = {"patience": 2, "steps": 60, "learning_rate": 0.05}
    folder = make_job(tmp_path / "job", tiny, hyperparameters=settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ljwx_training.run.write_adapter", stop)
        with pytest.raises(Stopped):
            ran(folder)
    trained = metrics(folder)
    assert ran(folder) == 0
    result, looks = result_of(folder), metrics(folder, "validation")
    best = max((look for look in looks if look["step"]), key=lambda look: look["class_log_score"])
    assert metrics(folder) == trained
    assert result["steps"] == len(trained) < 60
    assert result["best_step"] == best["step"] == result["steps"] - 6
    assert result["validation"]["after"] == best


def test_what_was_trained_to_its_end_in_mid_epoch_is_not_trained_on_after_a_break(tiny: Path, tmp_path: Path) -> None:
    whole, folder = (make_job(tmp_path / name, tiny, hyperparameters={"steps": 4}) for name in ("whole", "broken"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ljwx_training.run.write_adapter", stop)
        with pytest.raises(Stopped):
            ran(folder)
    assert (ran(whole), ran(folder)) == (0, 0)
    assert [line["step"] for line in metrics(folder)] == [1, 2, 3, 4]
    assert result_of(folder)["adapter"]["sha256"] == result_of(whole)["adapter"]["sha256"]


def test_a_micro_batch_of_half_the_size_gives_the_same_losses(finished: Path, tiny: Path, tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job", tiny, hyperparameters={"micro_batch": 1})
    assert ran(folder) == 0
    for one, two in zip(metrics(finished), metrics(folder), strict=True):
        assert one["loss"] == pytest.approx(two["loss"], abs=1e-3)


def test_two_processes_give_the_losses_of_one(finished: Path, tiny: Path, tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job", tiny)
    process = start(folder, *TWO)
    _, err = process.communicate()
    assert process.returncode == 0, err
    assert result_of(folder)["proof"]["reason"] is None
    for kind in ("step", "validation"):
        for one, two in zip(metrics(finished, kind), metrics(folder, kind), strict=True):
            assert one["loss"] == pytest.approx(two["loss"], abs=1e-3)


def ran(folder: Path) -> int:
    """Run the command in this process, which spares the seconds that torch takes to start; return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["ljwx_training", "run", str(folder)])
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0)
    return 0


def refused(folder: Path) -> tuple[int, str]:
    """Exit code and stderr's one line; nothing that looks whole is there."""
    said = io.StringIO()
    with redirect_stderr(said):
        code = ran(folder)
    assert not (folder / "result.json").exists()
    assert not (folder / "merged.gguf").exists()
    lines = said.getvalue().strip().splitlines()
    assert len(lines) == 1, lines
    told = json.loads((folder / "error.json").read_text(encoding="utf-8"))
    assert told["code"] == code
    assert lines[0] == f"{told['error']}: {told['message']}"
    return code, lines[0]


def changed(folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    change(job)
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    return folder


def no_base(job: dict[str, Any]) -> None:
    job["base"]["path"] = "/no/such.gguf"


def other_digest(job: dict[str, Any]) -> None:
    job["train"][0]["sha256"] = "0" * 64


def unknown_setting(job: dict[str, Any]) -> None:
    job["hyperparameters"]["speed"] = 3


def bad_rank(job: dict[str, Any]) -> None:
    job["hyperparameters"]["rank"] = 0


def embeddings(job: dict[str, Any]) -> None:
    job["hyperparameters"]["targets"] = ["lm_head"]


def odd_batch(job: dict[str, Any]) -> None:
    job["hyperparameters"]["micro_batch"] = 3


def other_form(job: dict[str, Any]) -> None:
    job["output"] = "Q4_K"


def no_train(job: dict[str, Any]) -> None:
    job["train"] = []


def no_mark(job: dict[str, Any]) -> None:
    job["template"] = "{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}"


def four_bits(job: dict[str, Any]) -> None:
    job["hyperparameters"]["quantize"] = "nf4"


def far_too_fast(job: dict[str, Any]) -> None:
    job["hyperparameters"] |= {"learning_rate": 1e30, "max_grad_norm": 1e30, "warmup": 0.0}


def far_too_slow(job: dict[str, Any]) -> None:
    job["hyperparameters"] |= {"learning_rate": 1e-60, "steps": 1}


def no_start(job: dict[str, Any]) -> None:
    job["start"] = {"path": "/no/adapter.safetensors", "sha256": "0" * 64}


def other_classes(job: dict[str, Any]) -> None:
    job["objective"]["classes"]["direction"] = ["up", "sideways", "down"]


def no_such_storage(job: dict[str, Any]) -> None:
    job["base"]["path"] = "carrier-pigeon://base.gguf"


def odd_job(job: dict[str, Any]) -> None:
    job["base"]["sha256"] = "abc"


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (far_too_slow, 54, "the adapter adds nothing to any weight"),
        (no_start, 20, "/no/adapter.safetensors"),
        (other_classes, 30, "an answer's direction is flat, which is none of up, sideways, down"),
        (no_such_storage, 20, "carrier-pigeon://base.gguf cannot be read"),
        (odd_job, 10, "base.sha256"),
        (no_base, 20, "/no/such.gguf"),
        (other_digest, 21, "train.jsonl has the sha256"),
        (unknown_setting, 10, "hyperparameters.speed"),
        (bad_rank, 10, "rank must be greater than 0"),
        (embeddings, 10, "targets must be among q_proj"),
        (odd_batch, 10, "batch must be a multiple of micro_batch"),
        (other_form, 10, "output"),
        (no_train, 10, "train"),
        (no_mark, 25, "no generation mark"),
        (four_bits, 11, "bitsandbytes is not installed"),
        (far_too_fast, 52, "lower the learning rate"),
    ],
)
def test_a_job_that_cannot_be_done_is_refused_in_one_line(
    change: Callable[[dict[str, Any]], None], code: int, words: str, tiny: Path, tmp_path: Path
) -> None:
    found, line = refused(changed(make_job(tmp_path / "job", tiny), change))
    assert (found, words in line) == (code, True), line


@pytest.mark.parametrize(
    ("split", "rows", "code", "words"),
    [
        ("train", [], 31, "the train split has no rows"),
        ("validation", [], 31, "the validation split has no rows"),
        ("train", [row(0), row(3)], 32, "all answers with direction in the train split"),
        ("train", [{"messages": row(0)["messages"][:2]}], 30, "train.jsonl, line 1: the last message is no answer"),
        ("train", [row(0), {"text": "x"}], 30, "train.jsonl, line 2"),
        ("train", [row(0), row(1) | {"weight": -1}], 30, "train.jsonl, line 2"),
    ],
)
def test_rows_from_which_nothing_can_be_learned_are_refused(
    split: str, rows: list[dict[str, Any]], code: int, words: str, tiny: Path, tmp_path: Path
) -> None:
    folder = make_job(tmp_path / "job", tiny)
    entry = write_rows(folder / f"{split}.jsonl", rows)
    found, line = refused(changed(folder, lambda job: job.update({split: [entry]})))
    assert (found, words in line) == (code, True), line


def test_a_sample_longer_than_the_context_is_refused(tiny: Path, tmp_path: Path) -> None:
    folder, long = make_job(tmp_path / "job", tiny), row(0)
    long["messages"][1]["content"] *= 60
    entry = write_rows(folder / "train.jsonl", [row(1), long])
    code, line = refused(changed(folder, lambda job: job.update(train=[entry])))
    assert (code, "1 samples are longer than the model's 512 tokens" in line) == (33, True), line


def test_a_base_cut_short_and_one_of_an_unknown_architecture_are_refused(tiny: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.gguf"
    short.write_bytes(tiny.read_bytes()[:-1000])
    assert refused(make_job(tmp_path / "short", short))[0] == 22
    other = tmp_path / "other.gguf"
    write_tiny(other, "llama", **{"llama.rope.scaling.type": "yarn"})
    assert refused(make_job(tmp_path / "other", other))[0] == 23


@pytest.mark.parametrize(
    ("metadata", "code", "words"),
    [
        ({"tokenizer.chat_template": None}, 25, "has no chat template; name one in the job"),
        ({"tokenizer.ggml.pre": "falcon"}, 24, "tokenizer gpt2, cut falcon; known here: gpt2 with smollm"),
        ({"tokenizer.ggml.model": "llama"}, 24, "tokenizer llama"),
    ],
)
def test_a_base_without_a_template_and_one_of_an_unknown_tokenizer_are_refused(
    metadata: dict[str, Any], code: int, words: str, tmp_path: Path
) -> None:
    write_tiny(tmp_path / "other.gguf", "llama", **metadata)
    found, line = refused(make_job(tmp_path / "job", tmp_path / "other.gguf"))
    assert (found, words in line) == (code, True), line


def test_inputs_come_from_and_results_go_to_any_place_that_fsspec_knows(
    finished: Path, tiny: Path, tmp_path: Path
) -> None:
    memory = fsspec.filesystem("memory")
    folder = make_job(tmp_path / "job", tiny)
    memory.put_file(str(tiny), "/in/base.gguf")
    changed(folder, lambda job: job.update(publish="memory://out/job"))
    changed(folder, lambda job: job["base"].update(path="memory://in/base.gguf"))
    assert ran(folder) == 0
    assert memory.cat_file("/out/job/merged.gguf") == (finished / "merged.gguf").read_bytes()
    assert json.loads(memory.cat_file("/out/job/result.json")) == result_of(folder)
    assert ran(folder) == 0
    shutil.rmtree(folder / "inputs")
    (folder / "result.json").unlink()
    (folder / "merged.gguf").unlink()
    memory.pipe_file("/in/base.gguf", b"another file")
    code, line = refused(folder)
    assert (code, "memory://in/base.gguf has the sha256" in line) == (21, True)
    memory.rm_file("/in/base.gguf")
    assert refused(folder)[0] == 20


def test_a_job_that_is_no_json_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text("{", encoding="utf-8")
    assert refused(tmp_path)[0] == 10
    (tmp_path / "job.json").unlink()
    code, line = refused(tmp_path)
    assert (code, "No such file" in line) == (10, True)


def test_checkpoints_of_another_recipe_and_changed_ones_are_refused(tiny: Path, tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job", tiny)
    stopped_after(folder, 5)
    shutil.copytree(folder, tmp_path / "changed")
    code, line = refused(changed(folder, lambda job: job.update(seed=4)))
    assert (code, "use another folder" in line) == (40, True), line
    adapter = tmp_path / "changed" / "checkpoints" / "checkpoint-3" / "adapter_model.safetensors"
    adapter.write_bytes(adapter.read_bytes()[:-8] + b"\0" * 8)
    assert refused(tmp_path / "changed")[0] == 41


def test_a_result_of_another_recipe_is_not_overwritten(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "job")
    assert ran(changed(tmp_path / "job", lambda job: job.update(seed=4))) == 40
    assert (tmp_path / "job" / "result.json").read_bytes() == (finished / "result.json").read_bytes()


def test_two_trainings_of_one_job_at_once_are_refused(tiny: Path, tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job", tiny)
    with alone(folder), pytest.raises(Busy, match="another process trains"), alone(folder):
        pass
    with alone(folder):
        pass


def test_without_torch_it_says_what_is_missing(tiny: Path, tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job", tiny)
    program = "import runpy, sys; sys.modules['torch'] = None; sys.argv = ['x', 'run', sys.argv[1]]\n"
    program += "runpy.run_module('ljwx_training', run_name='__main__')"
    root = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-c", program, str(folder)]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (11, "not_installed: torch is not installed: pip install ./training\n")


def stopped_after(folder: Path, step: int) -> None:
    """Run a job until a step, and no further."""
    log = Reporter.on_log

    def on_log(self: Reporter, args: Any, state: Any, control: Any, logs: Any = None, **rest: Any) -> None:
        log(self, args, state, control, logs, **rest)
        if state.global_step == step:
            raise Stopped

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Reporter, "on_log", on_log)
        with pytest.raises(Stopped):
            ran(folder)


def test_when_memory_runs_out_the_micro_batch_is_halved_and_the_losses_stay(
    finished: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two samples at once fit until the fifth step, and from then on only one does."""
    folder, compute = make_job(tmp_path / "job", tiny), LoraTrainer.compute_loss

    def compute_loss(self: LoraTrainer, model: Any, inputs: Any, *rest: Any, **named: Any) -> Any:
        if self.state.global_step >= 4 and int(inputs["rows"].max()) > 0:
            raise torch.OutOfMemoryError("out of memory")
        return compute(self, model, inputs, *rest, **named)

    monkeypatch.setattr(LoraTrainer, "compute_loss", compute_loss)
    assert ran(folder) == 0
    assert result_of(folder)["micro_batch"] == 1
    for one, two in zip(metrics(finished), metrics(folder), strict=True):
        assert one["loss"] == pytest.approx(two["loss"], abs=1e-3)


def test_when_not_even_one_sample_fits_it_says_so(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def compute_loss(*_: Any, **__: Any) -> Any:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(LoraTrainer, "compute_loss", compute_loss)
    code, line = refused(make_job(tmp_path / "job", tiny))
    assert (code, "one sample at a time does not fit" in line) == (50, True)


def test_an_export_that_is_not_the_trained_model_is_refused_and_removed(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ljwx_training.export.permuted", lambda rows, heads: rows)
    code, line = refused(make_job(tmp_path / "job", tiny))
    assert (code, "the merged file is not the trained model" in line) == (53, True)


def test_a_place_that_results_cannot_go_to_is_said_and_the_result_is_kept(finished: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(finished, tmp_path / "job")
    changed(folder, lambda job: job.update(publish="carrier-pigeon://out"))
    assert ran(folder) == 20
    assert "carrier-pigeon://out cannot be written" in (folder / "error.json").read_text(encoding="utf-8")
    assert result_of(folder) == result_of(finished)


LIMITED = """
import resource, runpy, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
sys.argv = ["ljwx_training", "run", sys.argv[1]]
runpy.run_module("ljwx_training", run_name="__main__")
"""


def test_a_full_disk_is_said_and_what_is_whole_is_taken_up_again(tiny: Path, tmp_path: Path) -> None:
    """The operating system refuses to write on, as it does when a disk or a quota is full."""
    folder = make_job(tmp_path / "job", tiny)
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, str(folder)],
        cwd=Path(__file__).resolve().parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 51, ended.stderr
    assert ended.stderr.startswith("no_space: ")
    assert not (folder / "merged.gguf").exists()
    assert not (folder / "result.json").exists()
    assert ran(folder) == 0
    assert len(metrics(folder)) == 12
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def asked_about(tiny: Path, *, changed: int = 0) -> list[dict[str, Any]]:
    """A prompt as a server tells it, with so much added to one of its tokens."""
    encoder = Encoder(tokenizer_of(Base(tiny)), Objective(), 512)
    messages = row(7)["messages"][:-1]
    ids = list(encoder.prompt(messages))
    ids[5] += changed
    return [{"messages": messages, "ids": ids}]


def test_nothing_is_trained_that_the_server_reads_otherwise(tmp_path: Path, tiny: Path) -> None:
    folder = make_job(tmp_path / "job", tiny, prompts=asked_about(tiny, changed=1))
    _, err = start(folder).communicate()
    assert err.startswith("other_prompts: prompt 1: token 5 is ")
    assert not (folder / "metrics.jsonl").exists()


def test_training_goes_on_with_an_earlier_adapter(finished: Path, tmp_path: Path, tiny: Path) -> None:
    adapter = finished / "adapter" / "adapter_model.safetensors"
    entry = {"path": str(adapter), "sha256": digest(adapter)}
    folder = make_job(tmp_path / "on", tiny, start=entry, prompts=asked_about(tiny))
    process = start(folder)
    _, err = process.communicate()
    assert process.returncode == 0, err
    before, after = result_of(finished)["validation"]["after"], result_of(folder)["validation"]["before"]
    assert after["answer_loss"] == pytest.approx(before["answer_loss"], abs=1e-4)
    assert result_of(folder)["recipe"]["start_sha256"] == entry["sha256"]


def test_an_adapter_of_another_shape_is_refused(finished: Path, tmp_path: Path, tiny: Path) -> None:
    adapter = finished / "adapter" / "adapter_model.safetensors"
    entry = {"path": str(adapter), "sha256": digest(adapter)}
    folder = make_job(tmp_path / "other", tiny, start=entry, hyperparameters={"rank": 8})
    _, err = start(folder).communicate()
    assert err.startswith("other_adapter: ")


def test_a_short_training_ends_with_a_look_at_the_validation_split(tmp_path: Path, tiny: Path) -> None:
    folder = make_job(tmp_path / "short", tiny, hyperparameters={"steps": 4, "evaluate_every": 3})
    start(folder).communicate()
    assert [line["step"] for line in metrics(folder, "validation")] == [0, 3, 4]
    assert result_of(folder)["validation"]["after"]["step"] == 4


def test_the_proof_says_what_to_ask_and_where_classes_part(finished: Path) -> None:
    asked = json.loads((finished / "proof.json").read_text(encoding="utf-8"))["prompts"][0]
    assert asked["text"].endswith("<|im_start|>assistant\n")
    assert [fork["before"] for fork in asked["forks"]] == ['{"direction":"']
    labels = [label for ways in asked["forks"][0]["ways"].values() for label in ways]
    assert sorted(labels) == sorted(asked["trained"]) == ["down", "flat", "up"]
    assert sum(asked["trained"].values()) == pytest.approx(1)
