"""The four tasks' answers: what a model must say, checked by pydantic, and the JSON schema that makes it say so.

Pure: never imports airflow, an HTTP client or a database driver. The class comes first, because its first token
carries the probabilities. A schema cannot bound a number, so every number here is one of a list.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from ljwx.core.features.technical.facts import LEVEL_LIMIT, LEVEL_STEP, RANGE_LIMIT
from ljwx.core.features.technical.signals import PHRASES, SIGNAL
from ljwx.core.tasks import CLASSES, Task

ANALYSIS_MAX: Final = 60
REASONS_MAX: Final = 2
TENTHS: Final = 10


class _InOrder(GenerateJsonSchema):
    """Keeps keys as written: pydantic would sort those of listed objects, and the order is the order of decoding."""

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:  # noqa: ARG002 (inherited)
        return value


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


def shares_of_one(names: tuple[str, str, str]) -> list[dict[str, float]]:
    """Every way to share 1 among three classes in tenths, none empty: the values a probability can have."""
    tenths = range(1, TENTHS - 1)
    triples = [(a, b, TENTHS - a - b) for a in tenths for b in tenths if a + b < TENTHS]
    return [dict(zip(names, (x / TENTHS for x in triple), strict=True)) for triple in triples]


_STEPS: Final = [LEVEL_STEP * k for k in range(1, int(LEVEL_LIMIT / LEVEL_STEP) + 1)]
_RANGE: Final = range(1, RANGE_LIMIT + 1)

Phrases = Annotated[tuple[Annotated[str, OneOf(PHRASES)], ...], Field(min_length=1, max_length=REASONS_MAX)]
Analysis = Annotated[str, Field(min_length=1, max_length=ANALYSIS_MAX)]
Note = Literal["不构成投资建议"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class InvestmentAdvice(_Strict):
    """Buy, hold or sell, by the tradable return in excess of the equal-weight market."""

    advice: Literal["buy", "hold", "sell"]
    probability: Annotated[dict[str, float], OneOf(shares_of_one(CLASSES["investment_advice"]))]
    reasons: Phrases
    analysis: Analysis
    note: Note


class RiskAssessment(_Strict):
    """Low, medium or high, by realised volatility and drawdown."""

    risk: Literal["low", "medium", "high"]
    factors: Phrases
    analysis: Analysis
    note: Note


class ExpectedRange(_Strict):
    """One standard deviation of the horizon to either side, whole percents."""

    low: Annotated[int, OneOf(-x for x in reversed(_RANGE))]
    high: Annotated[int, OneOf(_RANGE)]


class PriceDirection(_Strict):
    """Up, flat or down, by the tradable return."""

    direction: Literal["up", "flat", "down"]
    probability: Annotated[dict[str, float], OneOf(shares_of_one(CLASSES["price_direction"]))]
    range: ExpectedRange
    analysis: Analysis
    note: Note


class TechnicalAnalysis(_Strict):
    """The states that the named rules give, their conclusion, and levels in percent of the close (null: none)."""

    conclusion: Literal["bullish", "neutral", "bearish"]
    rsi: Annotated[str, OneOf(SIGNAL["rsi"].words)]
    macd: Annotated[str, OneOf(SIGNAL["macd"].words)]
    ma: Annotated[str, OneOf(SIGNAL["ma"].words)]
    boll: Annotated[str, OneOf(SIGNAL["boll"].words)]
    kdj: Annotated[str, OneOf(SIGNAL["kdj"].words)]
    support: Annotated[float | None, OneOf([*(-x for x in reversed(_STEPS)), None])]
    resistance: Annotated[float | None, OneOf([*_STEPS, None])]
    analysis: Analysis
    note: Note


AnswerModel = InvestmentAdvice | RiskAssessment | PriceDirection | TechnicalAnalysis

ANSWERS: Final[dict[Task, type[InvestmentAdvice | RiskAssessment | PriceDirection | TechnicalAnalysis]]] = {
    "investment_advice": InvestmentAdvice,
    "risk_assessment": RiskAssessment,
    "price_direction": PriceDirection,
    "technical_analysis": TechnicalAnalysis,
}
CLASS_FIELD: Final[dict[Task, str]] = {
    "investment_advice": "advice",
    "risk_assessment": "risk",
    "price_direction": "direction",
    "technical_analysis": "conclusion",
}


def parse_answer(task: Task, text: str) -> AnswerModel:
    """Check a model's text against its task.

    :raises ValueError: it is not JSON, lacks or adds a field, or has a wrong value or a control character in its prose.
    """
    answer: AnswerModel = ANSWERS[task].model_validate_json(text)
    if any(unicodedata.category(character) == "Cc" for character in answer.analysis):
        raise ValueError("analysis: a control character")
    return answer


def label_of(task: Task, answer: AnswerModel) -> str:
    """The class an answer decides for, one of ``CLASSES[task]``."""
    return str(getattr(answer, CLASS_FIELD[task]))


def probabilities_of(answer: AnswerModel) -> dict[str, float] | None:
    """The answer's own probabilities, summing to 1, or None for tasks that state none."""
    return dict(answer.probability) if isinstance(answer, InvestmentAdvice | PriceDirection) else None


def answer_schema(task: Task) -> dict[str, Any]:
    """JSON schema for constrained decoding: no references, fields in the model's order, all required, sizes bounded."""
    schema = ANSWERS[task].model_json_schema(schema_generator=_InOrder)
    plain: dict[str, Any] = _plain(schema, schema.get("$defs", {}))
    return plain | _COMPACT


_COMPACT: Final = {"x-guidance": {"whitespace_flexible": False, "item_separator": ",", "key_separator": ":"}}
"""llama.cpp's llguidance engine then spends no token on blanks between fields; other engines pass over the key."""


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
