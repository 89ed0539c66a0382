"""Tell strangers of the months of the record: a page for each, when its last session is settled."""

from __future__ import annotations

import logging

from airflow.sdk.exceptions import AirflowSkipException

from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.pages.month import months_due
from ljwx.services.pages.month import write_month as write_page
from ljwx.stages.runs import recorded_run

log = logging.getLogger(__name__)


def write_month() -> list[str]:
    """Write the page of each month that is due, into the data folder.

    Run again it writes none; a correction of bars that changes outcomes of a month makes its page due again.

    :return: paths of the HTML files.
    :raises AirflowSkipException: no month is due.
    """
    warehouse = WarehouseHook()
    with recorded_run(warehouse) as run:
        written = [write_page(month) for month in months_due(warehouse)]
        run.outputs |= {"months": [each.month for each in written]}
    if not written:
        raise AirflowSkipException("no month of the forward record waits for its page")
    for each in written:
        log.info("%s: %s and %s, %d questions are open", each.month, each.html, each.json, each.open)
    return [each.html for each in written]
