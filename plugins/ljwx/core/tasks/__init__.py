"""The tasks: kinds of questions about a stock as of a session, one module each. Pure: no airflow, HTTP or SQL.

A task is added as a module with its definition, a line in :data:`TASKS`, and its prompt text.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from ljwx.core.tasks.definition import TaskDefinition
from ljwx.core.tasks.investment_advice import INVESTMENT_ADVICE
from ljwx.core.tasks.price_direction import PRICE_DIRECTION
from ljwx.core.tasks.risk_assessment import RISK_ASSESSMENT
from ljwx.core.tasks.technical_analysis import TECHNICAL_ANALYSIS

_FIRST: Final = (INVESTMENT_ADVICE, RISK_ASSESSMENT, PRICE_DIRECTION, TECHNICAL_ANALYSIS)
_LATER: Final[tuple[TaskDefinition, ...]] = ()

TASKS: Final[dict[str, TaskDefinition]] = {task.name: task for task in (*_FIRST, *_LATER)}
"""Every task by its name, in the order in which tables are printed and questions are asked; new ones come last."""

DEFAULT_TASKS: Final = tuple(task.name for task in _FIRST)
"""The tasks of version 0.1, which ``samples.tasks`` names unless a user names others."""


def hashed_tasks(used: Collection[str]) -> tuple[str, ...]:
    """The tasks whose texts and schemas a hash covers: those of version 0.1 always, later ones where they are used.

    Version 0.1 covered its four tasks whatever ``samples.tasks`` named. Going on with that keeps every stored dataset
    and evaluation findable; a task that comes later moves no hash of those who do not use it.
    """
    return tuple(name for name in TASKS if name in DEFAULT_TASKS or name in used)


class _Registered:
    """Pydantic metadata: the text is the name of a task, in the check and in the schema; read when it is needed."""

    def check(self, name: str) -> str:
        if name not in TASKS:
            there = {"name": name, "names": ", ".join(TASKS)}
            raise PydanticCustomError("task", "'{name}' is no task; there are {names}", there)
        return name

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"enum": list(TASKS), "type": "string"}


TaskName = Annotated[str, _Registered()]
"""The name of a task, as settings give it."""
