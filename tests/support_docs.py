"""The commands that the documents tell a reader to type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DAG_IDS = {path.stem for path in (ROOT / "dags").glob("*.py")}
"""Each file of the folder holds the DAG that it is named after."""
PAGES = [
    *(ROOT / name for name in ("README.md", "README.zh-CN.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
IN_STACK = ".venv/bin/python -m ljwx_sandbox run "

ELSEWHERE = {
    "ljwx import history/": "tests/services/importing, with files",
    ".venv/bin/python -m pytest tests/core/bars/test_rules.py -q": "a module of this very suite",
    "OUT=build PYTHONPATH=training python3 training/benchmarks/gpu.py": "needs a GPU",
    "airflow standalone": "tests/deployment/test_standalone.py starts it, with a metadata database of its own",
    "cat var/data/datasets/*/README.md": "tests/end_to_end/test_pipeline.py, in the stack's own folder",
    "PSQL=$(find .venv/ -path '*pginstall18/bin/psql')": "tests/end_to_end/test_pipeline.py, with the next",
    "PGPASSWORD=$(cat var/secrets/postgres) $PSQL -h 127.0.0.1 -p 15432 -U postgres warehouse": "there too",
    "cp .env.example .env": "tests/deployment/test_compose.py fills it in",
    "docker compose config": "tests/deployment/test_compose.py",
    "docker compose up -d --build": "needs a Docker engine",
    "ollama pull deepseek-llm:7b": "needs the network; tests/operators pulls through the operator",
    "pip install ./plugins -c constraints.txt": "tests/deployment/test_wheel.py, and make setup for what it requires",
    "LJWX_DATABASE_URL=postgresql+psycopg://user:password@host/warehouse python -m ljwx.migrations": "tests/migrations",
}
"""Commands that are not run as they stand on the stack of tests/end_to_end/test_pipeline.py, and where they are."""

INSTALLED, COPIED = "ljwx.airflow_plugin", "cp -r plugins/ljwx"
"""What is found in the block of commands that installs the package, and in the one that copies it."""

CHANGING = (
    "airflow variables set", "airflow connections add", "airflow pools set", "airflow dags trigger",
    "airflow backfill create", "airflow dags clear", "airflow dags pause",
)  # fmt: skip
"""What changes a stack, in the order in which one after the other can be run on it."""


@dataclass(frozen=True)
class Command:
    """One line of a block of commands, without its remark."""

    page: str
    line: str

    @property
    def on_stack(self) -> str | None:
        """What of it runs on a stack that is up; None when it is something else."""
        line = self.line.removeprefix(IN_STACK)
        return line if line.startswith(("ljwx ", "airflow ")) and line not in ELSEWHERE else None


def commands() -> Iterator[Command]:
    """Yield every command in a block, and every whole one of Airflow's within a text."""
    for page in PAGES:
        name, text = page.relative_to(ROOT).as_posix(), page.read_text(encoding="utf-8")
        for block in BLOCK.findall(text):
            for line in block.splitlines():
                typed = re.sub(r"\s+#.*$", "", line).strip()
                if typed and not typed.startswith("#"):
                    yield Command(name, typed)
        for span in spans(text):
            if span.startswith("airflow ") and not re.search(r"[<\[…]", span):
                yield Command(name, span)


def installation(page: Path, part: str) -> list[str]:
    """Return the lines that put the files into an existing Airflow: the block with `part` in it, but for pip."""
    block = next(block for block in BLOCK.findall(page.read_text(encoding="utf-8")) if part in block)
    return [re.sub(r"\s+#.*$", "", line).strip() for line in block.splitlines() if not line.startswith("pip ")]


def spans(text: str) -> list[str]:
    """Return what is set as code within a page's text and tables."""
    return INLINE.findall(FENCED.sub("", text))


def on_stack() -> list[str]:
    """Return each line that runs on a stack once: those that only read, then those that change something."""
    lines = dict.fromkeys(command.line for command in commands() if command.on_stack)
    return sorted(lines, key=_place)


def _place(line: str) -> int:
    """Return 0 for a command that only reads, else the place of what it changes in CHANGING."""
    return next((at for at, words in enumerate(CHANGING, start=1) if line.startswith(words)), 0)
