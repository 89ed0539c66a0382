"""The words of the scripted engine: a value that fits a JSON schema, or a sentence, as tokens with probabilities."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import log
from random import Random
from typing import Any

from ljwx_sandbox.ollama.errors import ApiError

_WORDS = ("多头", "空头", "量价", "均线", "波动", "趋势", "支撑", "压力", "回撤", "反弹", "震荡", "资金")
_SPLIT = re.compile(r"[A-Za-z_]+|[0-9.]+|.", re.DOTALL)
_KNOWN = {
    "type", "enum", "const", "properties", "required", "additionalProperties", "items", "prefixItems", "minItems",
    "maxItems",
    "minLength", "maxLength", "minimum", "maximum", "anyOf", "oneOf", "$ref", "$defs", "definitions", "title",
    "description", "default", "examples", "x-guidance",
}  # fmt: skip
_CERTAIN = 0.98
_UNLIKELY = tuple(f" {letter}" for letter in "abcdefghijklmnopqrstuvwxyz")
"""Texts that are never said, to fill the list of alternatives."""
_UNLIKELY_SHARE = (1 - _CERTAIN) / len(_UNLIKELY)


@dataclass(frozen=True)
class Token:
    """A token of an answer.

    :param options: the texts that could stand here with their probabilities, the likeliest first.
    """

    text: str
    options: tuple[tuple[str, float], ...] = ()

    def entry(self, count: int) -> dict[str, Any]:
        """The token with its log-probability and the `count` likeliest in its place, as llama.cpp gives them."""
        options = self.options or ((self.text, _CERTAIN),)
        known = {text for text, _ in options}
        others = [word for word in _UNLIKELY if word not in known][: max(0, count - len(options))]
        told = [_entry(text, share) for text, share in (*options, *((word, _UNLIKELY_SHARE) for word in others))]
        own = next(each for each in told if each["token"] == self.text)
        return {**own, "top_logprobs": told[:count]}


def _entry(text: str, share: float) -> dict[str, Any]:
    return {"token": text, "logprob": log(share), "bytes": list(text.encode())}


@dataclass(frozen=True)
class Layout:
    """What stands between the tokens of a JSON text.

    :param spaced: whether anything does: a line for each item, and a blank before a value.
    :param depth: how many objects and lists are open.
    """

    spaced: bool
    depth: int = 0

    @property
    def inner(self) -> Layout:
        """The layout inside of an object or a list."""
        return Layout(self.spaced, self.depth + 1)

    @property
    def line(self) -> list[Token]:
        """A new line with its indent."""
        return [Token("\n"), Token("  " * self.depth)][: 1 + bool(self.depth)] if self.spaced else []


def prose(dice: Random) -> Iterator[Token]:
    """Yield a sentence of eight words."""
    yield from (Token(f"{dice.choice(_WORDS)}，") for _ in range(7))
    yield Token(f"{dice.choice(_WORDS)}。")


def fitting(schema: Any, root: dict[str, Any], dice: Random, layout: Layout) -> Iterator[Token]:
    """Yield the tokens of a value that a schema allows; 400 for a word of JSON Schema that is not known here."""
    schema = _resolved(schema, root)
    if unknown := sorted(schema.keys() - _KNOWN):
        raise ApiError(400, f"the scripted engine does not know the schema's {', '.join(unknown)}")
    choices = [schema["const"]] if "const" in schema else schema.get("enum")
    if choices is not None:
        yield from _choice(choices, dice)
        return
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = dice.choice(kind) if isinstance(kind, list) else kind
    if kind == "object":
        yield from _object(schema, root, dice, layout)
    elif kind == "array":
        yield from _array(schema, root, dice, layout)
    else:
        yield from _pieces(json.dumps(_scalar(kind, schema, dice), ensure_ascii=False))


def _resolved(schema: Any, root: dict[str, Any]) -> dict[str, Any]:
    """Follow references, and take the first of several schemas."""
    if not isinstance(schema, dict):
        return {}
    if "$ref" in schema:
        found: Any = root
        for part in schema["$ref"].removeprefix("#").split("/"):
            found = found[part] if part else found
        return _resolved(found, root)
    first = next((schema[name][0] for name in ("anyOf", "oneOf") if schema.get(name)), None)
    return schema if first is None else _resolved(first, root)


def _choice(values: list[Any], dice: Random) -> Iterator[Token]:
    """Yield one of the values; where all are texts, the token that decides tells how likely each one is."""
    if not all(isinstance(value, str) for value in values):
        yield from _pieces(json.dumps(dice.choice(values), ensure_ascii=False, separators=(",", ":")))
        return
    weights = [dice.uniform(0.1, 1) for _ in values]
    shares = [_CERTAIN * weight / sum(weights) for weight in weights]
    texts = [json.dumps(value, ensure_ascii=False)[1:-1] for value in values]
    options = sorted(zip(texts, shares, strict=True), key=lambda option: -option[1])
    yield Token('"')
    yield Token(options[0][0], tuple(options))
    yield Token('"')


def _object(schema: dict[str, Any], root: dict[str, Any], dice: Random, layout: Layout) -> Iterator[Token]:
    inner = layout.inner
    yield Token("{")
    for at, (name, child) in enumerate(schema.get("properties", {}).items()):
        yield from [Token(",")] * bool(at) + inner.line
        yield from _pieces(json.dumps(name, ensure_ascii=False) + ":")
        value = fitting(child, root, dice, inner)
        if layout.spaced:  # the blank and what follows are one token, as a language model's often are
            first = next(value)
            yield Token(f" {first.text}", tuple((f" {text}", share) for text, share in first.options))
        yield from value
    yield from layout.line
    yield Token("}")


def _array(schema: dict[str, Any], root: dict[str, Any], dice: Random, layout: Layout) -> Iterator[Token]:
    inner, first = layout.inner, schema.get("prefixItems", [])
    least = schema.get("minItems", len(first) or 1)
    yield Token("[")
    for at in range(dice.randint(least, schema.get("maxItems", least))):
        yield from [Token(",")] * bool(at) + inner.line
        yield from fitting(first[at] if at < len(first) else schema.get("items", {}), root, dice, inner)
    yield from layout.line
    yield Token("]")


def _scalar(kind: str, schema: dict[str, Any], dice: Random) -> Any:
    if kind == "string":
        least, most = schema.get("minLength", 1), schema.get("maxLength", 24)
        words = "".join(dice.choice(_WORDS) for _ in range(4 + least // 2))
        return words[: max(least, min(most, len(words)))]
    if kind in ("number", "integer"):
        low = schema.get("minimum", 0)
        return dice.randint(int(low), int(schema.get("maximum", low + 9)))
    return dice.random() < 0.5 if kind == "boolean" else None


def _pieces(text: str) -> Iterator[Token]:
    yield from map(Token, _SPLIT.findall(text))
