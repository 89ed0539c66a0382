"""`format`: what llama.cpp is asked to constrain an answer to.

llama.cpp's grammar engine here (llguidance) drops a schema it cannot compile and answers unconstrained, without a word.
So a schema is checked before, and a finished answer is checked to be JSON. Where the two engines of llama.cpp differ,
the schema is told in the words that keep this one to what a real server allows: no properties beside the named ones,
and no white space without end (here none at all, which is the one bound this engine has).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ljwx_sandbox.ollama.errors import ApiError

_COMPACT = {"x-guidance": {"whitespace_flexible": False}}
_SPACED = {"x-guidance": {"whitespace_flexible": True, "whitespace_pattern": r" |\n{1,2}[ \t]{0,20}"}}
_KINDS = {"object", "array", "string", "number", "integer", "boolean", "null"}
_CHILDREN = ("items", "additionalProperties", "contains", "propertyNames", "not")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS = ("properties", "$defs", "definitions", "patternProperties")


def constraint(form: Any, *, pretty: bool = False) -> dict[str, Any]:
    """Return the part of llama.cpp's request that constrains the answer; empty when nothing is asked.

    :param pretty: whether white space may stand between the answer's tokens.
    """
    if form in (None, ""):
        return {}
    blanks = _SPACED if pretty else _COMPACT
    if form == "json":
        return {"json_schema": {"type": "object", **blanks}}
    if not isinstance(form, dict):
        message = f'invalid format: {json.dumps(json.dumps(form))}; expected "json" or a valid JSON Schema object'
        raise ApiError(500, message)
    problem = next(_problems(form, form, "#"), None)
    if problem is not None:
        raise ApiError(
            400, _runner_error(f"Field 'json_schema': \"json_schema\": JSON schema conversion failed:\n{problem}")
        )
    return {"json_schema": {**_closed(form), **blanks}}


def check_answer(form: Any, text: str) -> None:
    """Refuse a finished answer that is not the JSON that was asked for."""
    if form in (None, ""):
        return
    try:
        json.loads(text)
    except ValueError as error:
        raise ApiError(500, f"the grammar engine did not apply the requested format: {error}") from error


def _runner_error(message: str) -> str:
    error = {"code": 400, "message": message, "type": "invalid_request_error"}
    return json.dumps({"error": error}, separators=(",", ":"))


def _problems(schema: Any, root: dict[str, Any], where: str) -> Iterator[str]:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        yield f"JSON schema error at {where}: expected an object"
        return
    kinds = schema.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if kind not in _KINDS:
            yield f"JSON schema error at {where}: unrecognized type {kind}"
    if "$ref" in schema and not _resolves(schema["$ref"], root):
        yield f"JSON schema error at {where}: unresolved reference {schema['$ref']}"
    for path, child in _children(schema):
        yield from _problems(child, root, f"{where}/{path}")


def _children(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from ((key, schema[key]) for key in _CHILDREN if key in schema)
    for key in _LISTS:
        yield from ((f"{key}/{index}", child) for index, child in enumerate(schema.get(key, [])))
    for key in _MAPS:
        yield from ((f"{key}/{name}", child) for name, child in schema.get(key, {}).items())


def _closed(schema: Any) -> Any:
    """Close every object that names its properties and says nothing of others."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    children = {
        key: {name: _closed(child) for name, child in value.items()} if key in _MAPS else _closed(value)
        for key, value in schema.items()
        if key not in ("enum", "const", "default", "examples")
    }
    closed = {"additionalProperties": False} if "properties" in schema else {}
    return {**closed, **schema, **children}


def _resolves(reference: Any, root: Any) -> bool:
    if not isinstance(reference, str) or not reference.startswith("#"):
        return False
    value = root
    for part in [part for part in reference[1:].split("/") if part]:
        value = value.get(part) if isinstance(value, dict) else None
    return value is not None
