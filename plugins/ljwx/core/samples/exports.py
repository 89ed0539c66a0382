"""What a dataset becomes for trainers and readers: chat JSONL, Alpaca JSON, dataset_info and hash. Text out, no files.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from ljwx.core.samples.prompts import Prompts, facts_of
from ljwx.core.samples.spec import SPLITS, SampleSpec
from ljwx.core.tasks import Task

_TEXT_ORDER: Final = ("session", "ts_code", "task", "sample_id")


def _rendered(samples: pl.DataFrame, prompts: Prompts) -> Iterator[tuple[str, str, str]]:
    """(instruction, facts, answer) by session, stock and task; a snapshot is rendered once for all its tasks."""
    last, facts, text = None, {}, ""
    ordered = samples.sort(_TEXT_ORDER).select("task", "snapshot", "snapshot_sha256", "answer")
    task: Task
    for task, snapshot, digest, answer in ordered.iter_rows():
        if digest != last:
            last, facts = digest, facts_of(snapshot)
            text = prompts.facts.fill(facts)
        yield prompts.instructions[task].fill(facts), text, answer


def jsonl_lines(samples: pl.DataFrame, prompts: Prompts) -> Iterator[str]:
    """Chat lines ``{"messages":[system, user, assistant]}``, each ending in a newline, in an order fixed by content."""
    quote = json.encoder.encode_basestring
    system = quote(prompts.system)
    for instruction, facts, answer in _rendered(samples, prompts):
        user = quote(f"{instruction}\n{facts}")
        yield (
            f'{{"messages":[{{"role":"system","content":{system}}},{{"role":"user","content":{user}}},'
            f'{{"role":"assistant","content":{quote(answer)}}}]}}\n'
        )


def alpaca_chunks(samples: pl.DataFrame, prompts: Prompts) -> Iterator[str]:
    """A JSON array of Alpaca records (instruction, input, output, system), in pieces to be written in turn."""
    quote = json.encoder.encode_basestring
    system = quote(prompts.system)
    before = "[\n"
    for instruction, facts, answer in _rendered(samples, prompts):
        yield (
            f'{before}{{"instruction":{quote(instruction)},"input":{quote(facts)},'
            f'"output":{quote(answer)},"system":{system}}}'
        )
        before = ",\n"
    yield "\n]\n" if before != "[\n" else "[]\n"


def dataset_info(splits: tuple[str, ...] = SPLITS, prefix: str = "ljwx") -> dict[str, Any]:
    """LLaMA-Factory's declaration of the files ``<split>.jsonl`` (chat) and ``<split>.alpaca.json``."""
    alpaca = {"prompt": "instruction", "query": "input", "response": "output", "system": "system"}
    tags = {
        "role_tag": "role",
        "content_tag": "content",
        "user_tag": "user",
        "assistant_tag": "assistant",
        "system_tag": "system",
    }
    info: dict[str, Any] = {}
    for split in splits:
        info[f"{prefix}_{split}"] = {"file_name": f"{split}.alpaca.json", "formatting": "alpaca", "columns": alpaca}
        info[f"{prefix}_{split}_chat"] = {
            "file_name": f"{split}.jsonl",
            "formatting": "sharegpt",
            "columns": {"messages": "messages"},
            "tags": tags,
        }
    return info


def dataset_hash(samples: pl.DataFrame, spec: SampleSpec, prompts: Prompts) -> str:
    """sha256 over the spec, the prompts and every (split, sample_id), sorted: what it holds, not how it was made."""
    digest = hashlib.sha256(f"{spec.sha256}\n{prompts.sha256}\n".encode())
    for line in samples.select(pl.format("{} {}\n", "split", "sample_id").alias("line")).to_series().sort():
        digest.update(line.encode())
    return digest.hexdigest()
