"""The wheels, built from the repository and installed where the repository is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import psycopg
import pytest
from packaging.requirements import Requirement

from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import database
from support_docs import INSTALLED, ROOT, installation

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
SOURCES = {"ljwx-stock": ROOT / "plugins", "ljwx-sandbox": ROOT / "sandbox"}

SERIALISED = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.plugins_manager import get_import_errors, get_plugin_info
from airflow.providers_manager import ProvidersManager
from airflow.serialization.serialized_objects import DagSerialization

bag = DagBag(sys.argv[1])
read = {name: DagSerialization.from_dict(DagSerialization.to_dict(dag)) for name, dag in bag.dags.items()}
import ljwx
from ljwx.resources import code_version, included
print(json.dumps({
    "errors": {**bag.import_errors, **get_import_errors()},
    "tasks": {name: len(dag.task_dict) for name, dag in read.items()},
    "timetable": type(read["ljwx_daily_ingest"].timetable).__module__, "package": ljwx.__file__,
    "prompt": str(included("prompts/v1/system.txt")), "code": code_version(),
    "plugins": [plugin["name"] for plugin in get_plugin_info()],
    "provider": ProvidersManager().providers["ljwx-stock"].version,
}))
"""

Run = Callable[..., str]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both wheels, by the name of the distribution."""
    folder, built = tmp_path_factory.mktemp("wheels"), {}
    for name, source in SOURCES.items():
        command = [
            *PIP,
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "--no-index",
            "-w",
            str(folder),
            str(source),
        ]
        subprocess.run(command, check=True)
        (built[name],) = folder.glob(f"{name.replace('-', '_')}-*.whl")
    return built


def files_of(wheel: Path) -> dict[str, bytes]:
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def files_below(folder: Path, name: str) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {f"{name}/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in paths}


def test_the_wheel_holds_the_package_with_its_files_and_nothing_else(wheels: dict[str, Path]) -> None:
    found = files_of(wheels["ljwx-stock"])
    ours = files_below(ROOT / "plugins" / "ljwx", "ljwx") | files_below(ROOT / "include", "ljwx/_include")
    assert len([name for name in ours if name.startswith("ljwx/_include/sql/")]) > 100
    assert {name: text for name, text in found.items() if ".dist-info/" not in name} == ours


def test_the_sandbox_is_a_wheel_of_its_own(wheels: dict[str, Path]) -> None:
    found = files_of(wheels["ljwx-sandbox"])
    assert {name.split("/")[0] for name in found} == {"ljwx_sandbox", "ljwx_sandbox-0.1.0.dist-info"}
    assert "ljwx_sandbox/__main__.py" in found


@pytest.mark.parametrize("name", list(SOURCES))
def test_each_wheel_brings_the_licence_of_the_repository(wheels: dict[str, Path], name: str) -> None:
    found = files_of(wheels[name])
    (licence,) = (text for file, text in found.items() if file.endswith(".dist-info/licenses/LICENSE"))
    assert licence == (ROOT / "LICENSE").read_bytes()
    (metadata,) = (text.decode() for file, text in found.items() if file.endswith(".dist-info/METADATA"))
    assert Parser().parsestr(metadata)["License-Expression"] == "Apache-2.0"


def declared(wheel: Path) -> dict[str, set[Requirement]]:
    """What a wheel requires, by the extra that asks for it; "" is always."""
    (metadata,) = (text.decode() for name, text in files_of(wheel).items() if name.endswith(".dist-info/METADATA"))
    found = Parser().parsestr(metadata)
    required: dict[str, set[Requirement]] = {"": set()} | {each: set() for each in found.get_all("Provides-Extra", [])}
    for line in found.get_all("Requires-Dist", []):
        text, _, marker = line.partition("; extra == ")
        required[marker.strip("'\"")].add(Requirement(text))
    return required


def required(name: str) -> set[Requirement]:
    """The lines of a requirements file."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines())
    return {Requirement(line) for line in lines if line}


def test_the_wheel_requires_what_the_requirements_files_list(wheels: dict[str, Path]) -> None:
    extras = {extra: required(f"requirements-{extra}.txt") for extra in ("celery", "fab", "kubernetes", "s3")}
    assert declared(wheels["ljwx-stock"]) == {"": required("requirements.txt"), **extras}


def test_the_sandbox_requires_what_its_requirements_file_lists(wheels: dict[str, Path]) -> None:
    wanted = {"": required("requirements-sandbox.txt"), "stack": {Requirement("ljwx-stock")}}
    assert declared(wheels["ljwx-sandbox"]) == wanted


