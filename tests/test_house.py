"""How large the rooms of the house may grow, what is imported late, and that no two modules need each other."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "plugins" / "ljwx"
HOMES = (PACKAGE, ROOT / "sandbox" / "ljwx_sandbox", ROOT / "dags")

LINES, MODULES, LATE_IMPORTS, STRING_KEYS = 300, 18, 140, 40
PUBLISHED = PACKAGE / "migrations" / "versions" / "0001_pipeline.py"
"""What was published is never edited, so it cannot be parted either."""


def modules(*homes: Path) -> list[Path]:
    return sorted(path for home in homes for path in home.rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def in_functions(node: ast.AST, inside: bool = False) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if inside:
            yield child
        yield from in_functions(child, inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))


def is_late_import(node: ast.AST) -> bool:
    called = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module")
    return called or isinstance(node, ast.Import | ast.ImportFrom)


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def reads_by_string(node: ast.AST) -> bool:
    """Whether it is `row["name"]`, `row.get("name")` or an itemgetter."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
        return bool(node.args) and is_text(node.args[0])
    if isinstance(node, ast.Subscript):
        return is_text(node.slice)
    return isinstance(node, ast.Name) and node.id == "itemgetter"


def test_no_module_is_longer_than_a_reader_can_keep_in_mind() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules(*HOMES)}
    assert len(lengths) > 300
    assert {str(path.relative_to(ROOT)): n for path, n in lengths.items() if n > LINES and path != PUBLISHED} == {}


def test_no_folder_holds_more_modules_than_one_finds_at_a_glance() -> None:
    sizes = Counter(path.parent for path in modules(*HOMES) if path.name != "__init__.py")
    published = {PUBLISHED.parent}
    found = {str(folder.relative_to(ROOT)): n for folder, n in sizes.items() if n > MODULES and folder not in published}
    assert found == {}


def test_few_imports_stand_within_functions() -> None:
    late = [node for path in modules(PACKAGE) for node in in_functions(tree(path)) if is_late_import(node)]
    assert len(late) < LATE_IMPORTS


def test_stages_and_services_read_records_and_not_dicts() -> None:
    parts = modules(PACKAGE / "stages", PACKAGE / "services")
    found = [node for path in parts for node in ast.walk(tree(path)) if reads_by_string(node)]
    assert len(found) < STRING_KEYS


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ('row["name"]', True),
        ('row.get("name", 0)', True),
        ('sorted(rows, key=itemgetter("name"))', True),
        ("row[0]", False),
        ("row[name]", False),
        ("rows.get(name)", False),
        ("row.name", False),
    ],
)
def test_what_counts_as_reading_by_a_string(line: str, counts: bool) -> None:
    assert any(reads_by_string(node) for node in ast.walk(ast.parse(line))) is counts


def test_imports_within_functions_are_seen_at_any_depth() -> None:
    text = "import a\ndef f():\n    import b\n    if c:\n        from d import e\nimportlib.import_module('g')\n"
    found = [node for node in in_functions(ast.parse(text)) if is_late_import(node)]
    assert [ast.unparse(node) for node in found] == ["import b", "from d import e"]


def test_no_two_modules_need_each_other() -> None:
    """Also not for types alone, and not through others."""
    names = {dotted(path): path for path in modules(PACKAGE)}
    needed = {name: set(imported(path, names)) - {name} for name, path in names.items()}
    assert sum(map(len, needed.values())) > 500
    try:
        TopologicalSorter(needed).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' → '.join(error.args[1])}")


def dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path, names: dict[str, Path]) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ljwx"):
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in names else str(node.module)


def test_a_word_that_means_anything_is_seldom_used() -> None:
    """What was "told" is a fact, a text, a reason: say which."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    texts = [path.read_text(encoding="utf-8") for path in (*modules(PACKAGE), *pages)]
    assert sum(len(re.findall(r"\btold\b", text, re.IGNORECASE)) for text in texts) <= 25
