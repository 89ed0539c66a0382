"""Documents that stay true: every command is run somewhere, every link leads somewhere, every table is named."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

from ljwx import exceptions
from support_docs import PAGES, ROOT, commands

TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
ELSEWHERE = {
    "cat var/data/datasets/*/README.md": "tests/tasks/test_exports.py reads the card",
    "cp .env.example .env": "tests/deployment/test_compose.py fills it in",
    "docker compose config": "tests/deployment/test_compose.py",
    "docker compose up -d --build": "needs a Docker engine",
    "ollama pull deepseek-llm:7b": "needs the network; tests/operators pulls through the operator",
    "pip install -r requirements.txt -c constraints.txt": "make setup",
    "pip install ./plugins": "make setup installs it as an editable package",
    "LJWX_DATABASE_URL=postgresql+psycopg://user:password@host/warehouse python -m ljwx.migrations": "tests/migrations",
    "PSQL=$(find .venv -path '*pginstall18/bin/psql')": "tests/docs: the queries are run",
    "PGPASSWORD=$(cat var/secrets/postgres) $PSQL -h 127.0.0.1 -p 15432 -U postgres warehouse": "as above",
}
"""Commands that other tests run, or that need what is not here."""


def test_every_command_is_run_by_a_test_or_by_make() -> None:
    """Those of `ljwx` and `airflow` are run on a real stack by tests/end_to_end/test_pipeline.py."""
    unknown = []
    for command in commands():
        words = command.line.split()
        if words[0] == "make":
            known = words[-1] in TARGETS
        else:
            known = bool(command.on_stack) or command.line in ELSEWHERE or words[0] in {"export", "cp", "git", "cd"}
        if not known:
            unknown.append(command)
    assert unknown == []


def test_nothing_is_listed_as_run_elsewhere_that_no_page_tells() -> None:
    assert set(ELSEWHERE) - {command.line for command in commands()} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_repository_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_table_view_and_exception_is_in_the_reference(warehouse_url: str) -> None:
    page = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    with psycopg.connect(warehouse_url) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'ljwx'::regnamespace AND relkind IN ('r', 'p', 'v') "
            "AND NOT relispartition"
        ).fetchall()
    names = {name for (name,) in tables} | {
        name
        for name, value in vars(exceptions).items()
        if isinstance(value, type) and issubclass(value, exceptions.LjwxError) and not value.__subclasses__()
    }
    assert sorted(name for name in names if f"`{name}`" not in page) == []


def test_the_queries_for_the_person_on_call_are_valid(warehouse_url: str) -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    queries = [query for block in re.findall(r"```sql\n(.*?)```", page, re.DOTALL) for query in block.split(";")]
    run = 0
    with psycopg.connect(warehouse_url) as connection:
        for query in queries:
            if "SELECT" in query:
                connection.execute(query.encode())
                run += 1
    assert run >= 8
