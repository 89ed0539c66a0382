"""Checkpoints that can be trusted: one counts only when its last file says of which recipe and of what it is made.

A process killed while it writes a checkpoint leaves a folder without that file; it is removed when training goes on.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from ljwx_training.errors import DamagedCheckpoint, OtherRecipe

WHOLE = "whole.json"


def seal(folder: Path, recipe: str) -> None:
    """Write the last file of a checkpoint."""
    text = json.dumps({"recipe": recipe, "files": _digests(folder)}, indent=1)
    partial = folder / f"{WHOLE}.partial"
    partial.write_text(text, encoding="utf-8")
    partial.replace(folder / WHOLE)


def newest(folder: Path, recipe: str) -> Path | None:
    """Return the newest whole checkpoint.

    :raises OtherRecipe: one was made by another recipe.
    :raises DamagedCheckpoint: a file of it is not the one that was written.
    """
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    whole = [path for path in found if (path / WHOLE).exists()]
    if not whole:
        return None
    last = whole[-1]
    told = json.loads((last / WHOLE).read_text(encoding="utf-8"))
    if told["recipe"] != recipe:
        raise OtherRecipe(f"{last} is of recipe {told['recipe'][:12]}, this job's is {recipe[:12]}: use another folder")
    for name, digest in _digests(last).items():
        if told["files"].get(name) != digest:
            raise DamagedCheckpoint(f"{last / name} was changed after it was written; remove {last} to go on before it")
    return last


def clear(folder: Path) -> None:
    """Remove the checkpoints that a killed process left unfinished."""
    for path in folder.glob("checkpoint-*"):
        if not (path / WHOLE).exists():
            shutil.rmtree(path)


def step_of(checkpoint: Path) -> int:
    """Return after how many steps it was made."""
    return int(checkpoint.name.rpartition("-")[2])


def is_last(checkpoint: Path) -> bool:
    """Tell whether training was done when it was made: all steps were, or nothing got better any more."""
    state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    control = state.get("stateful_callbacks", {}).get("TrainerControl", {})
    return bool(control.get("args", {}).get("should_training_stop")) or state["global_step"] >= state["max_steps"]


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(WHOLE))
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
