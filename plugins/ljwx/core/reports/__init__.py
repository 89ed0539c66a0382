"""The report of one build: what was decided, on what evidence, in words, tables and pictures.

Pure: never imports airflow, an HTTP client or a database driver, so that the same rows always give the same report.
"""

from ljwx.core.reports.cards import CardRow, PartRow, TaskRow, comparison, differences, further, slices, tasks
from ljwx.core.reports.cases import Case, SessionAccuracy, by_session, examples, wilson
from ljwx.core.reports.content import Report, report

__all__ = [
    "CardRow",
    "Case",
    "PartRow",
    "Report",
    "SessionAccuracy",
    "TaskRow",
    "by_session",
    "comparison",
    "differences",
    "examples",
    "further",
    "report",
    "slices",
    "tasks",
    "wilson",
]
