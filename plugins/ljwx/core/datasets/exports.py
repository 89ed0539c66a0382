"""What a dataset becomes for trainers and readers: chat JSONL, Alpaca JSON, dataset_info and hash. Text out, no files.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

import polars as pl

from ljwx.core.datasets.spec import SPLITS, SampleSpec
from ljwx.core.prompts import Prompts, facts_of

_TEXT_ORDER: Final = ("session", "ts_code", "task", "sample_id")


_LINES: Final = 100_000
NO_TEXT: Final = '""'
"""What follows the instruction, as JSON, in a question that gives no facts."""

Samples = pl.DataFrame | Iterable[pl.DataFrame]
"""A SAMPLES frame in any order, or frames of some sessions at a time in the order of :data:`_TEXT_ORDER`."""


def _rendered(samples: Samples, prompts: Prompts) -> Iterator[tuple[str, str, str, float]]:
    """(instruction, facts, answer, weight) by session, stock and task."""
    for block in [samples] if isinstance(samples, pl.DataFrame) else samples:
        ordered = block.sort(_TEXT_ORDER)
        if "facts" in block.columns:
            yield from ordered.select("instruction", "facts", "answer", "weight").iter_rows()
        else:
            yield from _filled(ordered, prompts)


def _filled(ordered: pl.DataFrame, prompts: Prompts) -> Iterator[tuple[str, str, str, float]]:
    """The same from the snapshots; one is read once for all its tasks."""
    last, facts, text = None, {}, ""
    columns = ("task", "snapshot", "snapshot_sha256", "answer", "weight")
    for task, snapshot, digest, answer, weight in ordered.select(columns).iter_rows():
        if digest != last:
            last, facts = digest, facts_of(snapshot)
            text = prompts.facts.fill(facts)
        yield prompts.instructions[task].fill(facts), text, answer, weight


def _quoted(samples: Samples, prompts: Prompts) -> Iterator[tuple[str, str, str, str]]:
    """The same as JSON, the two parts of the question as they follow each other.

    Neighbours share their facts, and all samples of a task their instruction.
    """
    quote = json.encoder.encode_basestring
    instructions: dict[str, str] = {}
    last, quoted = None, ""
    for instruction, facts, answer, weight in _rendered(samples, prompts):
        if facts != last:
            last, quoted = facts, quote(facts)
        if instruction not in instructions:
            instructions[instruction] = quote(instruction)
        parts = instructions[instruction], quoted
        first, second = parts[::-1] if prompts.facts_first and facts else parts
        yield first, second, quote(answer), f"{weight:.6g}"


def jsonl_lines(samples: Samples, prompts: Prompts) -> Iterator[str]:
    """Chat lines ``{"messages":[system, user, assistant],"weight":w}`` with a newline, in an order fixed by content.

    The weight is the sample's uniqueness: see :func:`ljwx.core.datasets.uniqueness.uniqueness`.
    """
    system = json.encoder.encode_basestring(prompts.system)
    before = f'{{"messages":[{{"role":"system","content":{system}}},{{"role":"user","content":'
    for first, second, answer, weight in _quoted(samples, prompts):
        user = first if second == NO_TEXT else f"{first[:-1]}\\n{second[1:]}"
        yield f'{before}{user}}},{{"role":"assistant","content":{answer}}}],"weight":{weight}}}\n'


def alpaca_chunks(samples: Samples, prompts: Prompts) -> Iterator[str]:
    """A JSON array of Alpaca records (instruction, input, output, system, weight), in pieces to be written in turn."""
    system = json.encoder.encode_basestring(prompts.system)
    before = "[\n"
    for first, second, answer, weight in _quoted(samples, prompts):
        record = f'"instruction":{first},"input":{second},"output":{answer},"system":{system},"weight":{weight}'
        yield f"{before}{{{record}}}"
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


def dataset_hash(samples: Samples, spec: SampleSpec, prompts: Prompts) -> str:
    """sha256 over the spec, the prompts and every (split, sample_id), sorted: what it holds, not how it was made.

    :param samples: split and sample_id.
    """
    digest = hashlib.sha256(f"{spec.sha256}\n{prompts.sha256}\n".encode())
    ids: dict[str, list[pl.Series]] = {}
    for block in [samples] if isinstance(samples, pl.DataFrame) else samples:
        packed = block.select(pl.col("split").cast(pl.String), pl.col("sample_id").str.decode("hex"))
        for (split,), mine in packed.partition_by("split", as_dict=True).items():
            ids.setdefault(split, []).append(mine["sample_id"])
    for split in sorted(ids):
        ordered = pl.concat(ids.pop(split)).sort().to_frame()
        for part in ordered.iter_slices(_LINES):
            lines = part.select(pl.format("{} {}\n", pl.lit(split), pl.col("sample_id").bin.encode("hex"))).to_series()
            digest.update("".join(lines).encode())
    return digest.hexdigest()
