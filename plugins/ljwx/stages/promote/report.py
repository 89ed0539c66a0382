"""The stage `reports`: put on paper what was decided about a build, whatever the decision was."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from ljwx.core.reports import Report, report
from ljwx.core.reports.render import render
from ljwx.exceptions import NotFound
from ljwx.files import report_folder, save_text
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import included
from ljwx.stages.context import task_instance
from ljwx.strategies import describe

log = logging.getLogger(__name__)

DECIDING = ("verify_model", "decide_promotion")
"""Tasks that come to a decision."""


def write_report(plan: dict[str, str] | None, decided: dict[str, Any] | None) -> str:
    """Write the report of what this run decided into the data folder, as one HTML file and as Markdown with pictures.

    Decisions about other open lines get theirs too.

    :param plan: what `plan_build` returned: the `model`; None where the run did not come that far.
    :param decided: what `decide_promotion` returned: the `promotion_id`; None likewise.
    :return: path of the HTML file, below ``reports/<model>/<promotion_id>/``.
    :raises NotFound: the decision is not in the warehouse.
    :raises AirflowSkipException: the last attempt of the run came to no decision and refused no model, whatever an
        earlier one came to.
    """

    warehouse, ti = WarehouseHook(), task_instance()
    promotion_id = _came_to(warehouse, ti, plan, decided)
    if promotion_id is None:
        raise AirflowSkipException("this run has decided nothing that a report could be about")
    for other in warehouse.decided_beside(ti.dag_id, ti.run_id):
        _write(warehouse, other)
    return _write(warehouse, promotion_id)


def report_look(promotion_id: int) -> str:
    """Write the report of what a look at the forward record has decided.

    :param promotion_id: of `look_at_record`.
    :return: as of :func:`write_report`.
    """
    return _write(WarehouseHook(), promotion_id)


def _write(warehouse: WarehouseHook, promotion_id: int) -> str:
    report = _gather(warehouse, promotion_id)
    rendered = render(
        report,
        included("reports/report.html.j2").read_text(encoding="utf-8"),
        included("reports/report.md.j2").read_text(encoding="utf-8"),
    )
    folder = report_folder(report.decision.model, promotion_id)
    for name, svg in rendered.charts.items():
        save_text(f"{folder}/{name}.svg", svg)
    save_text(f"{folder}/report.md", rendered.markdown)
    path = save_text(f"{folder}/report.html", rendered.html)
    log.info("%s: %s; report: %s", report.decision.model, report.verdict[1], path)
    return path


def _came_to(
    warehouse: WarehouseHook, ti: Any, plan: dict[str, str] | None, decided: dict[str, Any] | None
) -> int | None:
    """Return the promotion_id of what the run's last attempt came to.

    The tasks' states tell: what a task returned outlasts a clearing until the task starts again.
    """
    found = ti.get_task_states(dag_id=ti.dag_id, task_ids=list(DECIDING), run_ids=[ti.run_id])
    verified, decision = (found[ti.run_id][task_id] for task_id in DECIDING)
    if plan is not None and verified == "failed":
        return warehouse.refusal_of_run(ti.dag_id, ti.run_id, plan["model"])
    if decided is not None and decision == "success":
        return int(decided["promotion_id"])
    return None


def _gather(warehouse: WarehouseHook, promotion_id: int) -> Report:

    decision = warehouse.decision(promotion_id)
    if decision is None:
        raise NotFound(f"no decision {promotion_id} is in the warehouse; `ljwx report` lists the builds")
    cases = [] if decision.evaluation_id is None else warehouse.cases(decision.evaluation_id)
    sources = warehouse.fetched_by(decision.first_session, decision.last_session)
    strategy = describe(decision.strategy)
    return report(decision, cases, sources, (strategy.chinese, strategy.english))
