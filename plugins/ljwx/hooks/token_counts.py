"""How many tokens a model server counts, and whether it can be believed: not every server counts, or refuses."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import count

from ljwx.core.ollama.requests import Messages
from ljwx.exceptions import ConfigurationError, PromptTooLong
from ljwx.hooks.ollama import OllamaHook

_LETTERS_PER_TOKEN = 4
"""No tokenizer has a token for as many hexadecimal digits without an order."""
_SHORT = 64
"""Digits of a prompt that fits wherever a question and its answer do."""
_WAY_OUT = "take a newer Ollama: 0.33 and 0.34 are known to count and to refuse"


def count_tokens(ollama: OllamaHook, model: str, messages: Messages, num_ctx: int) -> int:
    """Return the tokens of a conversation in the model's template, as its server counts them.

    :raises PromptTooLong: they do not fit `num_ctx`.
    :raises ConfigurationError: the server does not say how many they are.
    """
    reply = ollama.chat(model, messages, options={"num_ctx": num_ctx, "num_predict": 1, "temperature": 0})
    if reply.prompt_eval_count is None:
        raise no_count(ollama, model)
    return reply.prompt_eval_count


def no_count(ollama: OllamaHook, model: str) -> ConfigurationError:
    """Return the error of a server that does not say how many tokens a prompt has."""
    return ConfigurationError(
        f"{ollama.settings.url} does not say how many tokens a prompt of {model} has (prompt_eval_count): {_WAY_OUT}"
    )


def require_counts(ollama: OllamaHook, model: str, num_ctx: int) -> None:
    """See that counts can be believed: a prompt that cannot fit is refused, and one that is known is counted in full.

    A server that cuts the first counts what is left, which seems to fit; one that counts only what it computes anew
    finds every prompt short once it knows its beginning.

    :raises ConfigurationError: they cannot.
    """

    def counted(digits: int) -> int:
        text = "".join(_digits(digits))
        return count_tokens(ollama, model, [{"role": "user", "content": text}], num_ctx)

    first, again = (counted(_SHORT) for _ in range(2))
    if first != again or first < _SHORT // _LETTERS_PER_TOKEN:
        raise ConfigurationError(
            f"{ollama.settings.url} counts the same {_SHORT} digits with {model} as {first} tokens and as {again}: "
            f"{_WAY_OUT}"
        )
    try:
        counted(2 * _LETTERS_PER_TOKEN * num_ctx)
    except PromptTooLong:
        return
    raise ConfigurationError(
        f"{ollama.settings.url} cuts a prompt that is too long for {model} instead of refusing it (truncate), "
        f"so that its counts of tokens say nothing: {_WAY_OUT}"
    )


def _digits(length: int) -> Iterator[str]:
    """Yield pieces of hexadecimal digits without an order, always the same ones, `length` digits in all."""
    for block in count():
        piece = hashlib.sha256(b"%d" % block).hexdigest()[: length - 64 * block]
        if not piece:
            return
        yield piece