@dataclass(frozen=True)
class Environment:
    """A virtual environment with the wheels, in a folder where nothing of the repository is."""

    folder: Path

    @property
    def home(self) -> Path:
        """Airflow's."""
        return self.folder / "airflow"

    def run(self, *command: str, **variables: str) -> str:
        """Run a command of the environment and return what it printed."""
        done = self.attempt(*command, **variables)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def attempt(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment, whatever becomes of it."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "LJWX_", "PYTHON"))
        }
        own = {"AIRFLOW_HOME": str(self.home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
        return subprocess.run(
            [str(self.folder / "venv" / "bin" / command[0]), *command[1:]], cwd=self.folder,
            env=kept | own | variables, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def installed(wheels: dict[str, Path], everything_else: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the wheels as pip installs it; what it requires is that of this one."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv", symlinks=True)
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (site / "others.pth").write_text(f"{everything_else}\n")
    pip = [*PIP, "--python", str(folder / "venv" / "bin" / "python"), "install", "-q", "--no-deps", "--no-index"]
    subprocess.run([*pip, *map(str, wheels.values())], check=True, env={**os.environ, "PYTHONPATH": ""})
    return Environment(folder)


def test_airflow_serialises_every_dag_with_a_plugins_file_of_one_line(installed: Environment) -> None:
    lines = "\n".join(installation(ROOT / "docs" / "deployment.md", INSTALLED)).replace(
        "/srv/", f"{installed.folder}/srv/"
    )
    subprocess.run(
        ["bash", "-ec", lines], cwd=ROOT, check=True, env={**os.environ, "AIRFLOW_HOME": str(installed.home)}
    )
    assert [path.name for path in (installed.home / "plugins").iterdir()] == ["ljwx_plugin.py"]
    found = json.loads(installed.run("python", "-c", SERIALISED, str(installed.home / "dags")).splitlines()[-1])
    site = installed.folder / "venv" / "lib"
    assert found["errors"] == {}
    assert set(found["tasks"]) == {
        "ljwx_cleanup",
        "ljwx_daily_ingest",
        "ljwx_forward",
        "ljwx_model_build",
        "ljwx_sample_generation",
    }
    assert min(found["tasks"].values()) > 0
    assert found["timetable"] == "ljwx.schedule"
    assert Path(found["package"]).is_relative_to(site)
    assert Path(found["prompt"]).is_relative_to(site)
    assert found["plugins"].count("ljwx") == 1
    assert found["code"].startswith(found["provider"] + "+")


def test_the_code_has_the_version_of_the_repositorys(installed: Environment) -> None:
    from ljwx.resources import code_version

    printed = installed.run("python", "-c", "from ljwx.resources import code_version; print(code_version())")
    assert printed.strip() == code_version()


def test_migrations_and_the_command_run(installed: Environment, postgres: EmbeddedPostgres) -> None:
    with database(postgres, "template1") as name:
        installed.run("python", "-m", "ljwx.migrations", LJWX_DATABASE_URL=postgres.url(name, "postgresql+psycopg"))
        with psycopg.connect(postgres.url(name)) as connection:
            assert connection.execute("SELECT to_regclass('ljwx.bars'), to_regclass('ljwx.lineage')").fetchone() == (
                "ljwx.bars", "ljwx.lineage",
            )  # fmt: skip
        url = postgres.url(name).replace("postgresql://", "postgres://")
        printed = json.loads(installed.run("ljwx", "report", "--json", AIRFLOW_CONN_LJWX_POSTGRES=url))
        assert (printed["aliases"], printed["builds"]) == ([], [])


def test_settings_come_with_the_package_and_one_file_can_stand_in_for_them(
    installed: Environment, tmp_path: Path
) -> None:
    packaged = json.loads(installed.run("ljwx", "config", "--json"))
    (tmp_path / "training_config.json").write_text('{"model": {"base": "mine:7b"}}', encoding="utf-8")
    mine = json.loads(installed.run("ljwx", "config", "--json", LJWX_INCLUDE=str(tmp_path)))
    assert (packaged["model"]["base"], mine["model"]["base"]) == ("deepseek-llm:7b", "mine:7b")


def test_the_sandbox_has_its_stand_ins_anywhere_and_its_stack_in_the_repository(installed: Environment) -> None:
    assert "up" in installed.run("python", "-m", "ljwx_sandbox", "--help")
    assert "--sessions" in installed.run("python", "-m", "ljwx_sandbox.tushare", "--help")
    done = installed.attempt("python", "-m", "ljwx_sandbox", "up")
    assert done.returncode == 1
    assert done.stderr.startswith("error: the stack runs the DAGs of its repository: install it from there")
