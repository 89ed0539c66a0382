"""One question of a person to the champion: the snapshot of a stock, the answer, and what of it holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from ljwx.core.claims.check import Checked, check
from ljwx.core.datasets.members import with_membership
from ljwx.core.datasets.spec import MARKET_STOCKS, RISK_STATEMENT, IndexUniverse, SampleSpec, load_spec
from ljwx.core.features import ASKED_ALIKE, FEATURE_VERSION, feature_names
from ljwx.core.snapshots.snapshot import snapshots
from ljwx.core.standing import Standing, standing
from ljwx.core.tasks import TASKS
from ljwx.core.tasks.forms import CITED
from ljwx.core.tasks.spoken import Spoken, spoken
from ljwx.exceptions import NotFound
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.candidates import check_digest
from ljwx.services.asking.full import Prompted, ask
from ljwx.settings import current_settings
from ljwx.strategies import describe
from ljwx.warehouse.evaluations import ModelAnswer

LOOK_BACK = 80
"""Sessions read before the one that is asked about: the facts of a snapshot reach back 21 bars of the stock's own."""


@dataclass(frozen=True)
class StockAnswer:
    """What was asked, and what came back.

    :param proven: whether it was shown that the model is any good; None where nobody asked.
    :param market_stocks: stocks with a bar on the session: those that the snapshot's ranks are among.
    :param in_universe: whether the model's samples are of such a stock at such a session.
    :param snapshot: the facts the model was given.
    :param unsupported: claims of the answer that its snapshot does not hold.
    :param spoken: the answer in sentences, with the snapshot's own numbers; None of an invalid one.
    :param unchecked: words of the answer that are neither a number, a signal nor a known phrase.
    """

    model: str
    digest: str
    strategy: str
    session: date
    task: str
    in_universe: bool
    market_stocks: int
    snapshot: dict[str, Any]
    answer: ModelAnswer
    unsupported: tuple[str, ...]
    unchecked: tuple[str, ...] = ()
    proven: bool | None = None
    spoken: Spoken | None = None
    risk_statement: str = RISK_STATEMENT

    @property
    def cites_facts(self) -> bool:
        """Whether the answer cites facts by key, so that its sentences are ours and hold the snapshot's numbers."""
        return CITED in (self.answer.parsed or {})

    @property
    def is_small_market(self) -> bool:
        """Whether the ranks are among so few stocks that they are not the market's."""
        return self.market_stocks < MARKET_STOCKS

    @property
    def standing(self) -> Standing:
        """What `proven` means."""
        return standing(self.proven)

    @property
    def strategy_line(self) -> str:
        """What the model's strategy did to its base, in one line."""
        return describe(self.strategy).line


def ask_champion(ts_code: str, day: date | None, task: str) -> StockAnswer:
    """Ask the champion about a stock as of the last complete session, or of one on or before `day`.

    Sessions whose bars are newer than their features are left out: the snapshot would be of no one moment.

    :raises NotFound: no champion, no such stock, no complete session, or no snapshot of the stock on it; says why.
    :raises ModelMissing: the champion is not on the server any more, or its name stands for another model.
    :raises ConfigurationError: the champion was made from features of a version that is not computed any more.
    """

    settings, warehouse, ollama = current_settings(), WarehouseHook(), OllamaHook()
    champion = warehouse.champion()
    if champion is None:
        raise NotFound("there is no champion yet; run ljwx_model_build")
    model, sample_spec = warehouse.model(champion.model), warehouse.sample_spec_of(champion.model)
    if model is None or sample_spec is None:
        raise NotFound(f"the champion {champion.model} is not in the warehouse; run ljwx_model_build")
    spec = _spec_of_today(sample_spec)
    session = _session(warehouse, day)
    with_industries = warehouse.tells_industries(model.dataset_id)
    snapshot, market_stocks = _snapshot(warehouse, spec, ts_code, session, with_industries)
    check_digest(ollama, champion.model, champion.digest)
    answer = ask(ollama, champion.model, Prompted("", task, snapshot, spec.prompt_version), settings)
    checked = Checked() if answer.parsed is None else check(answer.parsed, snapshot)
    facts = json.loads(snapshot)
    return StockAnswer(
        model=champion.model,
        digest=champion.digest,
        strategy=model.strategy,
        session=session,
        task=task,
        in_universe=_in_universe(warehouse, spec, ts_code, session),
        market_stocks=market_stocks,
        snapshot=facts,
        answer=answer,
        unsupported=checked.unsupported,
        unchecked=checked.unchecked,
        proven=champion.proven,
        spoken=None if answer.parsed is None else spoken(TASKS[task], answer.parsed, facts),
    )


