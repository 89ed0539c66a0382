"""Documents that stay true: every command is run somewhere, every link leads somewhere, every table is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from airflow.sdk import Connection
from typer.main import get_command

from ljwx import exceptions
from ljwx.cli.app import app
from ljwx.cli.console import Exit
from ljwx.core.evidence.sessions import FEWEST_STOCKS
from ljwx.provider import get_provider_info
from ljwx.resources import OLLAMA_CONN_ID, POSTGRES_CONN_ID, TUSHARE_CONN_ID
from ljwx_sandbox.stack import TRAINED
from support_docs import COPIED, ELSEWHERE, INSTALLED, PAGES, ROOT, Command, commands, installation, spans

TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
INSTALLATION = {line for part in (INSTALLED, COPIED) for line in installation(ROOT / "docs" / "deployment.md", part)}
"""Run by tests/deployment/test_wheel.py and tests/deployment/test_layouts.py."""
CONNECTION = "export AIRFLOW_CONN_"
OWN_TYPES = get_provider_info()["connection-types"]


def test_every_command_is_run_by_a_test_or_by_make() -> None:
    """Those with `on_stack` are run, one by one, at the end of tests/end_to_end/test_pipeline.py."""
    unknown = [command for command in commands() if not (command.on_stack or is_known(command))]
    assert unknown == []


def is_known(command: Command) -> bool:
    words = command.line.split()
    if words[0] == "make":
        return words[-1] in TARGETS
    return command.line in ELSEWHERE or command.line in INSTALLATION or command.line.startswith(CONNECTION)


def test_every_connection_is_one_that_airflow_and_the_package_read() -> None:
    told = [command.line for command in commands() if command.line.startswith(CONNECTION)]
    assert len(told) >= 4
    for line in told:
        name, text = line.removeprefix(CONNECTION).split("=", 1)
        connection = Connection.from_json(text.strip("'"), conn_id=name.lower())
        assert connection.conn_id in {POSTGRES_CONN_ID, OLLAMA_CONN_ID, TUSHARE_CONN_ID}
        assert connection.conn_type in {"postgres", *(kind["connection-type"] for kind in OWN_TYPES)}


def test_every_command_of_ljwx_that_a_page_names_is_one() -> None:
    """In texts and tables they stand without arguments or with placeholders; name and options can be looked up."""
    named = [(page.name, span) for page in PAGES for span in spans(page.read_text(encoding="utf-8"))]
    named = [(page, span) for page, span in named if re.match(r"ljwx [a-z-]", span)]
    assert len(named) > 10
    assert [(page, span) for page, span in named if not is_a_command(span)] == []
    assert not is_a_command("ljwx nonsense")
    assert not is_a_command("ljwx ask --nonsense")


def is_a_command(span: str) -> bool:
    command, words = get_command(app), re.findall(r"[^\s\[\]]+", span)[1:]
    while (under := getattr(command, "commands", None)) and words and not words[0].startswith("-"):
        if words[0] not in under:
            return False
        command = under[words.pop(0)]
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    return {word for word in words if word.startswith("--")} <= options


def test_nothing_is_listed_as_run_elsewhere_that_no_page_tells() -> None:
    assert set(ELSEWHERE) - {command.line for command in commands()} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_repository_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_both_readmes_have_the_same_sections_commands_and_names() -> None:
    """Translations drift apart; what is not prose can be compared."""
    english, chinese = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md"))
    for pattern in (r"^#{1,3} ", r"^\|", r"^\d\. ", r"^- "):
        assert len(re.findall(pattern, english, re.MULTILINE)) == len(re.findall(pattern, chinese, re.MULTILINE)), (
            pattern
        )
    assert english.split("demo-output -->")[1] == chinese.split("demo-output -->")[1]
    told = {page: [c.line for c in commands() if c.page == page] for page in ("README.md", "README.zh-CN.md")}
    assert told["README.md"] == told["README.zh-CN.md"]
    names = [sorted(set(re.findall(r"`(LJWX_[A-Z_]+|ljwx [a-z]+)", text))) for text in (english, chinese)]
    assert names[0] == names[1]


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_readme_tells_the_numbers_of_the_demo_that_are_in_force(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    questions, stocks = TRAINED["evaluation"]["questions"], FEWEST_STOCKS
    assert f"+ {questions} questions were asked; at least {TRAINED['gate']['min_questions']} are needed." in text
    (told,) = re.findall(r"^- (?:The )?demo (?:asks|只问) (\d+) .*? (\d+) (?:stocks|只股票)", text, re.MULTILINE)
    assert told == (str(questions), str(stocks))


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


def test_every_message_that_troubleshooting_quotes_is_one_of_the_package() -> None:
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    quoted = [text for line in page.splitlines() if line[:2] == "| " for text in re.findall(r'"([^"]+)"', line[:160])]
    assert len(quoted) > 20
    sources = [path for home in ("plugins", "sandbox", "scripts") for path in (ROOT / home).rglob("*.py")]
    told = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    assert [text for text in quoted if text not in told] == []


def test_the_reference_has_every_command_with_its_options_and_every_exit_code() -> None:
    page = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    rows = {row.split("`")[1]: row for row in page.splitlines() if row.startswith("| `ljwx ")}
    known = dict(leaves("ljwx", get_command(app)))
    assert len(rows) == len(known)
    for name, command in known.items():
        (row,) = (text for title, text in rows.items() if re.match(rf"{name}( [A-Z]|$)", title))
        options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
        assert set(re.findall(r"`(--[a-z-]+)`", row)) == options - {"--help"}, name
    assert [int(code) for code in re.findall(r"^\| (\d) \|", page, re.MULTILINE)] == sorted(Exit)


def leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Every command below a group, by its whole name."""
    under = getattr(command, "commands", None)
    if under is None:
        yield name, command
    for word, each in (under or {}).items():
        yield from leaves(f"{name} {word}", each)


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
