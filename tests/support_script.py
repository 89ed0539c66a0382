"""A verification's questions answered by a script instead of a model."""

from __future__ import annotations

from typing import Any

import requests

from ljwx.core.tasks import TASKS
from support_chain import UNPLAYED, Database
from support_ollama import OllamaServer

REPEATS = 3
"""The first of them fills the server's prefix cache, the other two are compared."""


COUNTS = 3
"""Of the same short prompt, twice, and of one that is too long."""


class Script:
    """Answers of a model that passes, in the order they are asked for, to be spoilt one by one.

    None where the server answers by itself.
    """

    def __init__(self, db: Database) -> None:
        query = (
            "SELECT answer::text FROM ljwx.samples JOIN ljwx.dataset_samples USING (sample_id) "
            "WHERE split = 'validation' AND task = %s ORDER BY sample_id LIMIT 1"
        )
        valid = [db.value(query, task) for task in TASKS]
        self.counted = 1
        self.first = self.counted + COUNTS
        self.repeated = self.first + len(TASKS)
        self.compared = self.repeated + REPEATS
        plain = ["我是分析师", "我是模型", "看波动", "看波动"]
        self.texts: list[str | None] = ["{", *[None] * COUNTS, *valid, *[valid[0]] * REPEATS, *plain]
        self.prompt_tokens = 900

    def play(self, server: OllamaServer) -> None:
        end = {"model": "x", "done": True, "done_reason": "stop", "eval_count": 9}
        faults: list[dict[str, Any]] = []
        for text in self.texts:
            if text is None:
                faults.append(UNPLAYED)
                continue
            line = {**end, "prompt_eval_count": self.prompt_tokens, "message": {"role": "assistant", "content": text}}
            faults.append({"route": "chat", "kind": "lines", "lines": [line]})
        requests.put(f"{server.url}/_sandbox/faults", json=faults, timeout=60).raise_for_status()
