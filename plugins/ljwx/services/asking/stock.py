"""What a question about a stock rests on: the champion, the session, and the snapshot of the stock on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from ljwx.core.datasets.members import with_membership
from ljwx.core.datasets.spec import IndexUniverse, SampleSpec, spec_of_today
from ljwx.core.features import FEATURE_VERSION, feature_names
from ljwx.core.snapshots.snapshot import snapshots
from ljwx.exceptions import NotFound
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.absent import no_bar, no_session, no_stock, too_few_sessions
from ljwx.warehouse.models import Model
from ljwx.warehouse.promotions import Alias

LOOK_BACK = 80
"""Sessions read before the one that is asked about: the facts of a snapshot reach back 21 bars of the stock's own."""


@dataclass(frozen=True)
class Champion:
    """The model that is asked, and what it was made from.

    :param spec: of its samples, with the features that are computed now where they are alike.
    """

    alias: Alias
    model: Model
    spec: SampleSpec


@dataclass(frozen=True)
class AskedStock:
    """A stock as of a session.

    :param snapshot: JSON text.
    :param market_stocks: stocks with a bar on the session: those that the snapshot's ranks are among.
    :param in_universe: whether the model's samples are of such a stock at such a session.
    """

    ts_code: str
    session: date
    snapshot: str
    market_stocks: int
    in_universe: bool


def current_champion(warehouse: WarehouseHook) -> Champion:
    """Return the champion.

    :raises NotFound: there is none.
    :raises ConfigurationError: it was made from features of a version that is not computed any more.
    """
    champion = warehouse.champion()
    if champion is None:
        raise NotFound(
            "there is no champion yet; run ljwx_model_build",
            "还没有冠军模型;请先运行 ljwx_model_build",
            "no_champion",
        )
    model, sample_spec = warehouse.model(champion.model), warehouse.sample_spec_of(champion.model)
    if model is None or sample_spec is None:
        raise NotFound(
            f"the champion {champion.model} is not in the warehouse; run ljwx_model_build",
            f"冠军模型 {champion.model} 不在数据仓库中;请运行 ljwx_model_build",
            "no_champion",
        )
    return Champion(champion, model, spec_of_today(sample_spec))


def asked_session(warehouse: WarehouseHook, day: date | None) -> date:
    """Return the last complete session whose features are computed, on or before `day` where that is given.

    Sessions whose bars are newer than their features are left out: a snapshot of one would be of no one moment.

    :raises NotFound: there is none; says why.
    """
    sessions = warehouse.complete_sessions()
    stale = warehouse.stale_from(FEATURE_VERSION) if sessions else None
    why = no_session(day, sessions, stale)
    if why is not None:
        raise why
    return max(session for session in sessions if session <= (day or sessions[-1]) and session < (stale or date.max))


class Market:
    """The snapshots of all stocks as of one session, as a champion was taught to read them.

    The whole market is read once, since a snapshot's ranks are among all stocks.
    """

    def __init__(self, warehouse: WarehouseHook, champion: Champion, session: date) -> None:
        self.session = session
        self._warehouse, self._spec = warehouse, champion.spec
        first = warehouse.complete_sessions(last=session)[-LOOK_BACK:][0]
        self._bars = warehouse.bars(first, session)
        features = warehouse.features(feature_names(), FEATURE_VERSION, first, session)
        with_industries = warehouse.tells_industries(champion.model.dataset_id)
        industries = warehouse.industries_as_of(warehouse.moment()) if with_industries else None
        self._codes, self._instruments = warehouse.codes(), warehouse.instruments()
        features = warehouse.with_facts(features, champion.spec.groups, industries, self._codes)
        found = snapshots(self._bars, features, champion.spec, warehouse.names(), industries, self._codes)
        self._snapshots = found.filter(session=session).select("ts_code", "snapshot")

    def stock(self, ts_code: str) -> AskedStock:
        """Return a stock with its snapshot.

        :raises NotFound: no such stock, or no snapshot of it; says why.
        """
        if self._instruments.filter(ts_code=ts_code).is_empty():
            raise no_stock(ts_code)
        mine = self._snapshots.filter(ts_code=ts_code)
        if mine.is_empty():
            raise no_bar(self._warehouse, self._bars, self._instruments, ts_code, self.session, LOOK_BACK)
        snapshot = mine.item(0, "snapshot")
        if snapshot is None:
            raise too_few_sessions(ts_code, self.session)
        return AskedStock(ts_code, self.session, str(snapshot), len(self._snapshots), self._in_universe(ts_code))

    def _in_universe(self, ts_code: str) -> bool:
        universe = self._spec.universe
        if universe is None:
            return True
        if not isinstance(universe, IndexUniverse):
            return ts_code in self._codes.all_of(universe)
        members = self._codes.as_stocks(self._warehouse.members_as_of(universe.index, self._warehouse.moment()))
        asked = pl.DataFrame({"ts_code": [self._codes.stock_of(ts_code)], "session": [self.session]})
        return bool(with_membership(asked, members).item(0, "member"))
