"""One job from top to bottom: files, base, samples, training, merged file, proof, result."""

from __future__ import annotations

import fcntl
import math
import os
import platform
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, set_peft_model_state_dict
from peft.utils import get_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import PreTrainedModel

from ljwx_training import VERSION
from ljwx_training.adapter import in_four_bits, with_adapter
from ljwx_training.base import Base
from ljwx_training.batches import Collator
from ljwx_training.compare import Comparison, Said, compare
from ljwx_training.computing import dtype_of, in_bf16
from ljwx_training.dataset import Encoder, Question, Row, checked, class_rates, read_rows
from ljwx_training.errors import (
    BadJob,
    Busy,
    ExportDiffers,
    NoSpace,
    NothingTrained,
    OtherAdapter,
    OtherPrompts,
    OtherRecipe,
)
from ljwx_training.export import deltas_of, write_merged
from ljwx_training.files import digest_of, fetched, published, read_json, write_json
from ljwx_training.job import File, Job, read_job
from ljwx_training.loop import Fitted, Plan, fit
from ljwx_training.metrics import Metrics
from ljwx_training.proof import said_by
from ljwx_training.tokenizer import tokenizer_of

RESULT, MERGED, ADAPTER = "result.json", "merged.gguf", "adapter"
FILES = (
    f"{ADAPTER}/adapter_config.json",
    f"{ADAPTER}/adapter_model.safetensors",
    MERGED,
    "metrics.jsonl",
    "proof.json",
    RESULT,
)
"""What is published, the result last."""

TOLERANCE = {"F16": 0.01, "BF16": 0.01, "Q8_0": 0.03, "all_F16": 0.01}
PATIENCE = 1.0
"""Seconds to wait for the job's lock: a look at whether it is held takes it for a moment."""
SMALL = 1_000_000_000
"""Up to so many parameters the proof computes in 32 bits; a larger base is compared as it was trained."""


def run(folder: Path, *, shard: bool = False) -> None:
    """Train a job, or go on with it, until its result.json is there; a finished one is not trained again.

    :param shard: several processes hold a part of the base each, instead of the whole.
    """
    job = read_job(folder)
    processes = sharing(job) if shard else 1
    with alone(folder):
        if not finished(folder, job):
            trained(folder, job, processes)
        if job.publish and rank() == 0:
            published(folder, FILES, job.publish)


def sharing(job: Job) -> int:
    """Return how many processes share the base.

    :raises BadJob: it cannot be shared.
    """
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if processes == 1:
        raise BadJob("--shard is for several processes: start them by torchrun")
    for name in ("quantize", "compile"):
        if getattr(job.hyperparameters, name):
            raise BadJob(f"--shard does not go with {name}")
    return processes


