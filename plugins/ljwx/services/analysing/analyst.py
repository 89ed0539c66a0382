"""The analysis of a stock as of a session: the champion's answers to all questions, composed into one report."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from ljwx.core.analysis.analysis import Analysis, Basis, Fared, Judgement, Measures, Source
from ljwx.core.analysis.messages import Request, read_message
from ljwx.core.analysis.overviews.market_day import MarketDay
from ljwx.core.analysis.refusals import Refusal
from ljwx.core.analysis.stocks import Directory
from ljwx.core.datasets.spec import MARKET_STOCKS
from ljwx.core.tasks import TASKS
from ljwx.exceptions import NotFound
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.schedule import SHANGHAI
from ljwx.services.analysing.changes import Changes, Fresh, Look
from ljwx.services.analysing.fared import TrackRecords
from ljwx.services.analysing.keeping import Kept
from ljwx.services.analysing.market import MarketDays
from ljwx.services.analysing.recorded import Said, recorded
from ljwx.services.analysing.stocks import directory
from ljwx.services.analysing.turns import Turns
from ljwx.services.ask import ask_about
from ljwx.services.asking.full import Texts
from ljwx.services.asking.stock import AskedStock, Champion, Market, asked_session, current_champion
from ljwx.strategies import describe

CODE = re.compile(r"\d{6}\.[A-Z]{2}", re.ASCII)
"""Of a stock, in full."""
NAMED: Final = ("instruments", "names")
SESSIONS: Final = ("bars", "ingest_days", "complete_days", "feature_marks", "retention_events")
MARKET: Final = (
    *SESSIONS, *NAMED, "features", "index_members", "index_bars", "valuations", "money_flows", "fundamentals",
    "sessions", "suspensions", "datasets",
)  # fmt: skip
"""Tables of the directory, of which session is the newest, and of the market as of it."""
MOST_ANSWERS, ANSWER_SECONDS = 20_000, 86_400.0


@dataclass(frozen=True)
class _Context:
    """When one asks, and of what a model knows; fields as of `Analysis` and `Basis`."""

    asked_day: date | None
    days_old: int | None
    made_until: date | None


class Analyst:
    """Analyses stocks. One that is kept remembers what it has read until that changes, and what was said.

    An answer comes from the forward record where it has one, else from memory, else from the model server.

    :param asking: analyses for which the model server is asked at a time; None: as many as there are.
    :param queue_seconds: others wait so long at most for their turn.
    """

    def __init__(self, *, asking: int | None = None, queue_seconds: float = 0.0) -> None:
        self.warehouse, self._ollama = WarehouseHook(), OllamaHook()
        self.changes = Changes(self.warehouse)
        self._records, self._days = TrackRecords(self.warehouse), MarketDays(self.warehouse)
        self._turns = None if asking is None else Turns(asking, queue_seconds)
        self._directory: Fresh[None, Directory] = Fresh(1)
        self._markets: Fresh[tuple[str, date], Market] = Fresh(2)
        self._sessions: Fresh[date | None, date] = Fresh(64)
        self._said: Kept[tuple[str, str, str], Said] = Kept(MOST_ANSWERS, ANSWER_SECONDS)
        self._texts = Texts()

    def directory(self) -> Directory:
        """Return the stocks that are known."""
        return self._directory.read(None, self.changes.look().version(NAMED), lambda: directory(self.warehouse))

    def analyse(self, codes: Sequence[str], day: date | None, tasks: Sequence[str] = ()) -> list[Analysis]:
        """Analyse stocks as of the last complete session, or of one on or before `day`.

        :param tasks: the questions to ask; empty for all.
        :raises NotFound: no champion, no such stock, no complete session, or no snapshot of a stock on it; says why.
        :raises ModelMissing: the champion is not on the server any more, or its name stands for another model.
        :raises Busy: the model server is asked for as many analyses as may be.
        """
        look = self.changes.look()
        champion = current_champion(self.warehouse)
        session, market = self._market(champion, self._until(day), look)
        stocks = [market.stock(code) for code in codes]
        rates = self.warehouse.class_rates(champion.model.dataset_id)
        asked = tasks or [task for task in TASKS if task in champion.spec.tasks]
        said, fared = self._answers(champion, stocks, asked), self._records.of(champion, look)
        context = self._context(champion, day, session)
        return [
            _analysis(
                champion,
                stock,
                context,
                tuple(_judged(task, said[stock, task], rates.get(task), fared.get(task)) for task in asked),
            )
            for stock in stocks
        ]

    def _context(self, champion: Champion, day: date | None, session: date) -> _Context:
        takes_data = champion.model.strategy != "prompt"
        until = self.warehouse.last_session_of(champion.model.dataset_id) if takes_data else None
        return _Context(day, None if day is not None else (today() - session).days, until)

    def market_day(self, day: date | None) -> MarketDay:
        """Return what the last complete session was like for all stocks, or the one on or before `day`.

        :raises NotFound: there is none; says why.
        """
        return self._days.of(day, self._until(day), self.changes.look())

    def _until(self, day: date | None) -> date | None:
        """The day that is looked up: none for today, whose session may not be complete yet."""
        return None if day == today() else day

    def _market(self, champion: Champion, until: date | None, look: Look) -> tuple[date, Market]:
        """The session and the market as of it: looking for the one and reading the other may take seconds."""
        session = self._sessions.read(until, look.version(SESSIONS), lambda: asked_session(self.warehouse, until))
        key = (champion.alias.model, session)
        market = self._markets.read(key, look.version(MARKET), lambda: Market(self.warehouse, champion, session))
        return session, market

    def _answers(
        self, champion: Champion, stocks: Sequence[AskedStock], tasks: Sequence[str]
    ) -> dict[tuple[AskedStock, str], Said]:
        """The answers to all questions; those that nobody has given yet are asked for, within the limit."""
        known = {(stock, task): said for stock in stocks for task, said in self._known(champion, stock, tasks).items()}
        left = [(stock, task) for stock in stocks for task in tasks if (stock, task) not in known]
        if not left:
            return known
        with self._turns.take() if self._turns is not None else nullcontext():
            for stock, task in left:
                said = Said(ask_about(self._ollama, champion, stock, task, self._texts).answer, Source("asked"))
                known[stock, task] = self._said.put((champion.alias.digest, task, stock.snapshot), said)
        return known

    def _known(self, champion: Champion, stock: AskedStock, tasks: Sequence[str]) -> dict[str, Said]:
        """Answers that were given before; the same question to the same model has the same one."""
        kept = {task: self._said.get((champion.alias.digest, task, stock.snapshot)) for task in tasks}
        before = {task: said for task, said in kept.items() if said is not None}
        return before | recorded(self.warehouse, champion, stock, tasks)


def _judged(task: str, said: Said, rates: Mapping[str, float] | None, fared: Fared | None) -> Judgement:
    answer = said.answer
    return Judgement(task, answer.label, answer.parsed, answer.probabilities, rates, answer.reason, said.source, fared)


def _analysis(champion: Champion, stock: AskedStock, context: _Context, judgements: tuple[Judgement, ...]) -> Analysis:
    facts, model, spec = json.loads(stock.snapshot), champion.model, champion.spec
    made = describe(model.strategy)
    basis = Basis(
        model=champion.alias.model,
        digest=champion.alias.digest,
        strategy=model.strategy,
        made={"zh": made.chinese, "en": made.english},
        recipe=model.spec_sha256,
        dataset_id=model.dataset_id,
        proven=champion.alias.proven,
        failing=champion.alias.failing,
        in_universe=stock.in_universe,
        market_stocks=stock.market_stocks,
        is_small_market=stock.market_stocks < MARKET_STOCKS,
        made_until=context.made_until,
    )
    measures = Measures(spec.horizon, spec.buy_excess, spec.sell_excess, spec.flat_band)
    asked = context.asked_day
    return Analysis(stock.ts_code, stock.session, asked, facts, judgements, measures, basis, context.days_old)


def today() -> date:
    """Return the day in Shanghai."""
    return datetime.now(SHANGHAI).date()


def read(message: str, known: Directory) -> Request | Refusal:
    """Read a message of today."""
    return read_message(message, known, today())


def code_of(words: str) -> str:
    """Return the code of the stock that a code, a name or its pinyin means; a code is not looked up.

    :raises NotFound: none is meant, or several are.
    """
    code = words.strip().upper()
    return code if CODE.fullmatch(code) else one_stock(words, directory(WarehouseHook()))


def one_stock(words: str, known: Directory) -> str:
    """Return the code of the known stock that a code, a name or its pinyin means.

    :raises NotFound: none is meant, or several are.
    """
    found = read(words, known)
    if isinstance(found, Refusal):
        raise NotFound(found.text, found.text, found.kind)
    if len(found.stocks) != 1 or found.day is not None or found.unread:
        raise NotFound(f"{words!r} is not the name of one stock", f"「{words}」不是一只股票的名称", "several")
    return found.stocks[0].ts_code
