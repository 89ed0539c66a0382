"""The record every writing task keeps of itself: which task instance it was, what it was given, what it made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ljwx.hooks.warehouse import WarehouseHook
from ljwx.settings import current_settings
from ljwx.stages.context import task_instance
from ljwx.warehouse.runs import RunRef


@dataclass
class Run:
    """One task instance at work.

    :param key: what the rows it writes cite.
    :param outputs: identifiers and counts; the task adds to it.
    """

    key: int
    outputs: dict[str, Any] = field(default_factory=dict)


@contextmanager
def recorded_run(warehouse: WarehouseHook, **inputs: Any) -> Iterator[Run]:
    """Record the running task instance in `ljwx.runs`; it is finished only when the block ends without an error.

    With what it was given go the settings in force, so that they are stored with every row it writes.
    """

    ti = task_instance()
    reference = RunRef(ti.dag_id, ti.run_id, ti.task_id, -1 if ti.map_index is None else ti.map_index)
    settings = current_settings().model_dump(mode="json")
    run = Run(warehouse.start_run(reference, **inputs, settings=settings))
    yield run
    warehouse.finish_run(run.key, **run.outputs)
