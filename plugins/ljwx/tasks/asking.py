"""One question to one model: asked with its schema, read strictly, told as a row of `ljwx.answers`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ljwx.hooks.ollama import OllamaHook
    from ljwx.settings import Settings


def ask(ollama: OllamaHook, model: str, sample: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Ask a model about a sample; an answer that cannot be read is kept as it came, and invalid.

    :param sample: sample_id, task, snapshot and prompt_version.
    """
    import time

    from ljwx.core.samples import answer_schema, load_prompts, question
    from ljwx.resources import include_folder

    prompts = load_prompts(include_folder() / "prompts", sample["prompt_version"])
    messages = question(sample["task"], sample["snapshot"], prompts, system=False)
    started = time.monotonic()
    reply = ollama.chat(
        model,
        list(messages),
        format=answer_schema(sample["task"]),
        options={"temperature": 0, "seed": settings.evaluation.seed, "num_predict": settings.evaluation.num_predict},
    )
    row = {
        "sample_id": sample["sample_id"], "raw": reply.content, "latency_s": time.monotonic() - started,
        "prompt_tokens": reply.prompt_eval_count or 0, "answer_tokens": reply.eval_count or 0,
    }  # fmt: skip
    return row | read_answer(sample["task"], reply.content, cut=reply.done_reason == "length")


def read_answer(task: Any, text: str, *, cut: bool) -> dict[str, Any]:
    """Read an answer: valid, label, probabilities, parsed, and the reason where it is invalid."""
    from ljwx.core.evaluations import distribution
    from ljwx.core.samples import label_of, parse_answer, probabilities_of

    invalid = {"valid": False, "label": None, "probabilities": None, "parsed": None}
    try:
        answer = parse_answer(task, text)
    except ValueError:
        return invalid | {"reason": "cut_at_num_predict" if cut else "not_the_schema"}
    written = probabilities_of(answer)
    return {
        "valid": True, "label": label_of(task, answer), "parsed": json.loads(answer.model_dump_json()),
        "probabilities": distribution(task, written) if written else None, "reason": None,
    }  # fmt: skip
