"""`ljwx doctor`: each part the pipeline leans on, fine or what to do about it."""

from __future__ import annotations

import typer
from rich.console import Console

from ljwx.cli.console import AsJson, Exit, say

SIGNS = {True: "ok   ", False: "CARE ", None: "-    "}


def doctor(as_json: AsJson = False) -> None:
    """Look at connections, tiers, versions, migrations, calendar, disk and clock. 体检。"""
    from ljwx.services.doctor import examine

    found = tuple(examine())

    def picture(console: Console) -> None:
        for each in found:
            console.print(f"{SIGNS[each.ok]}{each.part:<12}{each.found}", markup=False)
            if each.advice:
                console.print(f"                 → {each.advice}", markup=False)

    say(found, picture, as_json)
    if any(each.ok is False for each in found):
        raise typer.Exit(int(Exit.NEEDS_CARE))
