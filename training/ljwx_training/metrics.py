"""metrics.jsonl: one JSON line for each step and each look at the validation rows, as they happen."""

from __future__ import annotations

import json
import resource
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

MEGABYTE = 1024 * 1024


def memory_mb() -> float:
    """Return the largest memory so far: of the GPU where there is one, else of this process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / MEGABYTE
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether memory ran out, on a GPU or on a CPU."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return "DefaultCPUAllocator" in str(error) or "out of memory" in str(error)


@dataclass
class Metrics:
    """Appends to one file; a line is whole or not there, because each is written at once."""

    path: Path
    since: float = field(default_factory=time.monotonic)

    def go_back_to(self, step: int) -> None:
        """Forget the lines after a step: training goes on from its checkpoint, and writes them again."""
        kept = [line for line in self.lines() if line["step"] <= step or line["kind"] == "out_of_memory"]
        partial = self.path.with_suffix(".partial")
        partial.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
        partial.replace(self.path)

    def lines(self) -> list[dict[str, Any]]:
        """Return the whole lines; one that a killed process began is left out."""
        if not self.path.exists():
            return []
        text = self.path.read_text(encoding="utf-8")
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def add(self, kind: str, step: int, **figures: Any) -> None:
        """Write a line."""
        line = {"kind": kind, "step": step, **figures}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
