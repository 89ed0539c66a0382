"""The warehouse: every read and write of the domain, one module per stage."""

from __future__ import annotations

from ljwx.hooks.warehouse.bars import BarsVerbs
from ljwx.hooks.warehouse.base import RunRef
from ljwx.hooks.warehouse.features import FeaturesVerbs
from ljwx.hooks.warehouse.incidents import IncidentsVerbs
from ljwx.hooks.warehouse.known import KnownVerbs
from ljwx.hooks.warehouse.lineage import LineageVerbs
from ljwx.hooks.warehouse.models import ModelsVerbs
from ljwx.hooks.warehouse.promotions import PromotionsVerbs
from ljwx.hooks.warehouse.reports import ReportsVerbs
from ljwx.hooks.warehouse.retention import RetentionVerbs
from ljwx.hooks.warehouse.samples import SamplesVerbs

__all__ = ["RunRef", "WarehouseHook"]


class WarehouseHook(
    BarsVerbs,
    FeaturesVerbs,
    KnownVerbs,
    SamplesVerbs,
    ModelsVerbs,
    PromotionsVerbs,
    RetentionVerbs,
    LineageVerbs,
    IncidentsVerbs,
    ReportsVerbs,
):
    """The schema `ljwx` behind the connection `ljwx_postgres`."""
