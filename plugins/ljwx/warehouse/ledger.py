"""The books about models: what was built, asked, decided and removed, and where it came from. Loads no frames."""

from __future__ import annotations

from ljwx.warehouse.evaluations import EvaluationsVerbs
from ljwx.warehouse.history import HistoryVerbs
from ljwx.warehouse.lineage import LineageVerbs
from ljwx.warehouse.models import ModelsVerbs
from ljwx.warehouse.reports import ReportsVerbs
from ljwx.warehouse.retention import RetentionVerbs


class Ledger(ModelsVerbs, EvaluationsVerbs, RetentionVerbs, LineageVerbs, HistoryVerbs, ReportsVerbs):
    """The part of the warehouse that a command can read quickly: records, and no frame."""
