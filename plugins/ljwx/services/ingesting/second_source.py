"""A second source that watches the first: what differs is counted, and refused where the settings say so."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import date

import polars as pl

from ljwx.core.bars import Checked, assemble
from ljwx.core.bars.comparing import COMPARISONS, Compared, compare, without_differing
from ljwx.exceptions import ConfigurationError, SourceError
from ljwx.hooks.market import market_source
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.settings import current_settings
from ljwx.sources.base import MarketSource
from ljwx.warehouse.market.sources import WarehouseKeeper, WarehouseLimiter

log = logging.getLogger(__name__)

COMPARED, DIFFERING = "compared", "differing_"
"""What a run records: bars that both sources have, and how many of them differ in what."""
NAMED = 10
"""How many bars a message names."""


class SecondSource:
    """Holds checked bars against another source's; its trouble stops no ingest.

    :param source: None where the settings name none.
    """

    def __init__(self, source: MarketSource | None = None, refused: Sequence[str] = ()) -> None:
        self.counts: Counter[str] = Counter()
        self._source = source
        self._refused = refused

    @classmethod
    def of_settings(cls, warehouse: WarehouseHook) -> SecondSource:
        """Return the one that `ingest.second_source` names.

        :raises ConfigurationError: its connection is not there, or wrong.
        """
        settings = current_settings().ingest
        if settings.second_source is None:
            return cls()
        source = market_source(WarehouseLimiter(warehouse, settings.second_source), conn_id=settings.second_source)
        source.keep_answers(WarehouseKeeper(warehouse))
        return cls(source, settings.quarantine_differing)

    def watch(self, sessions: Sequence[date], checked: Checked) -> Checked:
        """Count what differs, and return the bars without those that are refused."""
        if self._source is None:
            return checked
        try:
            factors = self._source.factors(sessions)
            there = assemble(self._source.bars(sessions), None if factors is None else factors.usable, None)
        except (SourceError, ConfigurationError) as error:
            log.warning("the second source cannot be asked, and watches nothing for now: %s", error)
            return checked
        compared = compare(checked.bars, there)
        self.counts[COMPARED] += compared.rows
        for name in COMPARISONS:
            self.counts[f"{DIFFERING}{name}"] += compared.count(name)
        _tell(compared)
        return without_differing(checked, compared, self._refused)


def _tell(compared: Compared) -> None:
    if compared.differing.is_empty():
        return
    some = compared.differing.head(NAMED).select("session", "ts_code", pl.col("reasons").list.join(", ")).iter_rows()
    log.warning(
        "%d of %d bars differ from the second source's: %s", compared.differing.height, compared.rows,
        "; ".join(f"{code} {session} {what}" for session, code, what in some),
    )  # fmt: skip
