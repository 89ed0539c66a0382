"""Links of a build's task: the page of its base model, and the task that writes the report."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink
from airflow.sdk.configuration import conf

from ljwx.core.ollama import library_page
from ljwx.exceptions import ConfigurationError
from ljwx.operators.specs import read_spec

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class BaseModelLink(BaseOperatorLink):
    """The page of the base model in the library it was pulled from."""

    name = "Base model"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 - Airflow's signature
        """Return the page's address; empty without a spec."""
        path = getattr(operator, "spec_path", None)
        if path is None:
            return ""
        try:
            return library_page(read_spec(path).base)
        except ConfigurationError:
            return ""


class ReportLink(BaseOperatorLink):
    """The task of the same run that writes the report: its log and its result name the file."""

    name = "Report"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the task's page in Airflow; empty where no task writes one."""
        task_id = getattr(operator, "report_task_id", None)
        address = conf.get("api", "base_url", fallback="/").rstrip("/")
        run = quote(ti_key.run_id)
        return f"{address}/dags/{ti_key.dag_id}/runs/{run}/tasks/{task_id}" if task_id else ""
