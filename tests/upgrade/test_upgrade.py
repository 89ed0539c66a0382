"""A warehouse of an earlier version, upgraded: its rows stay, and the product reads its models and decisions as before.

Beside this module lies a warehouse at migration 0012 with its files and settings (a few simulated stocks; a first
champion, a refused model, a champion that replaced the first, a rollback), and what the commands
printed about it then.
"""

from __future__ import annotations

import json
import lzma
import subprocess
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ljwx.cli.app import app
from ljwx.core.models import BuildSpec
from ljwx.core.reports import report
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.migrations import newest
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import Database, connect, database
from support_upgrade import FOLDER, WAREHOUSE, client, restore

SETTINGS = FOLDER / "settings.json"
PRINTED: dict[str, Any] = json.loads(lzma.decompress((FOLDER / "printed.json.xz").read_bytes()))
"""What commands printed as JSON, by the command line."""

COLUMNS = """
    SELECT c.table_name, array_agg(c.column_name::text ORDER BY c.ordinal_position) AS names
    FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE table_schema = 'ljwx' AND table_type = 'BASE TABLE' AND table_name <> 'schema_version' GROUP BY 1 ORDER BY 1
"""
Rows = dict[str, list[str]]


def rows_of(warehouse: Database, columns: dict[str, list[str]]) -> Rows:
    """Every row as text, with these columns only."""
    return {
        table: warehouse.column(
            f"SELECT (SELECT r FROM (SELECT {', '.join(names)}) r)::text FROM ljwx.{table} ORDER BY 1"
        )
        for table, names in columns.items()
    }


class Upgraded:
    """The warehouse before and after its upgrade.

    :param before: its rows before.
    :param after: its rows after, with the columns of before.
    """

    def __init__(self, server: EmbeddedPostgres, name: str) -> None:
        self.name, self.url = name, server.url(name)
        warehouse = Database(self.url)
        restore(WAREHOUSE, self.url)
        columns = {row["table_name"]: row["names"] for row in warehouse.rows(COLUMNS)}
        self.before = rows_of(warehouse, columns)
        with pytest.MonkeyPatch.context() as patch:
            connect(patch, self.url)
            run("migrate")
        self.after = rows_of(warehouse, columns)


def run(*line: str) -> str:
    """Run a command of the product and return what it printed."""
    done = CliRunner().invoke(app, list(line))
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def upgraded(postgres: EmbeddedPostgres) -> Iterator[Upgraded]:
    with database(postgres, "template1") as name:
        yield Upgraded(postgres, name)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that lie beside the warehouse, and its settings in force."""
    with tarfile.open(fileobj=BytesIO(lzma.decompress((FOLDER / "data.tar.xz").read_bytes()))) as archive:
        archive.extractall(tmp_path, filter="data")
    monkeypatch.setenv("LJWX_DATA", str(tmp_path))
    monkeypatch.setenv("AIRFLOW_VAR_LJWX_TRAINING_CONFIG", SETTINGS.read_text(encoding="utf-8"))
    return tmp_path


def test_every_row_is_there_after_the_upgrade_and_says_the_same(upgraded: Upgraded) -> None:
    assert len(upgraded.before) > 20
    assert {table: len(rows) for table, rows in upgraded.before.items() if rows}.keys() >= {
        "bars", "features", "samples", "datasets", "models", "evaluations", "answers", "promotions", "aliases",
    }  # fmt: skip
    assert upgraded.after == upgraded.before
    assert Database(upgraded.url).column("SELECT version_num FROM ljwx.schema_version") == [newest()]


@pytest.mark.parametrize("line", list(PRINTED))
def test_commands_print_what_they_printed_before(
    upgraded: Upgraded, data: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """What is there by now beside it is no difference."""
    connect(monkeypatch, upgraded.url)
    assert differences(PRINTED[line], json.loads(run(*line.split(), "--json"))) == []


def test_a_decision_made_before_is_reported_with_its_reasons_and_as_one_that_asked_for_no_proof(
    upgraded: Upgraded, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, upgraded.url)
    rows = Database(upgraded.url).rows("SELECT promotion_id, reasons, proven, evidence FROM ljwx.promotions")
    assert {(row["proven"], row["evidence"]) for row in rows} == {(None, None)}
    warehouse = WarehouseHook()
    for row in rows:
        decision = warehouse.decision(row["promotion_id"])
        assert decision is not None
        cases = [] if decision.evaluation_id is None else warehouse.cases(decision.evaluation_id)
        made = report(decision, cases, warehouse.fetched_by(decision.first_session, decision.last_session), ("", ""))
        assert [reason["text"] for reason in made.decision.reasons] == [reason["text"] for reason in row["reasons"]]
        assert (made.standing.word, made.evidence) == ("not asked", None)


def differences(old: Any, new: Any, at: str = "") -> list[str]:
    """Name every place at which `new` lacks or contradicts what `old` has; more keys in `new` are no difference."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [text for key in old for text in differences(old[key], new.get(key, "(absent)"), f"{at}.{key}")]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [text for i, pair in enumerate(zip(old, new, strict=True)) for text in differences(*pair, f"{at}[{i}]")]
    return [] if old == new else [f"{at}: {old!r} became {new!r}"]


def test_a_spec_that_was_written_before_has_the_name_of_its_model(upgraded: Upgraded, data: Path) -> None:
    """The names of models are hashes of what they were made from."""
    models = Database(upgraded.url).rows(
        "SELECT m.model, m.spec_sha256, d.last_session FROM ljwx.models m JOIN ljwx.datasets d USING (dataset_id)"
    )
    assert len(models) == 3
    for row in models:
        spec = BuildSpec.model_validate_json(
            (data / "specs" / f"{row['spec_sha256']}.json").read_text(encoding="utf-8")
        )
        assert (spec.sha256, spec.model_name(row["last_session"], "ljwx-stock")) == (row["spec_sha256"], row["model"])


def test_a_backup_that_is_restored_is_the_same_warehouse(
    upgraded: Upgraded, data: Path, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [client("pg_dump"), "--schema=ljwx", "--no-owner", upgraded.url]
    dump = subprocess.run(command, capture_output=True, check=True).stdout
    with database(postgres, "template1") as name:
        restore(dump, postgres.url(name))
        warehouse = Database(postgres.url(name))
        columns = {row["table_name"]: row["names"] for row in warehouse.rows(COLUMNS)}
        assert rows_of(warehouse, columns) == rows_of(Database(upgraded.url), columns)
        connect(monkeypatch, postgres.url(name))
        state = warehouse.state("models", "promotions")
        run("migrate")
        assert warehouse.state("models", "promotions") == state
        line = next(line for line in PRINTED if line.startswith("lineage"))
        assert differences(PRINTED[line], json.loads(run(*line.split(), "--json"))) == []
