"""The stage `reports`: put on paper what was decided about a build, whatever the decision was."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ljwx.core.reports import Report
    from ljwx.hooks.warehouse import WarehouseHook

log = logging.getLogger(__name__)


def write_report(decided: dict[str, Any]) -> str:
    """Write the report of a decision into the data folder, as one HTML file and as Markdown with its pictures.

    :param decided: what `decide_promotion` told: the `promotion_id`.
    :return: path of the HTML file, below ``reports/<model>/<promotion_id>/``.
    :raises NotFound: the decision is not in the warehouse.
    """
    from ljwx.core.reports.render import render
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.resources import include_folder
    from ljwx.tasks.files import save_text

    report = _gather(WarehouseHook(), int(decided["promotion_id"]))
    templates = include_folder() / "reports"
    rendered = render(
        report,
        (templates / "report.html.j2").read_text(encoding="utf-8"),
        (templates / "report.md.j2").read_text(encoding="utf-8"),
    )
    folder = report_folder(str(report.decision["model"]), int(decided["promotion_id"]))
    for name, svg in rendered.charts.items():
        save_text(f"{folder}/{name}.svg", svg)
    save_text(f"{folder}/report.md", rendered.markdown)
    path = save_text(f"{folder}/report.html", rendered.html)
    log.info("%s: %s; report: %s", report.decision["model"], report.verdict[1], path)
    return path


def report_folder(model: str, promotion_id: int) -> str:
    """Return where a report lies below the data folder; a model's colon has no place in a file's name."""
    return f"reports/{model.replace(':', '-').replace('/', '-')}/{promotion_id}"


def _gather(warehouse: WarehouseHook, promotion_id: int) -> Report:
    from ljwx.core.reports import report
    from ljwx.exceptions import NotFound

    decision = warehouse.decision(promotion_id)
    if decision is None:
        raise NotFound(f"no decision {promotion_id} is in the warehouse; `ljwx report` lists the builds")
    evaluation_id = decision["evaluation_id"]
    answers = [] if evaluation_id is None else warehouse.answered(int(evaluation_id))
    return report(decision, answers, warehouse.fetched_by(decision["first_session"], decision["last_session"]))