def trained(folder: Path, job: Job, processes: int) -> None:
    """Train from the first step or the newest checkpoint, and write everything that a result consists of.

    :param processes: that share the base; 1: each has its own.
    """
    began = time.monotonic()
    base = Base(fetched(job.base.path, job.base.sha256, folder))
    splits = {"train": job.train, "validation": job.validation}
    rows = {name: rows_of(name, files, folder, job) for name, files in splits.items()}
    encoder = encoder_of(base, job, rows["train"])
    check_prompts(encoder, job)
    samples = {name: encoder.samples(split) for name, split in rows.items()}
    enough_space(folder, base)
    start = fetched(job.start.path, job.start.sha256, folder) if job.start else None

    def model() -> PeftModel:
        made = with_adapter(frozen(base, job, processes), job.hyperparameters, job.seed)
        return made if start is None else going_on(made, start)

    metrics = Metrics(folder / "metrics.jsonl")
    fitted = fit(
        Plan(
            model=model,
            collator=Collator(job.objective, share=not job.hyperparameters.compile),
            train=samples["train"],
            validation=samples["validation"],
            settings=job.hyperparameters,
            seed=job.seed,
            folder=folder / "checkpoints",
            metrics=metrics,
            recipe=job.recipe.sha256,
        )
    )
    if rank() == 0:
        write_adapter(fitted.model, folder)
        merged_in = merge(base, fitted.model, job, folder)
    if processes > 1 and parameters_of(base) > SMALL:
        torch.distributed.barrier()  # each holds a part of what is to be proven
    elif rank():
        return
    questions = [encoder.question(row) for row in rows["validation"][: job.proof]]
    proof = prove(base, fitted, job, folder, questions, encoder, processes)
    if rank():
        return
    result = {
        "version": VERSION,
        "recipe": asdict(job.recipe),
        "recipe_sha256": job.recipe.sha256,
        "merged": described(folder / MERGED, folder),
        "adapter": described(folder / ADAPTER / "adapter_model.safetensors", folder),
        "parameters": {"trained": trainable(fitted.model), "base": parameters_of(base)},
        "samples": {name: len(split) for name, split in samples.items()},
        "steps": fitted.steps,
        "best_step": fitted.best_step,
        "micro_batch": fitted.micro_batch,
        "computed_in": "bf16" if in_bf16(job.hyperparameters.precision) else "fp32",
        "validation": validation_of(metrics, fitted.best_step),
        "class_rates": encoder.rates,
        "class_rates_log_score": rates_log_score(encoder, rows["validation"]),
        "proof": asdict(proof),
        "merge_s": round(merged_in, 2),
        "seconds": round(time.monotonic() - began, 1),
        "finished_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": {"gpu": gpu_name(), "cpus": os.cpu_count(), "platform": platform.platform()},
    }
    write_json(folder / RESULT, result)
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the job for this process and its ranks.

    :raises Busy: another one holds it.
    """
    if rank():
        yield
        return
    with (folder / "lock").open("w") as lock:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    raise Busy(f"another process trains {folder}") from error
            time.sleep(0.05)
        yield


def rank() -> int:
    """Return which of several processes this is; the first one writes the result."""
    return int(os.environ.get("RANK", "0"))


def finished(folder: Path, job: Job) -> bool:
    """Tell whether the result is already there.

    :raises OtherRecipe: it is of another recipe.
    """
    path = folder / RESULT
    if not path.exists():
        return False
    recipe = read_json(path)["recipe_sha256"]
    if recipe != job.recipe.sha256:
        raise OtherRecipe(f"{path} is of recipe {recipe[:12]}, the job is another: use another folder")
    return True


def rows_of(name: str, files: Sequence[File], folder: Path, job: Job) -> list[Row]:
    """Return a split's rows, checked."""
    rows = read_rows(fetched(file.path, file.sha256, folder) for file in files)
    checked(name, rows, job.objective)
    return rows


def encoder_of(base: Base, job: Job, train: Sequence[Row]) -> Encoder:
    """Return what makes samples of rows."""
    return Encoder(
        tokenizer=tokenizer_of(base, job.template),
        objective=job.objective,
        context=base.context,
        add_bos=bool(base.value("tokenizer.ggml.add_bos_token", False)),
        rates=class_rates(train, job.objective),
    )


def enough_space(folder: Path, base: Base) -> None:
    """Refuse to begin where the merged file cannot end.

    :raises NoSpace: less is free than the merged file may take.
    """
    need, free = 2 * parameters_of(base), shutil.disk_usage(folder).free
    if free < need:
        raise NoSpace(f"{folder} has {free >> 20} MiB free; the merged file may take {need >> 20}")


def frozen(base: Base, job: Job, processes: int) -> PreTrainedModel:
    """Return the base as it is kept while the adapter is trained."""
    model = base.model(dtype_of(job.hyperparameters.precision), processes)
    return in_four_bits(model) if job.hyperparameters.quantize else model


def write_adapter(model: PeftModel, folder: Path) -> None:
    """Write the adapter as safetensors, whole or not at all."""
    partial = folder / f"{ADAPTER}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    model.save_pretrained(str(partial), save_embedding_layers=False)
    shutil.rmtree(folder / ADAPTER, ignore_errors=True)
    partial.rename(folder / ADAPTER)


def merge(base: Base, model: PeftModel, job: Job, folder: Path) -> float:
    """Write the merged file and return the seconds it took.

    :raises NothingTrained: the adapter adds nothing.
    """
    began = time.monotonic()
    deltas = deltas_of(model)
    if not any(bool(delta.any()) for delta in deltas.values()):
        raise NothingTrained("the adapter adds nothing to any weight")
    write_merged(base, deltas, job.output, folder / MERGED)
    return time.monotonic() - began


def check_prompts(encoder: Encoder, job: Job) -> None:
    """See that prompts become the tokens here that they become on the server.

    :raises OtherPrompts: one does not; the message names the first other token.
    """
    for number, served in enumerate(job.prompts, 1):
        mine = encoder.prompt([message.model_dump() for message in served.messages])
        if mine == served.ids:
            continue
        at = next((i for i, pair in enumerate(zip(mine, served.ids, strict=False)) if pair[0] != pair[1]), 0)
        at = at or min(len(mine), len(served.ids))
        here, there = (encoder.text_of(ids[at : at + 1]) for ids in (mine, served.ids))
        raise OtherPrompts(
            f"prompt {number}: token {at} is {here!r} here and {there!r} on the server, of {len(mine)} and "
            f"{len(served.ids)}: give the chat template that the server uses, in Jinja, as the job's template"
        )


