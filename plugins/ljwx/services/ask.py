"""One question of a person to the champion: the snapshot of a stock, the answer, and what of it holds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from ljwx.core.claims.check import Checked, check
from ljwx.core.datasets.spec import MARKET_STOCKS, RISK_STATEMENT
from ljwx.core.standing import Standing, standing
from ljwx.core.tasks import TASKS
from ljwx.core.tasks.forms import CITED
from ljwx.core.tasks.spoken import Spoken, spoken
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.candidates import check_digest
from ljwx.services.asking.full import Prompted, Texts, ask
from ljwx.services.asking.stock import AskedStock, Champion, Market, asked_session, current_champion
from ljwx.settings import current_settings
from ljwx.strategies import describe
from ljwx.warehouse.evaluations import ModelAnswer


@dataclass(frozen=True)
class StockAnswer:
    """What was asked, and what came back.

    :param proven: whether it was shown that the model is any good; None where nobody asked.
    :param failing: what the watch over the forward record marks it for; None where it does not.
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
    failing: str | None = None
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
        return standing(self.proven, self.failing)

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
    warehouse, ollama = WarehouseHook(), OllamaHook()
    champion = current_champion(warehouse)
    stock = Market(warehouse, champion, asked_session(warehouse, day)).stock(ts_code)
    return ask_about(ollama, champion, stock, task)


def ask_about(
    ollama: OllamaHook, champion: Champion, stock: AskedStock, task: str, texts: Texts | None = None
) -> StockAnswer:
    """Put one question about a stock to the champion, and hold its answer against the snapshot.

    :param texts: of the questions, for who asks many; None for one alone.
    :raises ModelMissing: the champion is not on the server any more, or its name stands for another model.
    """
    alias = champion.alias
    check_digest(ollama, alias.model, alias.digest)
    asked = Prompted("", task, stock.snapshot, champion.spec.prompt_version)
    answer = ask(ollama, alias.model, asked, current_settings(), texts=texts)
    checked = Checked() if answer.parsed is None else check(answer.parsed, stock.snapshot)
    facts = json.loads(stock.snapshot)
    return StockAnswer(
        model=alias.model,
        digest=alias.digest,
        strategy=champion.model.strategy,
        session=stock.session,
        task=task,
        in_universe=stock.in_universe,
        market_stocks=stock.market_stocks,
        snapshot=facts,
        answer=answer,
        unsupported=checked.unsupported,
        unchecked=checked.unchecked,
        proven=alias.proven,
        failing=alias.failing,
        spoken=None if answer.parsed is None else spoken(TASKS[task], answer.parsed, facts),
    )
