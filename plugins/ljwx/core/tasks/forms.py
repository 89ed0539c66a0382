"""The forms of an answer: in prose with its numbers, as version v1 of the prompts asks, or by citing facts by key.

Pure: never imports airflow, an HTTP client or a database driver. Both put the class first, so that one token decides
it. A version of the prompts says which form it asks for: :mod:`ljwx.core.prompts`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import polars as pl

from ljwx.core.features.citable import Citable
from ljwx.core.tasks.answers import COMPACT
from ljwx.core.tasks.citing import citing_answer
from ljwx.core.tasks.definition import Numbers, TaskDefinition, TaskSpec, once

CITED: Final = "facts"
"""The field of an answer that holds the keys of the facts it cites."""


@dataclass(frozen=True)
class ReadFields:
    """What a valid answer says.

    :param fields: as JSON.
    :param probabilities: by class, as the answer states them; None where it states none.
    """

    label: str
    fields: Mapping[str, Any]
    probabilities: Mapping[str, float] | None = None


class Form(Protocol):
    """How answers are asked for, read and written. ``citable`` is what the prompt tells that can be cited."""

    def schema(self, task: TaskDefinition, citable: Sequence[Citable]) -> dict[str, Any]:
        """JSON schema for constrained decoding."""

    def read(self, task: TaskDefinition, text: str, citable: Sequence[Citable]) -> ReadFields:
        """Read a model's text strictly.

        :raises ValueError: it is not what was asked for.
        """

    def training_answer(
        self, task: TaskDefinition, spec: TaskSpec, rates: Numbers, citable: Sequence[Citable]
    ) -> pl.Expr:
        """The JSON of each row's answer in the training data.

        :param rates: class → its share of the train split.
        """


class Prose:
    """The task's own answer model: reasons, a sentence with its numbers, and the risk note."""

    def schema(self, task: TaskDefinition, citable: Sequence[Citable]) -> dict[str, Any]:  # noqa: ARG002 (a protocol's)
        """JSON schema for constrained decoding."""
        return task.schema()

    def read(self, task: TaskDefinition, text: str, citable: Sequence[Citable]) -> ReadFields:  # noqa: ARG002
        """Read a model's text strictly."""
        answer = task.parse(text)
        return ReadFields(
            task.label_of(answer), json.loads(answer.model_dump_json()), answer.stated_probabilities or None
        )

    def training_answer(
        self,
        task: TaskDefinition,
        spec: TaskSpec,
        rates: Numbers,
        citable: Sequence[Citable],  # noqa: ARG002
    ) -> pl.Expr:
        """The JSON of each row's answer."""
        return task.training_answer(spec, rates)


class Cited:
    """The class, and the keys of facts: no number and no prose, so that nothing can be said wrong.

    The schema asks for one key of each kind, which keeps a server's grammar small and rules out a key said twice.
    """

    def schema(self, task: TaskDefinition, citable: Sequence[Citable]) -> dict[str, Any]:
        """JSON schema for constrained decoding."""
        kinds = list(by_kind(citable).values())
        keys = {
            "type": "array",
            "prefixItems": [{"enum": [each.key for each in kind]} for kind in kinds],
            "minItems": len(kinds),
            "maxItems": len(kinds),
        }
        properties = {task.class_field: {"enum": list(task.classes)}, CITED: keys}
        return {
            "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False,
        } | COMPACT  # fmt: skip

    def read(self, task: TaskDefinition, text: str, citable: Sequence[Citable]) -> ReadFields:
        """Read a model's text strictly: a known class, and keys of the prompt, each once; their order is free."""
        said = json.loads(text, object_pairs_hook=once)
        if not isinstance(said, dict) or set(said) != {task.class_field, CITED}:
            raise ValueError(f"not the two fields {task.class_field} and {CITED}")
        label, keys = said[task.class_field], said[CITED]
        if label not in task.classes:
            raise ValueError(f"no class of {task.name}")
        if not isinstance(keys, list) or not keys or not all(isinstance(key, str) for key in keys):
            raise ValueError(f"{CITED} is no list of keys")
        if not {each.key for each in citable}.issuperset(keys):
            raise ValueError("a key that the facts do not have")
        if len(set(keys)) < len(keys):
            raise ValueError("a key is said twice")
        return ReadFields(str(label), said)

    def training_answer(
        self,
        task: TaskDefinition,
        spec: TaskSpec,  # noqa: ARG002
        rates: Numbers,  # noqa: ARG002
        citable: Sequence[Citable],
    ) -> pl.Expr:
        """The JSON of each row's answer: of each kind a fact that speaks for the class, where there is one."""
        return citing_answer(task, CITED, list(by_kind(citable).values()))


def by_kind(citable: Sequence[Citable]) -> dict[str, list[Citable]]:
    """What can be cited of each kind, in the order of the prompt."""
    kinds: dict[str, list[Citable]] = {}
    for each in citable:
        kinds.setdefault(each.kind, []).append(each)
    return kinds


PROSE: Final = Prose()
FORMS: Final[Mapping[str, Form]] = {"prose": PROSE, "cited": Cited()}
"""Each form by the name that a version of the prompts gives in its form.json."""
