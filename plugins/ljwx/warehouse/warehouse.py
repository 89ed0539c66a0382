"""The warehouse: every read and write of the domain, one module a noun."""

from __future__ import annotations

from ljwx.warehouse.class_answers import ClassAnswersVerbs
from ljwx.warehouse.datasets import DatasetsVerbs
from ljwx.warehouse.evaluations import EvaluationsVerbs
from ljwx.warehouse.forward_outcomes import ForwardOutcomesVerbs
from ljwx.warehouse.history import HistoryVerbs
from ljwx.warehouse.lineage import LineageVerbs
from ljwx.warehouse.lines import LinesVerbs
from ljwx.warehouse.market.coverage import CoverageVerbs
from ljwx.warehouse.market.vintages import VintagesVerbs
from ljwx.warehouse.models import ModelsVerbs
from ljwx.warehouse.promotions import PromotionsVerbs
from ljwx.warehouse.retention import RetentionVerbs
from ljwx.warehouse.runs import RunsVerbs
from ljwx.warehouse.served.changes import ChangesVerbs
from ljwx.warehouse.served.tokens import TokensVerbs
from ljwx.warehouse.served.watchlists import WatchlistsVerbs
from ljwx.warehouse.trainings import TrainingsVerbs
from ljwx.warehouse.watch import WatchVerbs


class Warehouse(
    RunsVerbs,
    VintagesVerbs,
    CoverageVerbs,
    DatasetsVerbs,
    ModelsVerbs,
    EvaluationsVerbs,
    ClassAnswersVerbs,
    RetentionVerbs,
    PromotionsVerbs,
    LineageVerbs,
    HistoryVerbs,
    LinesVerbs,
    TrainingsVerbs,
    TokensVerbs,
    ForwardOutcomesVerbs,
    WatchVerbs,
    WatchlistsVerbs,
    ChangesVerbs,
):
    """The schema `ljwx` of a PostgreSQL database.

    :param connect: opens a psycopg connection to it.
    """