def _spec_of_today(sample_spec: Mapping[str, Any]) -> SampleSpec:
    """The spec that a model's samples were made by, with the features that are computed now where they are alike."""
    alike = sample_spec.get("feature_version") in ASKED_ALIKE
    return load_spec({**sample_spec, **({"feature_version": FEATURE_VERSION} if alike else {})})


def _in_universe(warehouse: WarehouseHook, spec: SampleSpec, ts_code: str, session: date) -> bool:

    codes = warehouse.codes()
    if spec.universe is None:
        return True
    if not isinstance(spec.universe, IndexUniverse):
        return ts_code in codes.all_of(spec.universe)
    members = codes.as_stocks(warehouse.members_as_of(spec.universe.index, warehouse.moment()))
    asked = pl.DataFrame({"ts_code": [codes.stock_of(ts_code)], "session": [session]})
    return bool(with_membership(asked, members).item(0, "member"))


def _session(warehouse: WarehouseHook, day: date | None) -> date:
    """Return the last complete session whose features are computed, on or before `day` where that is given."""

    sessions = warehouse.complete_sessions()
    if not sessions:
        raise NotFound("no complete session in the warehouse yet; run ljwx_daily_ingest")
    if day is not None and day > sessions[-1]:
        raise NotFound(f"nothing is known of {day} yet; the last complete session is {sessions[-1]}")
    if day is not None and day < sessions[0]:
        raise NotFound(f"the warehouse begins with {sessions[0]}; nothing is known of {day}")
    stale = warehouse.stale_from(FEATURE_VERSION)
    if stale is not None and (stale == sessions[0] or (day is not None and day >= stale)):
        raise NotFound(f"bars from {stale} on wait for their features; let compute_features of ljwx_daily_ingest run")
    return max(session for session in sessions if session <= (day or sessions[-1]) and session < (stale or date.max))


def _snapshot(
    warehouse: WarehouseHook, spec: SampleSpec, ts_code: str, session: date, with_industries: bool
) -> tuple[str, int]:
    """Return the snapshot of a stock, and how many stocks its ranks are among: the whole market is read.

    :param with_industries: whether the model was trained on snapshots with industries; else this one has none.
    """

    instruments = warehouse.instruments()
    if instruments.filter(ts_code=ts_code).is_empty():
        raise NotFound(f"no stock {ts_code!r} is known; codes look like 000001.SZ or 600000.SH")
    first = warehouse.complete_sessions(last=session)[-LOOK_BACK:][0]
    bars = warehouse.bars(first, session)
    features = warehouse.features(feature_names(), FEATURE_VERSION, first, session)
    industries = warehouse.industries_as_of(warehouse.moment()) if with_industries else None
    codes = warehouse.codes()
    found = snapshots(bars, features, spec, warehouse.names(), industries, codes)
    mine = found.filter(ts_code=ts_code, session=session)
    if mine.is_empty():
        raise NotFound(_why_no_bar(warehouse, bars, instruments, ts_code, session))
    snapshot = mine.item(0, "snapshot")
    if snapshot is None:
        raise NotFound(f"{ts_code} has too few unbroken sessions up to {session} for its indicators")
    return str(snapshot), len(found.filter(session=session))


def _why_no_bar(
    warehouse: WarehouseHook, bars: pl.DataFrame, instruments: pl.DataFrame, ts_code: str, session: date
) -> str:
    """Say why a known stock has no bar on a complete session."""
    stock = instruments.filter(ts_code=ts_code)
    listed, delisted, newer = (stock.item(0, name) for name in ("list_date", "delist_date", "renamed_to"))
    if newer and (delisted is None or delisted <= session):
        since = f" since {delisted}" if delisted else ""
        return f"{ts_code} is {newer}{since}; ask about that, or about an earlier day"
    if delisted and delisted <= session:
        what = "delisted on" if stock.item(0, "end_reason") is None else "listed no more from"
        return f"{ts_code} was {what} {delisted}; ask about an earlier day"
    if listed and listed > session:
        return f"{ts_code} was listed on {listed}, after {session}"
    traded = bars.filter(ts_code=ts_code).get_column("session").sort().to_list()
    seen = f"its last bar is of {traded[-1]}" if traded else f"it had no bar in {LOOK_BACK} sessions"
    why = warehouse.missing_bar(ts_code, session)
    if why.suspended:
        return f"{ts_code} did not trade on {session}, it was suspended; {seen}"
    if why.refused:
        return f"the row of {ts_code} on {session} is in ljwx.quarantine ({', '.join(why.refused)}); {seen}"
    return f"no bar of {ts_code} is stored on {session}; {seen}"
