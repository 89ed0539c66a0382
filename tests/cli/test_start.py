"""What the commands that only read load before they answer: seconds of a person's time."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from cryptography.fernet import Fernet
from psycopg.conninfo import conninfo_to_dict

from ljwx.exceptions import ConfigurationError
from support_chain import Database
from support_tushare import REPOSITORY

SLOW = ("airflow", "sqlalchemy", "alembic", "pandas", "sklearn", "matplotlib", "requests", "tushare", "mcp")
"""Each takes from a tenth of a second to several; Airflow the most."""

SCRIPT = """
import json, sys
from ljwx.cli.app import app
for arguments in {lines}:
    app(arguments, standalone_mode=False)
    print("loaded", json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""


FILL = """
import json, sys
from airflow.models import Connection, Variable
from airflow.models.base import Base
from airflow.settings import engine
from airflow.utils.session import create_session
tables = [Base.metadata.tables[name] for name in ("team", "connection", "variable")]
Base.metadata.create_all(engine, tables=tables)
with create_session() as session:
    session.add(Connection(conn_id="ljwx_postgres", **json.loads(sys.argv[1])))
    session.add(Variable(key="ljwx_training_config", val=sys.argv[2]))
"""
"""Keeps a connection and a Variable as Airflow does."""


Loaded = Callable[..., list[tuple[str, set[str]]]]


@pytest.fixture
def loaded_after(programs: ModuleType, tmp_path: Path) -> Loaded:
    """Runs commands one after the other in a process of their own; of each what it printed, and what is loaded then."""

    def run(url: str, *lines: str, **environment: str) -> list[tuple[str, set[str]]]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "LJWX", "_AIRFLOW"))
        }
        own = {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW_CONN_LJWX_POSTGRES": url}
        own["PYTHONPATH"] = str(REPOSITORY / "plugins")
        done = programs.run(
            [sys.executable, "-c", SCRIPT.format(lines=[line.split() for line in lines])],
            env={**kept, **own, **environment}, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert (done.returncode, "Traceback" in done.stderr) == (0, False)
        found = re.findall(r"(.*?)^loaded (.*?)\n", done.stdout, re.DOTALL | re.MULTILINE)
        return [(printed, set(json.loads(packages))) for printed, packages in found]

    return run


def test_a_command_that_only_reads_does_not_load_airflow_where_the_environment_says_all(
    db: Database, loaded_after: Loaded
) -> None:
    commands = ("config", "report", "lineage champion", "compare champion previous")
    after = loaded_after(db.url, *(f"{command} --json" for command in commands))
    for command, (_, packages) in zip(commands, after, strict=True):
        assert "psycopg" in packages or command == "config"
        assert packages & set(SLOW) == set(), command


@pytest.mark.parametrize(("extra", "by_airflow"), [("?application_name=ljwx", False), ("?__extra__=%7B%7D", True)])
def test_a_url_that_only_airflow_understands_is_left_to_airflow(
    db: Database, loaded_after: Loaded, extra: str, by_airflow: bool
) -> None:
    url = db.url.replace("postgresql://", "postgres://") + extra
    ((printed, packages),) = loaded_after(url, "report --json")
    assert json.loads(printed)["builds"] == []
    assert ("airflow" in packages) is by_airflow


def test_the_variable_of_the_environment_is_honoured_without_airflow(db: Database, loaded_after: Loaded) -> None:
    text = json.dumps({"samples": {"horizon": 5}})
    ((printed, packages),) = loaded_after(db.url, "config", AIRFLOW_VAR_LJWX_TRAINING_CONFIG=text)
    assert json.loads(printed)["samples"]["horizon"] == 5
    assert "airflow" not in packages


def test_a_configured_airflow_is_asked_for_the_variable(db: Database, tmp_path: Path, loaded_after: Loaded) -> None:
    (tmp_path / "airflow.cfg").write_text("[core]\nload_examples = False\n")
    environment = {
        "AIRFLOW__SECRETS__BACKEND": "airflow.secrets.local_filesystem.LocalFilesystemBackend",
        "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps({"variables_file_path": str(tmp_path / "variables.json")}),
        "AIRFLOW_VAR_LJWX_TRAINING_CONFIG": json.dumps({"samples": {"horizon": 4}}),
    }
    chosen = json.dumps({"samples": {"horizon": 3}})
    (tmp_path / "variables.json").write_text(json.dumps({"ljwx_training_config": chosen}))
    ((printed, packages),) = loaded_after(db.url, "config", **environment)
    assert json.loads(printed)["samples"]["horizon"] == 3
    assert "airflow" in packages


def test_what_stands_in_airflows_database_is_read_without_airflow(
    db: Database, programs: ModuleType, tmp_path: Path, loaded_after: Loaded
) -> None:
    at = conninfo_to_dict(db.url)
    place = {"conn_type": "postgres", "host": at["host"], "port": int(at["port"]), "schema": at["dbname"]}
    kept = {**place, "login": at["user"], "password": at["password"]}
    where = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow.db"}
    own = {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__FERNET_KEY": Fernet.generate_key().decode(), **where}
    filled = programs.run(
        [sys.executable, "-c", FILL, json.dumps(kept), json.dumps({"samples": {"horizon": 3}})],
        env={**os.environ, **own}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert filled.returncode == 0, filled.stderr
    commands = ("config", "report --json", "lineage champion --json", "compare champion previous --json")
    after = loaded_after("", *commands, **own)
    assert json.loads(after[0][0])["samples"]["horizon"] == 3
    assert json.loads(after[1][0])["builds"] == []
    for command, (_, packages) in zip(commands, after, strict=True):
        assert packages & set(SLOW) == set(), command


def test_errors_that_no_retry_mends_are_airflows_own_outside_of_a_command() -> None:
    from airflow.sdk.exceptions import AirflowFailException

    assert issubclass(ConfigurationError, AirflowFailException)
