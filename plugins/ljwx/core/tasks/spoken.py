"""A checked answer as sentences for people, with the snapshot's own numbers where it cites facts by key.

Pure: never imports airflow, an HTTP client or a database driver. The one renderer of the command line, of reports and
of whatever shows answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ljwx.core.snapshots.citable import Language, cited, sentence
from ljwx.core.tasks.definition import TaskDefinition


@dataclass(frozen=True)
class Spoken:
    """An answer in Chinese and in English."""

    zh: str
    en: str


def spoken(task: TaskDefinition, fields: Mapping[str, Any], facts: Mapping[str, Any]) -> Spoken:
    """Tell an answer: its class, what it rests on, and what is told for the task in any case.

    :param fields: of a valid answer, as JSON, in any form.
    :param facts: the parsed snapshot that it is about.
    """
    return Spoken(_chinese(task, fields, facts), _english(task, fields, facts))


def _chinese(task: TaskDefinition, fields: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    word, _ = _class(task, fields)
    because = [*_cited(fields, facts, "zh"), *_prose(fields)]
    text = f"{word}。依据:{';'.join(because)}。" if because else f"{word}。"
    more = list(_told(task, fields, facts, "zh"))
    return f"{text}另:{';'.join(more)}。" if more else text


def _english(task: TaskDefinition, fields: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    _, word = _class(task, fields)
    because = [*_cited(fields, facts, "en"), *_prose(fields)]
    text = f"{word.capitalize()}, because of {'; '.join(because)}." if because else f"{word.capitalize()}."
    more = list(_told(task, fields, facts, "en"))
    return f"{text} Also: {'; '.join(more)}." if more else text


def _class(task: TaskDefinition, fields: Mapping[str, Any]) -> tuple[str, str]:
    label = str(fields[task.class_field])
    return task.words.get(label, (label, label))


def _cited(fields: Mapping[str, Any], facts: Mapping[str, Any], language: Language) -> Iterator[str]:
    known = cited(facts)
    for key in fields.get("facts", ()):
        yield sentence(known[key], facts, language) if key in known else str(key)


def _prose(fields: Mapping[str, Any]) -> Iterator[str]:
    """What an answer in prose gives as its reasons, as it says them."""
    yield from (str(phrase) for phrase in (*fields.get("reasons", ()), *fields.get("factors", ())))
    if fields.get("analysis"):
        yield str(fields["analysis"])


def _told(
    task: TaskDefinition, fields: Mapping[str, Any], facts: Mapping[str, Any], language: Language
) -> Iterator[str]:
    known = cited(facts)
    said = {*fields.get("facts", ()), *fields}
    for key in task.tells:
        if key in known and key not in said:
            yield sentence(known[key], facts, language)
