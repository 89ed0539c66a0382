"""A trainer that trains nothing: the result of a job, with a proof that the scripted server keeps to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ljwx.core.models import BuildSpec
from ljwx.hooks.ollama import OllamaHook
from ljwx_sandbox.ollama.__main__ import base_gguf
from support_ollama import BASE, OllamaServer

CERTAIN, UNLIKELY = 0.98, 0.02 / 26
"""What the script gives the word that it says, and each of the letters that it never says."""
TRAINED = {
    "up": CERTAIN / (CERTAIN + 2 * UNLIKELY), "flat": UNLIKELY / (CERTAIN + 2 * UNLIKELY),
    "down": UNLIKELY / (CERTAIN + 2 * UNLIKELY),
}  # fmt: skip
UNTRAINED = {"up": 0.4, "flat": 0.3, "down": 0.3}
WHOLE = '{"direction":"up"}'


def settings(ollama: OllamaServer, small: Mapping[str, Any], **lora: Any) -> dict[str, Any]:
    """Settings of a small training on this server's base."""
    chosen = {"max_samples": 12, "max_validation": 8, "proof": 2, "ollama_models": str(ollama.models), **lora}
    return {**small, "model": {**small["model"], "strategy": "lora", "lora": chosen}}


def spec_of(plan: Mapping[str, str]) -> BuildSpec:
    return BuildSpec.model_validate_json(Path(plan["spec_path"]).read_text(encoding="utf-8"))


def train(prepared: Mapping[str, str], spec: BuildSpec, **changed: Any) -> dict[str, Any]:
    """Write the result of a prepared job, and return what TrainOperator does.

    :param changed: fields of every prompt of the proof.
    """
    folder = Path(prepared["job"])
    merged = folder / "merged.gguf"
    merged.write_bytes(base_gguf().read_bytes() + b"\0" * 32)
    (folder / "adapter").mkdir(exist_ok=True)
    adapter = folder / "adapter" / "adapter_model.safetensors"
    adapter.write_bytes(b"an adapter")
    digests = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in (merged, adapter)}
    rows = [json.loads(line) for line in (folder / "validation.jsonl").read_text(encoding="utf-8").splitlines()]
    proof = [{**proved(row["messages"][:-1], spec), **changed} for row in rows[:2]]
    (folder / "proof.json").write_text(json.dumps({"prompts": proof}), encoding="utf-8")
    lines = [{"kind": "step", "step": n, "loss": 2.0 / n} for n in range(1, 4)]
    looks = [{"kind": "validation", "step": n, "answer_loss": 2.0 - n, "class_log_score": -1.2} for n in (0, 3)]
    (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(x)}\n" for x in (*looks, *lines)), encoding="utf-8")
    result = {
        "version": "0.1.0", "recipe_sha256": "e" * 64, "steps": 3, "best_step": 3, "seconds": 60.0,
        "finished_at": "2026-11-20T12:01:00+00:00", "samples": {"train": 12, "validation": 8},
        "parameters": {"trained": 1000, "base": 135000000}, "class_rates_log_score": -1.1,
        "validation": {"before": looks[0], "after": looks[1]}, "machine": {"gpu": None, "cpus": 2},
        **{
            name: {"path": path.name, "size": path.stat().st_size, "sha256": digests[path]}
            for name, path in (("merged", merged), ("adapter", adapter))
        },
    }  # fmt: skip
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
    return {"job": str(folder), "gguf_sha256": digests[merged], "adapter_sha256": digests[adapter]}


def proved(messages: list[dict[str, str]], spec: BuildSpec) -> dict[str, Any]:
    """A prompt of the proof; the script's word stands for a class, and letters that it never says for others."""
    hook, text = OllamaHook(), f"<|im_start|>{messages[-1]['content']}"
    fork = {"before": '{"direction":"', "ways": {}}
    asked = {"num_predict": 1, "temperature": 0}
    told = hook.complete(
        BASE, messages[-1]["content"], system=spec.system, template=spec.template, options={**asked, "num_ctx": 4096}
    )
    word = hook.complete(BASE, f"{text}{fork['before']}", raw=True, options=asked, top_logprobs=20).logprobs[0].token
    fork["ways"] = {word: ["up"], " a": ["flat"], " b": ["down"]}
    return {
        "messages": messages, "text": text, "ids": list(told.prompt or ()), "forks": [fork], "trained": TRAINED,
        "base": UNTRAINED,
    }  # fmt: skip
