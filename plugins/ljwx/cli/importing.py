"""`ljwx import`: history from files into the warehouse."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ljwx.cli.console import AsJson, Exit, failures_shown, say

if TYPE_CHECKING:
    from rich.console import Console

    from ljwx.services.importing.history import Imported

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Parquet or CSV files, or folders. 文件或目录。")]
SHOWN = 10
"""How many incomplete sessions, and files left out, are named."""


def import_files(
    files: Files,
    again: Annotated[bool, typer.Option("--again", help="Also what was imported before. 重新导入。")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the history that files in TuShare's columns hold. 从文件导入历史行情。"""
    from ljwx.services.importing.history import import_history

    with failures_shown():
        found = import_history(files, again=again, tell=_progress)

    def picture(console: Console) -> None:
        for line in _lines(found):
            console.print(line, markup=False)

    say(found, picture, as_json)
    if found.incomplete:
        raise typer.Exit(int(Exit.NEEDS_CARE))


def _progress(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _lines(found: Imported) -> list[str]:
    if found.before is not None:
        return [f"These files were imported before, on {found.before:%Y-%m-%d %H:%M}; --again does it anew."]
    lines = [f"{found.first} to {found.last}: {found.sessions} sessions in {found.seconds:.0f} s"]
    lines.append(f"{found.inserted} bars new, {found.revised} revised, {found.features} rows of features written")
    if found.levels:
        lines.append(f"{found.levels} levels of indexes new or revised")
    if found.kept:
        lines.append(f"{found.kept} rows beside the bars stay as the source gave them")
    if found.skipped:
        lines.append(f"{found.skipped} months were done by an earlier import of these files")
    if found.holes:
        lines.append(
            f"{found.holes} sessions between them have no bar in the files; `ljwx_daily_ingest` can fetch them"
        )
    if found.quarantined:
        reasons = ", ".join(f"{count} {reason}" for reason, count in found.quarantined.items())
        lines.append(f"refused, and kept in ljwx.quarantine: {reasons}")
    lines += [f"left out, no table that is imported: {path}" for path in found.left_out[:SHOWN]]
    lines += [f"incomplete, later stages do not see it: {line}" for line in found.incomplete[:SHOWN]]
    if len(found.incomplete) > SHOWN:
        lines.append(f"… and {len(found.incomplete) - SHOWN} more incomplete sessions")
    return lines
