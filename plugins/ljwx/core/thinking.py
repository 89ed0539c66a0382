"""Models that think before they answer: what of a text is thought, and what is said. Pure: no airflow, HTTP or SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, Protocol, TypeVar

Think = bool | Literal["low", "medium", "high", "max"]
"""Whether a model may think first; some models only tell how much."""
CAPABILITY: Final = "thinking"
"""How a server names it among what a model can do."""
_OPEN, _CLOSE = "<think>", "</think>"


class _Token(Protocol):
    @property
    def token(self) -> str:
        """The text."""


Token = TypeVar("Token", bound=_Token)


def in_tags(thinking: str, content: str) -> str:
    """Return one text of what was thought and what was said, in the form that models without two fields write."""
    return f"{_OPEN}{thinking}{_CLOSE}{content}" if thinking else content


def split_thinking(text: str) -> tuple[str, str]:
    """Return what was thought and what was said behind it.

    Some templates open the thought before the answer begins, so that only its end is in the text. A thought without an
    end is all that there is. A JSON answer may hold the tag as a text.

    >>> split_thinking("<think>up?</think> {}"), split_thinking("up?</think>{}"), split_thinking("<think>up")
    (('up?', '{}'), ('up?', '{}'), ('up', ''))
    """
    begun = text.lstrip()
    opened = begun.startswith(_OPEN)
    if not opened and (begun[:1] in ("{", "[") or _CLOSE not in begun):
        return "", text
    thought, _, said = begun.removeprefix(_OPEN).partition(_CLOSE)
    return thought, said.lstrip()


def said_tokens(tokens: Sequence[Token], thinking: str, content: str) -> tuple[Token, ...]:
    """Return the tokens of what was said; none where a model thought and it is not clear where it ended.

    :param tokens: of the whole answer, or of what was said alone: servers do both.
    """
    if not thinking:
        return tuple(tokens)
    text = "".join(token.token for token in tokens)
    start = text.rfind(content)
    if not content or start < 0:
        return ()
    said, end = [], 0
    for token in tokens:
        end += len(token.token)
        if end > start:
            said.append(token)
    return tuple(said)
