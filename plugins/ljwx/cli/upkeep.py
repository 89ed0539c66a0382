"""`ljwx migrate`, `ljwx rollback`, `ljwx sessions refresh`: the commands that change something."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ljwx.cli.console import AsJson, Exit, failures_shown, say


def migrate(as_json: AsJson = False) -> None:
    """Bring the warehouse's tables to this version. 升级数据库表。"""
    from ljwx.services.migrate import migrate as bring_to_this_version

    with failures_shown():
        found = bring_to_this_version()
    say(found, lambda console: console.print(f"schema ljwx: {found.before or 'none'} → {found.now}"), as_json)


def config(
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema instead. 输出 JSON Schema。")] = False,
    as_json: AsJson = True,  # noqa: ARG001 - settings are JSON; taken because every command takes it
) -> None:
    """Print the settings in force, file and Variable together, as JSON. 显示当前配置。"""
    from ljwx.services.config import settings_in_force, settings_schema

    with failures_shown():
        found = settings_schema() if schema else settings_in_force().model_dump(mode="json")
    say(found, lambda _: None, as_json=True)


def audit(as_json: AsJson = False) -> None:
    """List tags, rows and files whose other half is missing. 核对模型、文件与记录。"""
    from ljwx.services.audit import audit as compare_sides

    with failures_shown():
        found = compare_sides()

    def picture(console: Console) -> None:
        for each in found:
            console.print(f"{each.kind} {each.name}: {each.lacks} → {each.advice}", markup=False)
        console.print(f"{len(found)} orphans")

    say(found, picture, as_json)
    if found:
        raise typer.Exit(int(Exit.NEEDS_CARE))


def rollback(
    reason: Annotated[str, typer.Option(help="Why; kept with the decision. 原因，将被记录。", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Put the previous champion back. 回滚到上一个冠军模型。"""
    from ljwx.services.rollback import rollback as put_back

    with failures_shown():
        found = put_back(reason)

    def picture(console: Console) -> None:
        line = f"{found.model} is champion again instead of {found.instead_of}: decision {found.promotion_id}"
        console.print(line, markup=False)

    say(found, picture, as_json)


def refresh_sessions(
    source: Annotated[str, typer.Option(help="auto, trade_cal or exchange_calendars. 来源。")] = "auto",
    file: Annotated[Path | None, typer.Option(help="The list to replace. 要更新的文件。", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Write the shipped list of trading sessions anew; restart Airflow then. 更新交易日历。"""
    from ljwx import refresh_sessions as refresher

    if source not in refresher.SOURCES:
        raise typer.BadParameter(f"{source!r} is no source; there are {', '.join(refresher.SOURCES)}")
    with failures_shown():
        done = refresher.refresh(file, source)
    say({"done": done}, lambda console: console.print(done, markup=False), as_json)
