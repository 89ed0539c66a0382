"""What was built and decided, and who serves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ljwx.core.datasets.spec import RISK_STATEMENT
from ljwx.files import report_folder
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.warehouse.history import Build, UnfinishedRun
from ljwx.warehouse.promotions import Alias

__all__ = ["Alias", "Build", "BuildHistory", "UnfinishedRun", "build_history", "report_of"]


@dataclass(frozen=True)
class BuildHistory:
    """The newest builds with their decisions, newest first, and the models that the aliases name.

    :param unfinished: task instances of the last 30 days that began to write and did not finish.
    """

    aliases: Sequence[Alias]
    builds: Sequence[Build]
    unfinished: Sequence[UnfinishedRun]
    risk_statement: str = RISK_STATEMENT


def build_history(newest: int) -> BuildHistory:
    """Return the history of so many builds."""
    warehouse = WarehouseHook()
    return BuildHistory(warehouse.aliases(), warehouse.builds(newest), warehouse.unfinished_runs(newest))


def report_of(build: Build) -> str | None:
    """Return where the report of a build's decision lies below the data folder; None before one."""
    return None if build.promotion_id is None else report_folder(build.model, build.promotion_id)
