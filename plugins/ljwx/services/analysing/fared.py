"""What the champion's calls of each kind were worth, kept until the record is changed, as it is once a night."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ljwx.core.analysis.analysis import Fared
from ljwx.core.forward.calls import calls
from ljwx.core.forward.scores import RIVALS
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.analysing.changes import Fresh, Look
from ljwx.services.asking.stock import Champion

SETTLED: Final = ("forward_batches", "forward_outcomes", "forward_settled", "sessions", "ingest_days", "datasets")
"""Tables of it; of what was answered nothing counts before it is settled."""


class TrackRecords:
    """Works out what a model's calls were worth, once for all who ask; shared by threads."""

    def __init__(self, warehouse: WarehouseHook) -> None:
        self._warehouse = warehouse
        self._kept: Fresh[tuple[str, str], Mapping[str, Fared]] = Fresh(2)

    def of(self, champion: Champion, look: Look) -> Mapping[str, Fared]:
        """Return by task what a champion's calls were worth; a task of which none is settled is not there."""
        key = champion.alias.model, champion.alias.digest
        return self._kept.read(key, look.version(SETTLED), lambda: self._read(champion))

    def _read(self, champion: Champion) -> Mapping[str, Fared]:
        """Read the record from where the model's data end: it has answered about nothing before."""
        model, digest = champion.alias.model, champion.alias.digest
        made_until = self._warehouse.last_session_of(champion.model.dataset_id)
        batches = [each.session for each in self._warehouse.forward_batches() if each.session >= made_until]
        complete = self._warehouse.complete_sessions()
        if not batches or not complete:
            return {}
        settled = self._warehouse.settled_record(batches[0], names=(model, RIVALS[0]))
        days = self._warehouse.trading_days(batches[0], max(complete[-1], batches[-1]))
        return {} if settled.is_empty() else calls(settled, days, model, digest)
