"""From messages to the tokens that are asked: template, context limit, and what is cut when it does not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ljwx_sandbox.ollama.errors import ApiError
from ljwx_sandbox.ollama.template import Template

_KEEP = 4

Tokenize = Callable[[str], list[int]]
Message = dict[str, Any]


def with_own(system: str, own: list[Message], messages: list[Message]) -> list[Message]:
    """Put a model's system prompt and own messages before a request's, which may open with its own system prompt."""
    joined = [*own, *messages]
    if system and messages[0]["role"] != "system":
        return [{"role": "system", "content": system}, *joined]
    return joined


def fitted(template: Template, messages: list[Message], tokenize: Tokenize, context: int, truncate: bool) -> list[int]:
    """Return the prompt's tokens, at most `context`.

    With `truncate` the oldest messages go first (system messages stay), then the newest part of the last one is kept,
    in the way llama.cpp cuts; without it a prompt that is too long is refused.
    """
    tokens = tokenize(template.render(messages))
    if not truncate:
        return _checked(tokens, context)
    first = 0
    while len(tokens) > context and first < len(messages) - 1:
        first += 1
        system = [message for message in messages[:first] if message["role"] == "system"]
        tokens = tokenize(template.render([*system, *messages[first:]]))
    return cut(tokens, context)


def cut(tokens: list[int], context: int) -> list[int]:
    """Keep the first few tokens and the newest half of the context when the prompt fills it."""
    if len(tokens) < context:
        return tokens
    return [*tokens[:_KEEP], *tokens[-((context - _KEEP) // 2) :]]


def _checked(tokens: list[int], context: int) -> list[int]:
    if len(tokens) >= context:
        size = (
            f"request ({len(tokens)} tokens) exceeds the available context size ({context} tokens), try increasing it"
        )
        error = {"code": 400, "message": size, "type": "exceed_context_size_error"}
        counts = {"n_prompt_tokens": len(tokens), "n_ctx": context}
        raise ApiError(400, json.dumps({"error": {**error, **counts}}, separators=(",", ":")))
    return tokens


def checked(tokens: list[int], context: int, truncate: bool) -> list[int]:
    """Apply the context limit to a prompt that is no list of messages."""
    return cut(tokens, context) if truncate else _checked(tokens, context)
