"""The warehouse: every read and write of the domain, one module a noun."""

from __future__ import annotations

from ljwx.warehouse.as_of import AsOfVerbs
from ljwx.warehouse.bars import BarsVerbs
from ljwx.warehouse.features import FeaturesVerbs
from ljwx.warehouse.incidents import IncidentsVerbs
from ljwx.warehouse.ledger import Ledger
from ljwx.warehouse.samples import SamplesVerbs


class Warehouse(BarsVerbs, FeaturesVerbs, AsOfVerbs, SamplesVerbs, Ledger, IncidentsVerbs):
    """The schema `ljwx` of a PostgreSQL database.

    :param connect: opens a psycopg connection to it.
    """
