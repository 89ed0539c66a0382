"""The warehouse: every read and write of the domain, one module per stage."""

from __future__ import annotations

from ljwx.warehouse.as_of import AsOfVerbs
from ljwx.warehouse.bars import BarsVerbs
from ljwx.warehouse.features import FeaturesVerbs
from ljwx.warehouse.incidents import IncidentsVerbs
from ljwx.warehouse.lineage import LineageVerbs
from ljwx.warehouse.models import ModelsVerbs
from ljwx.warehouse.promotions import PromotionsVerbs
from ljwx.warehouse.reports import ReportsVerbs
from ljwx.warehouse.retention import RetentionVerbs
from ljwx.warehouse.samples import SamplesVerbs


class WarehouseHook(
    BarsVerbs,
    FeaturesVerbs,
    AsOfVerbs,
    SamplesVerbs,
    ModelsVerbs,
    PromotionsVerbs,
    RetentionVerbs,
    LineageVerbs,
    IncidentsVerbs,
    ReportsVerbs,
):
    """The schema `ljwx` behind the connection `ljwx_postgres`."""