def going_on(model: PeftModel, start: Path) -> PeftModel:
    """Put the weights of an earlier adapter into a new one.

    :raises OtherAdapter: they do not fit it.
    """
    try:
        found: Any = set_peft_model_state_dict(model, load_file(start))
    except (RuntimeError, ValueError, SafetensorError) as error:
        raise OtherAdapter(f"{start} does not fit: {str(error).splitlines()[0]}") from error
    missing = [name for name in found.missing_keys if "lora_" in name]
    if missing or found.unexpected_keys:
        raise OtherAdapter(f"{start} does not fit: {[*missing, *found.unexpected_keys][0]}")
    return model


def prove(
    base: Base,
    fitted: Fitted,
    job: Job,
    folder: Path,
    questions: Sequence[Question],
    encoder: Encoder,
    processes: int,
) -> Comparison:
    """Read the merged file back and compare it with the trained model; keep what each said in proof.json.

    :param processes: that share a base which is not small; all of them are here then.
    :raises ExportDiffers: it is not the trained model; the file is removed.
    """
    model, precise = fitted.model, parameters_of(base) <= SMALL
    bf16 = in_bf16(job.hyperparameters.precision) and not precise
    if precise:
        adapter = get_peft_model_state_dict(model)
        model = with_adapter(base.model(torch.float32), job.hyperparameters, job.seed)
        set_peft_model_state_dict(model, adapter)
    trained = said_by(model, questions, bf16)
    with model.disable_adapter():
        untrained = said_by(model, questions, bf16)
    del model
    read_back = Base(folder / MERGED).model(torch.bfloat16 if bf16 else torch.float32, 1 if precise else processes)
    device = next(fitted.model.parameters()).device
    if bf16 and processes == 1:
        read_back.to(device)  # type: ignore[arg-type]  # its stub leaves devices out
    merged = said_by(read_back, questions, bf16)
    found = compare(trained, merged, untrained, TOLERANCE[job.output])
    if found.reason:
        (folder / MERGED).unlink(missing_ok=True)  # several processes find it
        raise ExportDiffers(f"the merged file is not the trained model: {found.reason}, {found.largest_difference:.4f}")
    if rank() == 0:
        asked = zip(questions, trained, untrained, strict=True)
        write_json(folder / "proof.json", {"prompts": [proof_line(*each, encoder) for each in asked]})
    return found


def proof_line(question: Question, trained: Said, untrained: Said, encoder: Encoder) -> dict[str, Any]:
    """Return a prompt of the proof as JSON: what the server is to be asked, and what has to come of it."""
    return {
        "messages": [message.model_dump() for message in question.messages],
        "text": question.text,
        "ids": list(question.prompt),
        "forks": [
            {
                "before": encoder.text_of(fork.before),
                "ways": {encoder.text_of([token]): list(labels) for token, labels in fork.ways.items()},
            }
            for fork in question.forks
        ],
        "mass": trained.mass,
        "trained": dict(trained.classes),
        "base": dict(untrained.classes),
    }


def validation_of(metrics: Metrics, step: int) -> dict[str, Any]:
    """Return the looks at the validation rows before training and at the step whose weights were kept."""
    looks = [line for line in metrics.lines() if line["kind"] == "validation"]
    return {"before": looks[0], "after": next((line for line in looks if line["step"] == step), looks[-1])}


def rates_log_score(encoder: Encoder, rows: Sequence[Row]) -> float | None:
    """Return what the train split's class rates alone score on the validation rows."""
    rates = encoder.rates or {}
    named = [row.named for row in rows if row.named and row.named[0] in rates]
    if not named:
        return None
    return sum(math.log(max(rates[field][label], 1e-9)) for field, label in named) / len(named)


def trainable(model: PeftModel) -> int:
    """Return how many numbers were trained."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def parameters_of(base: Base) -> int:
    """Return how many numbers the base has."""
    return sum(int(tensor.n_elements) for tensor in base.reader.tensors)


def described(path: Path, folder: Path) -> dict[str, Any]:
    """Return a file's name in the folder, size and digest."""
    return {"path": str(path.relative_to(folder)), "size": path.stat().st_size, "sha256": digest_of(path)}


def gpu_name() -> str | None:
    """Return the card's name."""
    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
