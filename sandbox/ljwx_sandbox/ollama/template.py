"""The part of Go's text/template that chat templates need: fields, range, if/else, eq and and/or/not, trim markers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

CHATML = "{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n"
CHATML_STOP = ("<|im_start|>", "<|im_end|>")
PLAIN = "{{ .Prompt }}"

_ACTION = re.compile(r"\{\{(-\s)?\s*(.*?)\s*(\s-)?\}\}", re.DOTALL)
_WORD = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|(\$?\.?[\w.$]+)|([()])")


class TemplateError(ValueError):
    """The template is broken, or uses what this stand-in does not know."""


@dataclass(frozen=True)
class Scope:
    """What `$` and `.` stand for."""

    root: Mapping[str, Any]
    dot: Any


Node = Callable[[Scope], str]


class Template:
    """A parsed template.

    :param think: whether to think first; None where nothing was said of it.
    """

    def __init__(self, source: str, think: bool | None = None) -> None:
        self.source = source
        self._asked = {"IsThinkSet": think is not None, "Think": bool(think)}
        self._tokens = _tokens(source)
        self._position = 0
        self._render = self._block(top=True)

    def render(self, messages: list[dict[str, Any]]) -> str:
        """Render messages, each with `role` and `content`.

        A template without `.Messages` is the older kind: it is rendered once a round of system, prompt and response.
        """
        if ".Messages" in self.source:
            system = "\n\n".join(m["content"] for m in messages if m["role"] == "system")
            capitalised = [{"Role": m["role"], "Content": m["content"]} for m in messages]
            values = {"Messages": capitalised, "System": system, "Response": "", **self._asked}
            return self._render(Scope(values, values))
        rounds = [{**values, **self._asked} for values in _rounds(messages)]
        return "".join(self._render(Scope(values, values)) for values in rounds)

    def _block(self, top: bool = False) -> Node:
        nodes: list[Node] = []
        while self._position < len(self._tokens):
            kind, text = self._tokens[self._position]
            if kind == "action" and text.split(" ")[0] in ("end", "else"):
                if top:
                    raise TemplateError(f"unexpected {{{{{text}}}}}")
                return _sequence(nodes)
            self._position += 1
            nodes.append(self._action(text) if kind == "action" else _constant(text))
        if not top:
            raise TemplateError("unexpected EOF")
        return _sequence(nodes)

    def _action(self, text: str) -> Node:
        keyword, _, rest = text.partition(" ")
        if keyword == "range":
            return self._range(_expression(rest))
        if keyword == "if":
            return self._if(_expression(rest))
        if text.startswith("/*"):
            return _constant("")
        value = _expression(text)
        return lambda scope: _show(value(scope))

    def _range(self, items: Callable[[Scope], Any]) -> Node:
        body = self._block()
        self._close()
        return lambda scope: "".join(body(Scope(scope.root, item)) for item in items(scope) or ())

    def _if(self, condition: Callable[[Scope], Any]) -> Node:
        body = self._block()
        _, text = self._tokens[self._position]
        if text == "end":
            self._close()
            otherwise = _constant("")
        else:
            self._position += 1
            otherwise = self._else(text)
        return lambda scope: body(scope) if condition(scope) else otherwise(scope)

    def _else(self, text: str) -> Node:
        if text.startswith("else if "):
            return self._if(_expression(text.removeprefix("else if ")))
        body = self._block()
        self._close()
        return body

    def _close(self) -> None:
        if self._tokens[self._position][1] != "end":
            raise TemplateError(f"unexpected {{{{{self._tokens[self._position][1]}}}}}")
        self._position += 1


def _tokens(source: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    position, trim = 0, False
    for match in _ACTION.finditer(source):
        text = source[position : match.start()]
        text = text.lstrip() if trim else text
        tokens.append(("text", text.rstrip() if match.group(1) else text))
        tokens.append(("action", match.group(2)))
        position, trim = match.end(), bool(match.group(3))
    rest = source[position:]
    if "{{" in rest:
        raise TemplateError("unclosed action")
    return [*tokens, ("text", rest.lstrip() if trim else rest)]


def _expression(text: str) -> Callable[[Scope], Any]:
    words = [match.groups() for match in _WORD.finditer(text)]
    if not words or _WORD.sub("", text).strip():
        raise TemplateError(f"unsupported expression {text!r}")
    value, rest = _call(words)
    if rest:
        raise TemplateError(f"unsupported expression {text!r}")
    return value


def _call(words: list[tuple[str | None, ...]]) -> tuple[Callable[[Scope], Any], list[tuple[str | None, ...]]]:
    function = words[0][1]
    if function not in _FUNCTIONS:
        return _operand(words)
    arguments, rest = [], words[1:]
    while rest and rest[0][2] != ")":
        argument, rest = _operand(rest)
        arguments.append(argument)
    compute = _FUNCTIONS[function]
    return (lambda scope: compute([argument(scope) for argument in arguments])), rest


def _operand(words: list[tuple[str | None, ...]]) -> tuple[Callable[[Scope], Any], list[tuple[str | None, ...]]]:
    literal, name, parenthesis = words[0]
    if parenthesis == "(":
        value, rest = _call(words[1:])
        if not rest or rest[0][2] != ")":
            raise TemplateError("unclosed parenthesis")
        return value, rest[1:]
    if literal is not None:
        text = literal.replace("\\n", "\n").replace('\\"', '"')
        return (lambda _: text), words[1:]
    if name is None or not name.startswith((".", "$.")):
        raise TemplateError(f"function {name!r} not defined")
    path = [part for part in name.removeprefix("$").split(".") if part]
    return (lambda scope: _lookup(scope.root if name.startswith("$") else scope.dot, path)), words[1:]


def _lookup(value: Any, path: Iterable[str]) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


_FUNCTIONS: dict[str | None, Callable[[list[Any]], Any]] = {
    "eq": lambda values: values[0] in values[1:],
    "ne": lambda values: values[0] != values[1],
    "not": lambda values: not values[0],
    "and": all,
    "or": lambda values: next((value for value in values if value), ""),
    "len": lambda values: len(values[0] or ()),
}


def _rounds(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rounds: list[dict[str, Any]] = []
    order = {"System": 0, "Prompt": 1, "Response": 2}
    current: dict[str, Any] = {}
    for message in messages:
        field = {"system": "System", "assistant": "Response"}.get(message["role"], "Prompt")
        if any(order[known] >= order[field] for known in current):
            rounds.append(current)
            current = {}
        current[field] = message["content"]
    return [*rounds, current] if current else rounds


def _sequence(nodes: list[Node]) -> Node:
    return lambda scope: "".join(node(scope) for node in nodes)


def _constant(text: str) -> Node:
    return lambda _: text


def _show(value: Any) -> str:
    return "" if value is None else str(value)
