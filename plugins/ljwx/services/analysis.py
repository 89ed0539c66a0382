"""The analysis of a stock as of a session: the champion's answers to all questions, composed into one report."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from ljwx.core.analysis.analysis import Analysis, Basis, Judgement, Measures
from ljwx.core.analysis.messages import Request, read_message
from ljwx.core.analysis.refusals import Refusal
from ljwx.core.analysis.stocks import Directory
from ljwx.core.datasets.spec import MARKET_STOCKS
from ljwx.core.tasks import TASKS
from ljwx.exceptions import NotFound
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.schedule import SHANGHAI
from ljwx.services.ask import ask_about
from ljwx.services.asking.stock import AskedStock, Champion, Market, asked_session, current_champion
from ljwx.services.stocks import directory
from ljwx.strategies import describe
from ljwx.warehouse.evaluations import ModelAnswer

CODE = re.compile(r"\d{6}\.[A-Z]{2}", re.ASCII)
"""Of a stock, in full."""


class Given(Protocol):
    """Where an answer of a champion comes from: asked now, or kept from before."""

    def answer(self, champion: Champion, stock: AskedStock, task: str) -> ModelAnswer | None:
        """Return the answer to a question; None where it has none."""


class AskedNow:
    """Answers of the model server."""

    def __init__(self, ollama: OllamaHook) -> None:
        self._ollama = ollama

    def answer(self, champion: Champion, stock: AskedStock, task: str) -> ModelAnswer:
        """Ask the champion.

        :raises ModelMissing: it is not on the server any more, or its name stands for another model.
        """
        return ask_about(self._ollama, champion, stock, task).answer


class Analyst:
    """Analyses stocks.

    :param given: where answers come from, the first that has one; the model server is asked last.
    """

    def __init__(self, *given: Given) -> None:
        self.warehouse = WarehouseHook()
        self._given = (*given, AskedNow(OllamaHook()))

    def directory(self) -> Directory:
        """Return the stocks that are known."""
        return directory(self.warehouse)

    def analyse(self, codes: Sequence[str], day: date | None, tasks: Sequence[str] = ()) -> list[Analysis]:
        """Analyse stocks as of the last complete session, or of one on or before `day`.

        :param tasks: the questions to ask; empty for all.
        :raises NotFound: no champion, no such stock, no complete session, or no snapshot of a stock on it; says why.
        :raises ModelMissing: the champion is not on the server any more, or its name stands for another model.
        """
        champion = current_champion(self.warehouse)
        session = asked_session(self.warehouse, self._until(day))
        market = Market(self.warehouse, champion, session)
        stocks = [market.stock(code) for code in codes]
        rates = self.warehouse.class_rates(champion.model.dataset_id)
        asked = tasks or [task for task in TASKS if task in champion.spec.tasks]
        return [
            _analysis(
                champion, stock, day, tuple(self._judge(champion, stock, task, rates.get(task)) for task in asked)
            )
            for stock in stocks
        ]

    def _until(self, day: date | None) -> date | None:
        """The day that is looked up: none for today, whose session may not be complete yet."""
        return None if day == today() else day

    def _judge(self, champion: Champion, stock: AskedStock, task: str, rates: Mapping[str, float] | None) -> Judgement:
        answers = (given.answer(champion, stock, task) for given in self._given)
        answer = next(each for each in answers if each is not None)
        return Judgement(task, answer.label, answer.parsed, answer.probabilities, rates, answer.reason)


def _analysis(champion: Champion, stock: AskedStock, day: date | None, judgements: tuple[Judgement, ...]) -> Analysis:
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
        in_universe=stock.in_universe,
        market_stocks=stock.market_stocks,
        is_small_market=stock.market_stocks < MARKET_STOCKS,
    )
    measures = Measures(spec.horizon, spec.buy_excess, spec.sell_excess, spec.flat_band)
    name = str(facts["name"])
    return Analysis(stock.ts_code, name, stock.session, day, facts, judgements, measures, basis)


def today() -> date:
    """Return the day in Shanghai."""
    return datetime.now(SHANGHAI).date()


def read(message: str, known: Directory) -> Request | Refusal:
    """Read a message of today."""
    return read_message(message, known, today())


def code_of(words: str) -> str:
    """Return the code of the stock that a code, a name or its pinyin means.

    :raises NotFound: none is meant, or several are.
    """
    code = words.strip().upper()
    if CODE.fullmatch(code):
        return code
    found = read(words, directory(WarehouseHook()))
    if isinstance(found, Refusal):
        raise NotFound(found.text, found.text, found.kind)
    if len(found.stocks) > 1 or found.day is not None:
        raise NotFound(f"{words!r} is not the name of one stock", f"「{words}」不是一只股票的名称", "several")
    return found.stocks[0].ts_code
