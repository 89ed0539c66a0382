"""The commands that the documents tell a reader to type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
IN_STACK = ".venv/bin/python -m ljwx.sandbox run "


@dataclass(frozen=True)
class Command:
    """One line of a block of commands, without its remark."""

    page: str
    line: str

    @property
    def on_stack(self) -> str | None:
        """What of it runs on a stack that is up; None when it is something else."""
        line = self.line.removeprefix(IN_STACK)
        return line if line.startswith(("ljwx ", "airflow ")) else None


def commands() -> Iterator[Command]:
    """Yield every command of README and docs/."""
    for page in PAGES:
        for block in BLOCK.findall(page.read_text(encoding="utf-8")):
            for line in block.splitlines():
                typed = re.sub(r"\s+#.*$", "", line).strip()
                if typed and not typed.startswith("#"):
                    yield Command(page.relative_to(ROOT).as_posix(), typed)
