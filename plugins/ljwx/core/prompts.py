"""Prompts are versioned text files; a snapshot and a version give one text, to the byte.

Pure but for one small function that reads the files. Never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ljwx.core.tasks import TASKS, hashed_tasks
from ljwx.core.templates import Template
from ljwx.exceptions import ConfigurationError

_NUMBERS_AS_WRITTEN: Final = json.JSONDecoder(parse_float=str, parse_int=str)
Message = dict[str, str]


def facts_of(snapshot: str) -> dict[str, Any]:
    """A snapshot's facts with every number kept as the text it was written as."""
    facts: dict[str, Any] = _NUMBERS_AS_WRITTEN.decode(snapshot)
    return facts


@dataclass(frozen=True)
class Prompts:
    """One version of the prompts: a system text for all tasks, an instruction per task, and the facts both share.

    :param instructions: of the tasks in use, and of those others whose file is there.
    :param used: the tasks in use.
    """

    version: str
    system: str
    facts: Template
    instructions: Mapping[str, Template]
    used: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """Digest of the texts: system, facts, and instructions of :func:`ljwx.core.tasks.hashed_tasks` that are there.

        What else the version's folder holds does not enter it.
        """
        covered = [task for task in hashed_tasks(self.used) if task in self.instructions]
        texts = [self.system, self.facts.text, *(self.instructions[task].text for task in covered)]
        return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def load_prompts(files: Mapping[str, Path], version: str, tasks: Collection[str]) -> Prompts:
    """Read a version's files: system.txt, facts.txt and one text per task.

    :param files: of all versions, by names such as ``v1/system.txt``.
    :param tasks: the tasks in use, whose files must be there.
    :raises ConfigurationError: for a version or a file that is not there; it names the versions that are.
    """
    known = sorted({name.split("/")[0] for name in files if "/" in name})
    if version not in known:
        raise ConfigurationError(f"prompt_version: no version {version!r}; there is {', '.join(known) or 'none'}")
    try:
        named = [task for task in TASKS if task in tasks or f"{version}/{task}.txt" in files]
        paths = {n: files[f"{version}/{n}.txt"] for n in ("system", "facts", *named)}
        texts = {n: path.read_text(encoding="utf-8").strip() for n, path in paths.items()}
    except KeyError as error:
        raise ConfigurationError(f"prompt_version {version}: there is no file {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"prompt_version {version}: {error}") from error
    return Prompts(
        version=version,
        system=texts["system"],
        facts=Template.parse(texts["facts"], f"{version}/facts.txt"),
        instructions={t: Template.parse(texts[t], f"{version}/{t}.txt") for t in named},
        used=tuple(tasks),
    )


def instruction_and_facts(task: str, snapshot: str, prompts: Prompts) -> tuple[str, str]:
    """The two parts of a user's message."""
    facts = facts_of(snapshot)
    return prompts.instructions[task].fill(facts), prompts.facts.fill(facts)


def question(task: str, snapshot: str, prompts: Prompts, *, system: bool = True) -> tuple[Message, ...]:
    """Chat messages that ask a task about a snapshot, byte for byte as in the training data.

    :param system: leave out the system message for a model that was created with it.
    """
    instruction, facts = instruction_and_facts(task, snapshot, prompts)
    user = {"role": "user", "content": f"{instruction}\n{facts}"}
    return ({"role": "system", "content": prompts.system}, user) if system else (user,)


def example_messages(examples: Iterable[tuple[str, str, str]], prompts: Prompts) -> tuple[Message, ...]:
    """User and assistant messages of few-shot examples, each (task, snapshot, answer), in the given order."""
    messages: list[Message] = []
    for task, snapshot, answer in examples:
        messages += question(task, snapshot, prompts, system=False)
        messages.append({"role": "assistant", "content": answer})
    return tuple(messages)
