"""Asking and building models: the product against the bare model server, on the sandbox's server and 135M model."""

from __future__ import annotations

import statistics
import time
from functools import cache
from typing import Any

import numpy as np

from benchmarks.workbench import BASE, EXAMPLES, asked_tasks, query, snapshots, workbench


def eval_wall_vs_server() -> dict[str, Any]:
    """Seconds of an evaluation / seconds that the model server itself counted for the same answers."""
    wall, server = asked_as_usual()
    return {
        "value": wall / server, "unit": "x", "ours": wall, "peer": server, "runs": len(asked_tasks()),
        "note": "ours: wall-clock s of the shard; peer: the server's own total",
    }  # fmt: skip


def eval_prefix_speedup() -> dict[str, Any]:
    """Seconds for the same questions in random order, with no prefix in common / seconds as they are asked."""
    ours, _ = asked_as_usual()
    peer = asked_without_prefix()
    return {
        "value": peer / ours, "unit": "x", "ours": ours, "peer": peer, "runs": len(asked_tasks()),
        "note": f"s for all questions, behind {EXAMPLES} examples; a random mark before the system prompt",
    }  # fmt: skip


def create_overhead_s(runs: int = 5) -> dict[str, Any]:
    """Seconds to create a model through the operator, with all its checks − by one bare HTTP call; medians."""
    taken: dict[str, list[float]] = {"ours": [], "peer": []}
    with workbench() as bench:
        for number in range(runs + 1):
            for name, make in (("ours", bench.by_operator), ("peer", bench.by_http)):
                taken[name].append(make(number))
    ours, peer = (statistics.median(taken[name][1:]) for name in ("ours", "peer"))
    return {"value": ours - peer, "unit": "s", "ours": ours, "peer": peer, "runs": runs}


@cache
def asked_as_usual() -> tuple[float, float]:
    """Ask the questions by the product's own code; return wall-clock seconds and the server's own.

    The model is loaded before, and its prefix is not in the cache.
    """
    from ljwx.services.asking.servers import servers_of
    from ljwx.stages.evaluate.asking import ask_all

    with workbench() as bench:
        evaluation_id = bench.evaluation()
        begin = time.perf_counter()
        asked = ask_all(bench.warehouse, servers_of(bench.settings), bench.settings, evaluation_id)
        wall = time.perf_counter() - begin
        if asked != len(asked_tasks()):
            raise RuntimeError(f"{asked} of {len(asked_tasks())} questions were asked")
        rows = query(bench.url, "SELECT server_s FROM ljwx.answers")
    return wall, sum(row[0] for row in rows)


def asked_without_prefix() -> float:
    """Ask the base the same questions with system prompt and examples behind a mark of their own, in random order."""
    from ljwx.core.prompts import load_prompts, question
    from ljwx.core.tasks import TASKS
    from ljwx.resources import included_below
    from ljwx.settings import load_settings

    settings, order = load_settings({}), np.random.default_rng(7)
    with workbench() as bench:
        tasks = asked_tasks()
        prompts = load_prompts(included_below("prompts"), "v1", tasks)
        texts = snapshots(len(tasks), seed=1)
        told = [question(task, text, prompts, system=False)[0] for task, text in zip(tasks, texts, strict=True)]
        options = {**bench.spec.parameters, "seed": settings.evaluation.seed}
        options["num_predict"] = settings.evaluation.num_predict
        begin = time.perf_counter()
        for at in order.permutation(len(tasks)):
            mark = {"role": "system", "content": f"{order.bytes(8).hex()} {bench.spec.system}"}
            examples = [message.model_dump() for message in bench.spec.messages]
            bench.ollama.chat(
                BASE, [mark, *examples, told[at]], format=TASKS[tasks[at]].schema(), options=options,
                top_logprobs=settings.evaluation.top_logprobs,
            )  # fmt: skip
        return time.perf_counter() - begin
