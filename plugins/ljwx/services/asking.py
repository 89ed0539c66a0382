"""One question to one model: asked with its schema, read strictly, told as a row of `ljwx.answers`."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ljwx.core.evaluations import class_probabilities, count_claims, distribution
from ljwx.core.ollama import TokenLogprob
from ljwx.core.prompts import load_prompts, question
from ljwx.core.tasks import TASKS, hashed_tasks
from ljwx.hooks.ollama import OllamaHook
from ljwx.resources import included_below
from ljwx.settings import Settings


def ask(
    ollama: OllamaHook,
    model: str,
    sample: Mapping[str, Any],
    settings: Settings,
    *,
    parameters: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Ask a model about a sample; an answer that cannot be read is kept as it came, and invalid.

    Probabilities come from the token that decides on the class where the server tells its log-probabilities, else from
    what the model wrote.

    :param sample: sample_id, task, snapshot and prompt_version.
    :param parameters: the challenger's, for its untuned base, which has neither them nor our system prompt: it is given
        both. None for a model of ours, which has them.
    """

    prompts = load_prompts(included_below("prompts"), sample["prompt_version"], [sample["task"]])
    messages = question(sample["task"], sample["snapshot"], prompts, system=parameters is not None)
    started = time.monotonic()
    reply = ollama.chat(
        model,
        list(messages),
        format=TASKS[sample["task"]].schema(),
        options=_options(settings, parameters),
        top_logprobs=settings.evaluation.top_logprobs or None,
    )
    row = {
        "sample_id": sample["sample_id"], "raw": storable(reply.content), "latency_s": time.monotonic() - started,
        "server_s": reply.total_seconds, "prompt_tokens": reply.prompt_eval_count or 0,
        "answer_tokens": reply.eval_count or 0,
    }  # fmt: skip
    read = read_answer(sample["task"], reply.content, cut=reply.done_reason == "length")
    return row | read | _weighed(sample, read, reply.logprobs)


def storable(text: str) -> str:
    """Return the text with what no PostgreSQL text can hold, NUL and halves of a surrogate pair, written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def request_config(settings: Settings, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what decides on an answer beside model and sample; answers asked with something else are no match.

    Schemas and prompts are those of :func:`ljwx.core.tasks.hashed_tasks`: version 0.1's tasks, and later ones in use.

    :param parameters: as in :func:`ask`.
    """

    used = settings.samples.tasks
    schemas = json.dumps([TASKS[task].schema() for task in hashed_tasks(used)])
    prompts = load_prompts(included_below("prompts"), settings.samples.prompt_version, used)
    return {
        "options": _options(settings, parameters), "top_logprobs": settings.evaluation.top_logprobs,
        "schemas": hashlib.sha256(schemas.encode()).hexdigest(), "prompts": prompts.sha256,
    }  # fmt: skip


def _options(settings: Settings, parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    asked = settings.evaluation
    return {**(parameters or {}), "temperature": 0, "seed": asked.seed, "num_predict": asked.num_predict}


def read_answer(task: Any, text: str, *, cut: bool) -> dict[str, Any]:
    """Read an answer: valid, label, probabilities, parsed, and the reason where it is invalid."""

    invalid = {"valid": False, "label": None, "probabilities": None, "parsed": None}
    try:
        answer = TASKS[task].parse(text)
    except ValueError:
        return invalid | {"reason": "cut_at_num_predict" if cut else "not_the_schema"}
    written = answer.stated_probabilities
    return {
        "valid": True, "label": TASKS[task].label_of(answer), "parsed": json.loads(answer.model_dump_json()),
        "probabilities": distribution(task, written) if written else None, "reason": None,
    }  # fmt: skip


def _weighed(sample: Mapping[str, Any], read: Mapping[str, Any], tokens: Sequence[TokenLogprob]) -> dict[str, Any]:
    """Return probabilities, where they come from, and the counted claims; all None for an invalid answer."""

    if not read["valid"]:
        return {"probabilities": None, "probabilities_from": None, "claims": None}
    told = class_probabilities(sample["task"], TASKS[sample["task"]].class_field, tokens)
    written = read["probabilities"]
    return {
        "probabilities": told or written,
        "probabilities_from": "tokens" if told else "answer" if written else None,
        "claims": vars(count_claims(read["parsed"], sample["snapshot"])),
    }
