"""`ljwx ask`: what the champion says of stocks, and what of it is true: a report, or one answer by itself."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date as Day  # noqa: N812 - `date` is the name of an option
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console

from ljwx.cli.console import AsJson, Exit, day, end, failures_shown, say

if TYPE_CHECKING:
    from ljwx.core.evaluations.questions import ClaimCounts
    from ljwx.services.ask import StockAnswer

LANGUAGES = ("zh", "en")


def ask(
    codes: Annotated[
        list[str] | None,
        typer.Argument(
            help="Stocks: codes like 000001.SZ, names or pinyin. 股票代码、名称或拼音。", show_default=False
        ),
    ] = None,
    date: Annotated[
        str | None, typer.Option(help="As of this day, or of the session before a closed one. 截至日期。")
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(help="One kind of question, like risk_assessment; another word lists them. 只问一个任务。"),
    ] = None,
    language: Annotated[str, typer.Option(help="Of the report: zh or en. 报告语言。")] = "zh",
    market: Annotated[
        bool, typer.Option("--market", help="The session of the whole market, instead of stocks. 大盘概况。")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Analyse stocks: a report of the champion's answers, each checked against the snapshot. 用冠军模型分析股票。

    Several stocks are compared first. With --task or --json the answer to one question is shown by itself.
    """
    from ljwx.core.tasks import DEFAULT_TASKS, TASKS
    from ljwx.services.analysing.analyst import code_of

    if task is not None and task not in TASKS:
        raise typer.BadParameter(f"{task!r} is no task; there are {', '.join(TASKS)}")
    if language not in LANGUAGES:
        raise typer.BadParameter(f"{language!r} is no language; there are {', '.join(LANGUAGES)}")
    asked = day(date)
    if not market and not codes:
        raise typer.BadParameter("Missing argument: name a stock, or give --market for the whole market")
    if market:
        if codes or task is not None:
            raise typer.BadParameter("--market is about all stocks: name none, and no --task")
        _market(asked, language, as_json)
        return
    with failures_shown():
        stocks = [code_of(words) for words in codes or ()]
    if task is None and not as_json:
        _report(stocks, asked, language)
    else:
        _answers(stocks, asked, task or DEFAULT_TASKS[0], as_json)


def _report(stocks: list[str], asked: Day | None, language: str) -> None:
    """Print the analysis of each stock."""
    from ljwx.services.analysing.chat import Analyst, texts_of

    with failures_shown():
        found = Analyst().analyse(stocks, asked)
    written = texts_of(found, "en" if language == "en" else "zh")

    def picture(console: Console) -> None:
        console.print("\n\n".join(written), markup=False)

    say(found, picture, as_json=False)
    reasons = [each.reason for analysis in found for each in analysis.judgements if each.label is None]
    if reasons:
        _end_invalid(reasons[0])


def _market(asked: Day | None, language: str, as_json: bool) -> None:
    """Print what the session was like for all stocks."""
    from ljwx.services.analysing.chat import Analyst, market_day

    with failures_shown():
        found = Analyst().market_day(asked)
    written = market_day.text(found, "en" if language == "en" else "zh")
    say(found, lambda console: console.print(written, markup=False), as_json)


def _answers(stocks: list[str], asked: Day | None, task: str, as_json: bool) -> None:
    """Print the answer to one question about each stock."""
    from ljwx.services.ask import ask_champion

    with failures_shown():
        found = [ask_champion(code, asked, task) for code in stocks]

    def picture(console: Console) -> None:
        for each in found:
            _draw(console, each)

    documents = [_document(each) for each in found]
    say(documents[0] if len(documents) == 1 else documents, picture, as_json)
    for each in found:
        if not each.answer.valid:
            _end_invalid(each.answer.reason)


def _end_invalid(reason: str | None) -> NoReturn:
    end(f"the answer is not valid ({reason}); nothing was made up in its place", Exit.FAILED)


def _document(found: StockAnswer) -> dict[str, Any]:
    document = asdict(found)
    del document["answer"]["sample_id"]  # the question is no sample's
    return document


def _draw(console: Console, found: StockAnswer) -> None:
    facts, answer = found.snapshot, found.answer
    console.print(f"{facts['ts_code']} {facts['name']}  as of {found.session}  {found.task}", markup=False)
    console.print(f"model   {found.model}  digest {found.digest[:12]}: {found.strategy_line}")
    console.print(f"proof   {found.standing.of_champion}", markup=False)
    console.print(f"        {found.standing.chinese}", markup=False)
    if not found.in_universe:
        console.print("note    the model's samples are of other stocks than this one")
    if found.is_small_market:
        console.print(f"note    ranks are among {found.market_stocks} stocks, and not the whole market's")
    if answer.parsed is None:
        console.print(f"raw     {answer.raw}", markup=False)
    else:
        console.print(f"answer  {answer.label}")
        if shares := answer.probabilities:
            console.print("chances " + ", ".join(f"{name} {share:.0%}" for name, share in shares.items()))
        sentence = found.spoken if found.cites_facts else None
        lines = (
            (sentence.zh, sentence.en) if sentence else (f"{name}: {value}" for name, value in answer.parsed.items())
        )
        for line in lines:
            console.print(f"        {line}", markup=False)
        for claim in found.unsupported:
            console.print(f"wrong   {claim}", markup=False)
        for words in found.unchecked:
            console.print(f"        not checked: {words}", markup=False)
        if not found.unsupported:
            console.print(f"checked {_checked(answer.claims, found.unchecked)}")
    console.print(found.risk_statement, markup=False)


def _checked(counts: ClaimCounts | None, unchecked: tuple[str, ...]) -> str:
    """Say what the absence of a wrong claim means."""
    claims = 0 if counts is None else counts.right + counts.wrong + counts.unsupported
    if not claims:
        return "the answer names no number or reading that can be held against the snapshot"
    rest = f"{len(unchecked)} of its phrases cannot be checked" if unchecked else "nothing else is said"
    return f"{claims} numbers and readings of the answer, all are the snapshot's; {rest}"
