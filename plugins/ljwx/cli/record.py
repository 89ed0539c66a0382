"""`ljwx record`: the forward record as a file, and whether such a file is as it was sealed."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ljwx.cli.console import AsJson, Exit, failures_shown, say

if TYPE_CHECKING:
    from rich.console import Console

    from ljwx.core.forward.exported import Verified

File = Annotated[Path, typer.Argument(help="A file that ends in .parquet or .csv. 文件。")]


def verify(
    file: File,
    head: Annotated[str | None, typer.Option(help="A digest that was noted before. 事先记下的摘要。")] = None,
    as_json: AsJson = False,
) -> None:
    """Find any edit of an exported record; needs no database. 校验导出的预测记录。"""
    from ljwx.services.record import verify_record

    with failures_shown():
        found = verify_record(file, head)

    def picture(console: Console) -> None:
        _draw(console, found)

    say(found, picture, as_json)
    if found.problems:
        raise typer.Exit(int(Exit.NEEDS_CARE))


def export(
    file: File,
    with_bars: Annotated[
        bool, typer.Option("--with-bars", help="Also the prices, under their source's terms. 同时导出行情。")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write all sealed sessions with their chain into a file; without prices. 导出预测记录。"""
    from ljwx.services.record import export_bars, export_record, terms_of_bars

    with failures_shown():
        if with_bars:
            sys.stderr.write(f"Terms of the prices: {terms_of_bars()}\n")
            sys.stderr.flush()
        found = export_record(file)
        bars = export_bars(file) if with_bars else None

    def picture(console: Console) -> None:
        console.print(f"{found.path}: {found.answers} answers of {found.sessions} sessions, head {found.head}")
        if bars is not None:
            console.print(f"{bars.path}: {bars.rows} bars, {bars.first} to {bars.last}")

    say(found if bars is None else asdict(found) | {"bars": asdict(bars)}, picture, as_json)


def month(
    month: Annotated[str, typer.Argument(help="YYYY-MM. 月份。", metavar="MONTH")],
    to: Annotated[Path | None, typer.Option(help="Folder; else that of the data. 输出文件夹。")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a month's page for strangers, as HTML and JSON. 某月的预测记录页。"""
    from ljwx.services.pages.month import write_month

    with failures_shown():
        found = write_month(month, to)

    def picture(console: Console) -> None:
        console.print(f"{found.html}\n{found.json}", markup=False)
        if not found.whole:
            console.print(f"{month} is not whole: {found.open} questions wait for their outcome.")

    say(found, picture, as_json)


def _draw(console: Console, found: Verified) -> None:
    console.print(f"{found.answers} answers of {found.sessions} sessions, {found.first} to {found.last}", markup=False)
    if found.gaps:
        console.print(f"{len(found.gaps)} sessions between them were not asked about: {_some(found.gaps)}")
    if found.late:
        console.print(f"{found.late} answers came after their deadline, and count nowhere")
    for problem in found.problems:
        console.print(f"CHANGED  {problem}", markup=False)
    if not found.problems:
        console.print(f"The file is in itself as it was sealed; its head is {found.head}.")
        if found.noted:
            console.print(f"Up to {found.noted} it is what it was when the digest was noted.")
    for what in found.unproven:
        console.print(f"Not shown: {what}.", markup=False)


def _some(days: tuple[object, ...]) -> str:
    return ", ".join(map(str, days[:10])) + (" …" if len(days) > 10 else "")
