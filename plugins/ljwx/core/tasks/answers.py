"""What an answer is made of: its fields' types, checked by pydantic, and the JSON schema that a model server keeps to.

Pure: never imports airflow, an HTTP client or a database driver. The class comes first, because its first token
carries the probabilities. A schema cannot bound a number, so every number here is one of a list.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from ljwx.core.features.technical.signals import PHRASES

Classes = tuple[str, str, str]
"""The three classes of a task, in the order in which ties are decided and tables are printed."""

ANALYSIS_MAX: Final = 60
REASONS_MAX: Final = 2
TENTHS: Final = 10


class OneOf:
    """Pydantic metadata: the value is one of a list, in the check and in the schema (where it becomes an ``enum``)."""

    def __init__(self, values: Iterable[object]) -> None:
        self.values = list(values)

    def check(self, value: object) -> object:
        """Return the value, or raise ValueError when it is not listed."""
        if value not in self.values:
            raise ValueError("must be one of the values that the schema lists")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"enum": self.values}


def shares_of_one(names: Classes) -> list[dict[str, float]]:
    """Every way to share 1 among three classes in tenths, none empty: the values a probability can have."""
    tenths = range(1, TENTHS - 1)
    triples = [(a, b, TENTHS - a - b) for a in tenths for b in tenths if a + b < TENTHS]
    return [dict(zip(names, (x / TENTHS for x in triple), strict=True)) for triple in triples]


def _without_control_characters(text: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise ValueError("a control character")
    return text


Phrases = Annotated[tuple[Annotated[str, OneOf(PHRASES)], ...], Field(min_length=1, max_length=REASONS_MAX)]
"""Signals of the snapshot that speak for the class, as subject and word in one."""
Analysis = Annotated[str, Field(min_length=1, max_length=ANALYSIS_MAX), AfterValidator(_without_control_characters)]
"""Prose."""
Note = Literal["不构成投资建议"]
RISK_NOTE: Final[str] = get_args(Note)[0]
"""The statement every answer carries in its own text: short, because a model pays for each character."""


class AnswerModel(BaseModel):
    """The answer to a task: its class first, then what explains it, and the risk note last."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @property
    def stated_probabilities(self) -> Mapping[str, float] | None:
        """The probability of each class that the answer states, summing to 1; None where the task asks for none."""
        shares: Mapping[str, float] | None = getattr(self, "probability", None)
        return shares


class _InOrder(GenerateJsonSchema):
    """Keeps keys as written: pydantic would sort those of listed objects, and the order is the order of decoding."""

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:  # noqa: ARG002 (inherited)
        return value


COMPACT: Final = {"x-guidance": {"whitespace_flexible": False, "item_separator": ",", "key_separator": ":"}}
"""llama.cpp's llguidance engine then spends no token on blanks between fields; other engines pass over the key."""


def decoding_schema(answer: type[AnswerModel]) -> dict[str, Any]:
    """JSON schema for constrained decoding: no references, fields in the model's order, all required, sizes bounded."""
    schema: dict[str, Any] = json.loads(_schema_text(answer))
    return schema


@cache
def _schema_text(answer: type[AnswerModel]) -> str:
    """The schema as text: it is sent with every question, and takes as long to make as some questions to send."""
    schema = answer.model_json_schema(schema_generator=_InOrder)
    return json.dumps(_plain(schema, schema.get("$defs", {})) | COMPACT)


def _plain(node: Any, definitions: dict[str, Any]) -> Any:
    """The schema without titles, descriptions and references."""
    if isinstance(node, list):
        return [_plain(x, definitions) for x in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _plain(definitions[node["$ref"].rpartition("/")[2]], definitions)
    if "enum" in node:
        return {"enum": node["enum"]}
    if "properties" in node:
        properties = {k: _plain(v, definitions) for k, v in node["properties"].items()}
        return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {k: _plain(v, definitions) for k, v in node.items() if k not in ("title", "description")}
