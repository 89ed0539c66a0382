"""What a new question of a person costs: one function that returns a record, and a thin face that prints it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pytest
from rich.console import Console
from typer.testing import CliRunner

from ljwx.cli.app import app
from ljwx.cli.console import AsJson, Exit, failures_shown, say
from ljwx.exceptions import NotFound
from ljwx.hooks.warehouse import WarehouseHook
from support_chain import Database


@dataclass(frozen=True)
class Coverage:
    """How far the complete sessions reach."""

    first: date
    last: date
    sessions: int


def coverage() -> Coverage:
    """The service: ask the warehouse, return a record, say with NotFound what is not there."""
    sessions = WarehouseHook().complete_sessions()
    if not sessions:
        raise NotFound("no complete session in the warehouse yet; run ljwx_daily_ingest")
    return Coverage(sessions[0], sessions[-1], len(sessions))


def face(as_json: AsJson = False) -> None:
    """The face: it prints what the service returned."""
    with failures_shown():
        found = coverage()

    def picture(console: Console) -> None:
        console.print(f"{found.sessions} sessions from {found.first} to {found.last}")

    say(found, picture, as_json)


@pytest.fixture
def with_command() -> Iterator[CliRunner]:
    """The command line with one command more, for the length of the test."""
    before = list(app.registered_commands)
    app.command("coverage")(face)
    yield CliRunner()
    app.registered_commands[:] = before


def test_a_new_service_has_a_face_that_prints_for_a_person_and_as_json(
    market_db: Database, with_command: CliRunner
) -> None:
    days = market_db.column("SELECT session FROM ljwx.ingest_days WHERE complete ORDER BY 1")
    text = with_command.invoke(app, ["coverage"])
    assert text.stdout == f"{len(days)} sessions from {days[0]} to {days[-1]}\n"
    document = json.loads(with_command.invoke(app, ["coverage", "--json"]).stdout)
    assert document == {"first": str(days[0]), "last": str(days[-1]), "sessions": len(days)}


def test_what_it_does_not_find_ends_with_the_exit_code_of_every_command(db: Database, with_command: CliRunner) -> None:
    ended = with_command.invoke(app, ["coverage"])
    assert ended.exit_code == Exit.NOT_FOUND
    assert "run ljwx_daily_ingest" in ended.output
