"""Names of models as Ollama reads them: ``[namespace/]model[:tag]``, the tag `latest` when none is given."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}\Z")
_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})\Z")


@dataclass(frozen=True)
class ModelName:
    """A valid name in its parts; the namespace of an unqualified name is `library`."""

    namespace: str
    model: str
    tag: str

    @classmethod
    def parse(cls, text: object) -> ModelName | None:
        """Return the name, or None when `text` is not a valid one."""
        if not isinstance(text, str):
            return None
        path, _, tag = text.partition(":")
        namespace, _, model = path.rpartition("/")
        parts = (namespace or "library", model, tag if ":" in text else "latest")
        return cls(*parts) if all(_PART.match(part) for part in parts) else None

    @property
    def short(self) -> str:
        """The name as lists and answers show it."""
        prefix = "" if self.namespace == "library" else f"{self.namespace}/"
        return f"{prefix}{self.model}:{self.tag}"


def parse_digest(text: object) -> str | None:
    """Return the 64 hex digits of ``sha256:<hex>`` (or ``sha256-<hex>``), or None when it is no such digest."""
    match = _DIGEST.match(text) if isinstance(text, str) else None
    return match.group(1) if match else None
