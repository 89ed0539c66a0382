"""Prompts are versioned text files; a snapshot and a version give one text, to the byte.

Pure but for one small function that reads the files. Never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ljwx.core import features
from ljwx.core.features import FeatureGroup
from ljwx.core.features.citable import Citable
from ljwx.core.snapshots.citable import citable_in, citable_template, class_words, there, with_words
from ljwx.core.tasks import TASKS, hashed_tasks
from ljwx.core.tasks.forms import FORMS, PROSE, Form, ReadFields
from ljwx.core.templates import Template
from ljwx.exceptions import ConfigurationError

FACTS_HERE: Final = "[facts]"
"""In a version's facts.txt: a line for each fact that an answer can cite, of every feature group of the snapshot."""
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
    :param form: how answers are given; ``citable`` is what they can cite.
    :param without_facts: questions that give no facts, whose answer is an abstention; many versions have none.
    :param facts_first: a question gives the facts and then the instruction, so that all that is asked about a stock and
        session begins alike; otherwise the other way round.
    :param abstention_share: the share of a training file that has no facts, where the settings name none.
    :param declared: the text of form.json; empty where there is none.
    :param is_frozen: False: the texts of the version may still change.
    """

    version: str
    system: str
    facts: Template
    instructions: Mapping[str, Template]
    used: tuple[str, ...]
    form: Form = PROSE
    citable: tuple[Citable, ...] = ()
    without_facts: tuple[Template, ...] = field(default=())
    facts_first: bool = False
    abstention_share: float = 0.0
    declared: str = ""
    is_frozen: bool = True

    @property
    def sha256(self) -> str:
        """Digest of the texts: system, facts, and instructions of :func:`ljwx.core.tasks.hashed_tasks` that are there.

        What else the version's folder holds does not enter it.
        """
        covered = [task for task in hashed_tasks(self.used) if task in self.instructions]
        texts = [self.system, self.facts.text, *(self.instructions[task].text for task in covered)]
        if self.declared:
            texts += [self.declared, *(template.text for template in self.without_facts)]
        texts += [json.dumps([*words.items()], ensure_ascii=False) for words in self.facts.words.values()]
        return hashlib.sha256("\0".join(texts).encode()).hexdigest()

    def in_order(self, instruction: str, facts: str) -> tuple[str, str]:
        """The two parts of a user's message as they follow each other; without facts, the instruction and nothing."""
        return (facts, instruction) if self.facts_first and facts else (instruction, facts)


class _Declared(BaseModel):
    """A version's form.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answers: Literal["prose", "cited"] = "prose"
    abstention_share: float = Field(default=0.0, ge=0, lt=0.5)
    facts_first: bool = False
    states: Literal["chinese", "classes"] = "chinese"
    frozen: bool = True


def load_prompts(
    files: Mapping[str, Path],
    version: str,
    tasks: Collection[str],
    groups: Collection[FeatureGroup] | None = None,
) -> Prompts:
    """Read a version's files: system.txt, facts.txt and one text per task; form.json and without_facts.txt if there.

    :param files: of all versions, by names such as ``v1/system.txt``.
    :param tasks: the tasks in use, whose files must be there.
    :param groups: whose facts the snapshots hold; None: those that every snapshot does.
    :raises ConfigurationError: for a version or a file that is not there; it names the versions that are.
    """
    known = sorted({name.split("/")[0] for name in files if "/" in name})
    if version not in known:
        raise ConfigurationError(f"prompt_version: no version {version!r}; there is {', '.join(known) or 'none'}")
    named = [task for task in TASKS if task in tasks or f"{version}/{task}.txt" in files]
    texts = _texts(files, version, ("system", "facts", *named))
    declared = _optional(files, version, "form.json")
    form = _form(version, declared)
    chosen = features.GROUPS[:1] if groups is None else groups
    citable = citable_in(chosen)
    in_classes = form.states == "classes"
    shown = with_words(citable, chosen) if in_classes else citable
    words = class_words(shown) if in_classes else {}
    facts = texts["facts"].replace(FACTS_HERE, citable_template(shown))
    asked = _optional(files, version, "without_facts.txt").splitlines()
    return Prompts(
        version=version,
        system=texts["system"],
        facts=Template.parse(facts, f"{version}/facts.txt", words),
        instructions={t: Template.parse(texts[t], f"{version}/{t}.txt") for t in named},
        used=tuple(tasks),
        form=FORMS[form.answers],
        citable=citable,
        without_facts=tuple(Template.parse(line, f"{version}/without_facts.txt") for line in asked),
        facts_first=form.facts_first,
        abstention_share=form.abstention_share,
        declared=declared,
        is_frozen=form.frozen,
    )


def gives_facts_first(files: Mapping[str, Path], version: str) -> bool:
    """Tell whether questions of a version give the facts first: then those about one stock and session begin alike."""
    return _form(version, _optional(files, version, "form.json")).facts_first


def _texts(files: Mapping[str, Path], version: str, names: Iterable[str]) -> dict[str, str]:
    try:
        paths = {n: files[f"{version}/{n}.txt"] for n in names}
        return {n: path.read_text(encoding="utf-8").strip() for n, path in paths.items()}
    except KeyError as error:
        raise ConfigurationError(f"prompt_version {version}: there is no file {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"prompt_version {version}: {error}") from error


def _optional(files: Mapping[str, Path], version: str, name: str) -> str:
    """The text of a file that need not be there, else nothing."""
    path = files.get(f"{version}/{name}")
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"prompt_version {version}: {error}") from error


def _form(version: str, declared: str) -> _Declared:
    try:
        return _Declared.model_validate_json(declared) if declared else _Declared()
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigurationError(f"prompt {version}/form.json: {where or 'the file'}: {first['msg']}") from None


@dataclass(frozen=True)
class Expected:
    """What an answer to one question has to be: its form, and what it can cite."""

    task: str
    form: Form = PROSE
    citable: tuple[Citable, ...] = ()

    def schema(self) -> dict[str, Any]:
        """JSON schema for constrained decoding."""
        return self.form.schema(TASKS[self.task], self.citable)

    def read(self, text: str) -> ReadFields:
        """Read an answer strictly.

        :raises ValueError: it is not what was asked for.
        """
        return self.form.read(TASKS[self.task], text, self.citable)


def expected(task: str, snapshot: str, prompts: Prompts) -> Expected:
    """What an answer about a snapshot has to be."""
    return Expected(task, prompts.form, there(prompts.citable, json.loads(snapshot)))


def instruction_and_facts(task: str, snapshot: str, prompts: Prompts) -> tuple[str, str]:
    """The two parts of a user's message; :meth:`Prompts.in_order` tells which comes first."""
    facts = facts_of(snapshot)
    return prompts.instructions[task].fill(facts), prompts.facts.fill(facts)


def question(task: str, snapshot: str, prompts: Prompts, *, system: bool = True) -> tuple[Message, ...]:
    """Chat messages that ask a task about a snapshot, byte for byte as in the training data.

    :param system: leave out the system message for a model that was created with it.
    """
    user = {"role": "user", "content": "\n".join(prompts.in_order(*instruction_and_facts(task, snapshot, prompts)))}
    return ({"role": "system", "content": prompts.system}, user) if system else (user,)


def example_messages(examples: Iterable[tuple[str, str, str]], prompts: Prompts) -> tuple[Message, ...]:
    """User and assistant messages of few-shot examples, each (task, snapshot, answer), in the given order."""
    messages: list[Message] = []
    for task, snapshot, answer in examples:
        messages += question(task, snapshot, prompts, system=False)
        messages.append({"role": "assistant", "content": answer})
    return tuple(messages)
