"""Names of models as Ollama reads them: ``[[host/]namespace/]model[:tag]``, the tag `latest` when none is given."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

HOST = "registry.ollama.ai"
NAMESPACE = "library"

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}\Z")
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}\Z")
_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})\Z")


@dataclass(frozen=True)
class ModelName:
    """A valid name in its parts; what an unqualified name leaves out is the public registry's library."""

    namespace: str
    model: str
    tag: str
    host: str = HOST

    @classmethod
    def parse(cls, text: object) -> ModelName | None:
        """Return the name, or None when `text` is not a valid one."""
        if not isinstance(text, str):
            return None
        path, slash, last = text.rpartition("/")  # a host may have a port, so the tag's colon is behind the slash
        model, colon, tag = last.partition(":")
        host, _, namespace = path.rpartition("/")
        parts = (_or(NAMESPACE, namespace if slash else ""), model, tag if colon else "latest")
        if (slash and not namespace) or not all(map(_PART.match, parts)) or not _HOST.match(host or HOST):
            return None
        return cls(*parts, host=_or(HOST, host))

    @property
    def short(self) -> str:
        """The name as lists and answers show it."""
        host = "" if self.host == HOST else f"{self.host}/"
        namespace = "" if not host and self.namespace == NAMESPACE else f"{self.namespace}/"
        return f"{host}{namespace}{self.model}:{self.tag}"

    def spelled_as(self, known: Iterable[ModelName]) -> ModelName:
        """Return the name with each part in the case in which a known name has it: names are compared without case."""
        name = self
        for other in known:
            same = {part: value for part, value in vars(other).items() if value.lower() == getattr(name, part).lower()}
            name = replace(name, **same)
        return name


def _or(default: str, text: str) -> str:
    """Return the default where there is no text, and where it is the default in another case."""
    return text if text.lower() not in ("", default) else default


def parse_digest(text: object) -> str | None:
    """Return the 64 hex digits of ``sha256:<hex>`` (or ``sha256-<hex>``), or None when it is no such digest."""
    match = _DIGEST.match(text) if isinstance(text, str) else None
    return match.group(1) if match else None
