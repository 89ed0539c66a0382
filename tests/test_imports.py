"""Who may import whom: every import statement of the package, also those within functions and for types only."""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "plugins" / "ljwx"

# part → the parts it may import; `core.sessions` names one module of a part; "" is the package's own `__init__`.
MAY_IMPORT: dict[str, set[str]] = {
    "": set(),
    "exceptions": set(),
    "assets": set(),
    "policies": {"exceptions", "notifications"},
    "provider": {""},
    "resources": {"", "core.sessions"},
    "environment": set(),
    "airflow_database": {"environment"},
    "files": {"resources"},
    "network": {"exceptions"},
    "database": set(),
    "settings": {"strategies", "core", "exceptions", "resources", "environment", "airflow_database"},
    "schedule": {"resources"},
    "deadlines": {"notifications", "resources"},
    "airflow_plugin": {"schedule", "deadlines", "api", "ui"},
    "refresh_sessions": {"core.sessions", "hooks", "exceptions", "resources"},
    "core": {"exceptions"},
    "migrations": {"database"},
    "sources": {"core", "exceptions", "network"},
    "warehouse": {"core", "exceptions", "resources", "migrations", "database"},
    "hooks": {
        "sources", "warehouse", "core", "exceptions", "resources", "environment", "airflow_database", "network",
        "database",
    },
    "launchers": {"core", "exceptions"},
    "triggers": {"launchers", "hooks", "core", "exceptions"},
    "operators": {"launchers", "hooks", "triggers", "core", "exceptions", "resources", "settings"},
    "notifications": {"hooks", "exceptions", "resources", "network"},
    "strategies": {"hooks", "warehouse", "core", "resources", "files", "exceptions"},
    "services": {
        "", "strategies", "hooks", "warehouse", "sources", "core", "settings", "resources", "files", "exceptions",
        "schedule", "migrations",
    },
    "stages": {
        "", "launchers", "services", "strategies", "hooks", "warehouse", "sources", "core", "settings", "resources",
        "files", "exceptions", "assets", "schedule", "notifications",
    },
    "tasks": {"stages"},
    "cli": {"", "api", "services", "core", "resources", "exceptions", "refresh_sessions"},
    "api": {"", "services", "core", "exceptions"},
    "ui": {"services", "core"},
    "sandbox": set(),
    "live": {"tasks", "operators", "hooks", "services", "resources"},
    "dags": {"tasks", "operators", "assets", "schedule", "deadlines", "policies", "settings", "resources"},
}  # fmt: skip
PURE = {"polars", "numpy", "pydantic", "pydantic_core", "jinja2", "matplotlib", "sklearn"}
"""What the core may import beside Python itself: data, its shapes and its pictures, nothing that calls anybody."""

HEAVY = {
    "pandas", "polars", "numpy", "sklearn", "torch", "ta", "tushare", "alembic", "psycopg", "apprise", "matplotlib",
}  # fmt: skip
PARSED = (
    "tasks", "operators", "triggers", "assets", "schedule", "deadlines", "notifications", "policies", "resources",
    "provider", "airflow_plugin",
)  # fmt: skip
"""Parts that the DAG files or the plugin loader import."""


@dataclass(frozen=True)
class Import:
    """One imported module.

    :param importer: dotted name below `ljwx`, or the name of a DAG file.
    :param lazy: inside a function or for types only: does not happen at import.
    """

    importer: str
    part: str
    module: str
    lazy: bool

    def __str__(self) -> str:
        return f"{self.importer} imports {self.module}"


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def read_imports(path: Path, importer: str, part: str) -> Iterator[Import]:
    yield from _walk(ast.parse(path.read_text(encoding="utf-8")), importer, part, False)


