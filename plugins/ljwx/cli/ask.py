"""`ljwx ask`: one stock, one answer of the champion, and what of it is true."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from ljwx.cli.console import AsJson, Exit, day, end, failures_shown, say

if TYPE_CHECKING:
    from ljwx.core.evaluations.questions import ClaimCounts
    from ljwx.services.ask import StockAnswer


def ask(
    ts_code: Annotated[str, typer.Argument(help="Stock, like 000001.SZ. 股票代码。", show_default=False)],
    date: Annotated[
        str | None, typer.Option(help="As of this day, or of the session before a closed one. 截至日期。")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="Kind of question, like risk_assessment; another word lists them. 任务。")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask the champion about a stock, and check its answer against the snapshot. 用冠军模型分析一只股票。"""
    from ljwx.core.tasks import DEFAULT_TASKS, TASKS
    from ljwx.services.ask import ask_champion

    task = task or DEFAULT_TASKS[0]
    if task not in TASKS:
        raise typer.BadParameter(f"{task!r} is no task; there are {', '.join(TASKS)}")
    with failures_shown():
        found = ask_champion(ts_code.upper(), day(date), task)

    def picture(console: Console) -> None:
        _draw(console, found)

    say(_document(found), picture, as_json)
    if not found.answer.valid:
        end(f"the answer is not valid ({found.answer.reason}); nothing was made up in its place", Exit.FAILED)


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
