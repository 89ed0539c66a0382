"""What the champion's calls of each kind were worth, kept for a while: the record changes once a night."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final

from ljwx.core.analysis.analysis import Fared
from ljwx.core.forward.calls import calls
from ljwx.core.forward.scores import RIVALS
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.analysing.keeping import Kept
from ljwx.services.asking.stock import Champion

KEPT_SECONDS: Final = 600.0


class TrackRecords:
    """Works out what a model's calls were worth, once for all who ask; shared by threads."""

    def __init__(self, warehouse: WarehouseHook, seconds: float = KEPT_SECONDS) -> None:
        self._warehouse = warehouse
        self._kept: Kept[tuple[str, str], Mapping[str, Fared]] = Kept(2, seconds)
        self._working = threading.Lock()

    def of(self, champion: Champion) -> Mapping[str, Fared]:
        """Return by task what a champion's calls were worth; a task of which none is settled is not there."""
        key = champion.alias.model, champion.alias.digest
        with self._working:
            found = self._kept.get(key)
            return self._kept.put(key, self._read(champion)) if found is None else found

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