def _walk(node: ast.AST, importer: str, part: str, lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        inner = lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            inner = True
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(importer, part, alias.name, lazy)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"{importer} has a relative import"
            for alias in child.names:
                yield Import(importer, part, _module(child.module or "", alias.name), lazy)
        yield from _walk(child, importer, part, inner)


def _module(module: str, name: str) -> str:
    """The module that `from module import name` imports: the name's own where it is a module, else its holder."""
    home = {"ljwx": "plugins", "ljwx_sandbox": "sandbox"}.get(module.split(".")[0])
    if home is None:
        return module
    below = ROOT / home / Path(*module.split(".")) / name
    return f"{module}.{name}" if below.is_dir() or below.with_suffix(".py").exists() else module


@functools.cache
def package_imports() -> tuple[Import, ...]:
    found: list[Import] = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = name_of(path)
        found += read_imports(path, name, name.split(".")[0])
    for path in sorted((ROOT / "sandbox").rglob("*.py")):
        part = "live" if path.parent.name == "live" else "sandbox"  # the one that calls the stages, as Airflow does
        found += read_imports(path, path.relative_to(ROOT).with_suffix("").as_posix(), part)
    for path in sorted((ROOT / "dags").glob("*.py")):
        found += read_imports(path, path.name, "dags")
    return tuple(found)


def is_allowed(each: Import) -> bool:
    target = each.module.removeprefix("ljwx").removeprefix(".")
    if target.split(".")[0] == each.part:
        return True
    allowed = MAY_IMPORT.get(each.part, set())
    return any(target == part or (part and target.startswith(f"{part}.")) for part in allowed)


def test_every_part_of_the_package_has_a_rule() -> None:
    assert {each.part for each in package_imports()} <= set(MAY_IMPORT)
    assert all(name.split(".")[0] in MAY_IMPORT for names in MAY_IMPORT.values() for name in names)


def test_imports_go_only_where_the_table_allows() -> None:
    own = [each for each in package_imports() if each.module.split(".")[0] == "ljwx"]
    assert len(own) > 100  # the reader has read something
    assert [str(each) for each in own if not is_allowed(each)] == []


@pytest.mark.parametrize(
    ("part", "module", "lazy"),
    [
        ("core", "ljwx.hooks.warehouse", True),
        ("sandbox", "ljwx.exceptions", False),
        ("resources", "ljwx.core.datasets.spec", False),
        ("ui", "ljwx.hooks.ollama", True),
        ("tasks", "ljwx_sandbox.stack", True),
        ("hooks", "ljwx.coreless", False),
        ("core", "ljwx", False),
    ],
)
def test_the_table_refuses_what_it_does_not_list(part: str, module: str, lazy: bool) -> None:
    assert not is_allowed(Import(part, part, module, lazy))


def test_the_reader_sees_imports_wherever_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "some.py"
    path.write_text(
        "import json\nif TYPE_CHECKING:\n    import polars\n"
        "class A:\n    import re\n    def f(self):\n        from ljwx_sandbox import airflow\n"
        "try:\n    from ljwx import __version__\nexcept ImportError:\n    pass\n"
    )
    assert [(each.module, each.lazy) for each in read_imports(path, "some", "some")] == [
        ("json", False), ("polars", True), ("re", False), ("ljwx_sandbox.airflow", True), ("ljwx", False),
    ]  # fmt: skip


def test_the_core_imports_nothing_that_reaches_outside_the_process() -> None:
    allowed = set(sys.stdlib_module_names) - {"socket", "subprocess", "urllib", "http", "sqlite3", "asyncio"}
    used = {each.module.split(".")[0] for each in package_imports() if each.part == "core"}
    assert used - allowed - PURE == {"ljwx"}


def test_the_warehouse_knows_no_airflow() -> None:
    inside = [each for each in package_imports() if each.part == "warehouse" and each.module.split(".")[0] == "airflow"]
    assert [str(each) for each in inside] == []


def test_nothing_imports_the_dag_files() -> None:
    names = {path.stem for path in (ROOT / "dags").glob("*.py")} | {"dags"}
    assert [str(each) for each in package_imports() if each.module.split(".")[0] in names] == []


def test_the_sandbox_is_imported_by_nothing_else() -> None:
    own = {"sandbox", "live"}
    inside = [each for each in package_imports() if each.module.startswith("ljwx_sandbox") and each.part not in own]
    assert [str(each) for each in inside] == []


def test_what_dag_files_import_loads_no_heavy_library_at_module_level() -> None:
    early = [each for each in package_imports() if each.part in (*PARSED, "dags") and not each.lazy]
    assert [str(each) for each in early if each.module.split(".")[0] in HEAVY] == []


def test_the_door_of_the_dag_files_reaches_a_stage_only_when_its_task_runs() -> None:
    early = [each for each in package_imports() if each.part == "tasks" and not each.lazy]
    assert {each.module for each in early} == {"__future__", "typing"}


def test_the_plugin_entry_imports_its_parts_lazily() -> None:
    early = [each for each in package_imports() if each.part == "airflow_plugin" and not each.lazy]
    assert {each.module for each in early} == {"__future__", "typing", "airflow.plugins_manager"}
