"""What deleting a tag of the model server gives back. Pure: no airflow, HTTP or SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Tag:
    """A tag on the model server.

    :param digest: 64 hex digits of what it points at.
    :param size: bytes, shared blobs included.
    :param weights: 64 hex digits of its weights; empty when the server does not tell.
    :param texts: texts that are blobs of their own: template, system prompt, examples.
    """

    digest: str
    size: int
    weights: str
    texts: frozenset[str] = frozenset()


def reclaimed(name: str, tags: Mapping[str, Tag]) -> int:
    """Return the bytes that deleting a tag gives back: blobs that another tag uses stay.

    Where the weights stay, the texts of its own are counted, and not its parameters and its manifest, a few hundred
    bytes; so a model that shares its weights is never said to give back too much.

    :param tags: every tag that is left on the server, this one included.
    """
    mine, others = tags[name], [tag for other, tag in tags.items() if other != name]
    if any(other.digest == mine.digest for other in others):
        return 0
    shared = {text for text in mine.texts if any(text in other.texts for other in others)}
    if mine.weights and any(other.weights == mine.weights for other in others):
        return _bytes(mine.texts - shared)
    return mine.size - _bytes(shared)


def _bytes(texts: Iterable[str]) -> int:
    return sum(len(text.encode()) for text in texts)
