"""The bytes of manifests, configs and small layers, byte for byte as Ollama writes them: digests agree."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

CONFIG = "application/vnd.docker.container.image.v1+json"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
MODEL, TEMPLATE, SYSTEM, PARAMS, MESSAGES, LICENSE = (
    f"application/vnd.ollama.image.{kind}" for kind in ("model", "template", "system", "params", "messages", "license")
)


def go_json(value: Any) -> bytes:
    """Encode as Go's json.Encoder does: compact, `<`, `>` and `&` escaped, a newline at the end."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f"{text}\n".encode()


@dataclass(frozen=True)
class Layer:
    """A blob in its role.

    :param digest: ``sha256:<hex>``.
    :param source: model or file it was taken from; recorded in the manifest.
    :param status: the progress line a create sends for it; not stored.
    """

    media_type: str
    digest: str
    size: int
    source: str = ""
    status: str = ""

    @property
    def entry(self) -> dict[str, Any]:
        """The layer as a manifest holds it."""
        entry: dict[str, Any] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        return {**entry, "from": self.source} if self.source else entry

    @classmethod
    def from_entry(cls, entry: dict[str, Any]) -> Layer:
        """Read a layer back from a manifest."""
        return cls(entry["mediaType"], entry["digest"], entry["size"], entry.get("from", ""))


@dataclass(frozen=True)
class Manifest:
    """What a tag points at: a config and layers. Its digest is the model's digest."""

    config: Layer
    layers: tuple[Layer, ...]

    @property
    def content(self) -> bytes:
        """The manifest file's bytes."""
        body = {"config": self.config.entry, "layers": [layer.entry for layer in self.layers] or None}
        return go_json({"schemaVersion": 2, "mediaType": MANIFEST, **body})

    @classmethod
    def from_bytes(cls, content: bytes) -> Manifest:
        """Read a manifest file."""
        body = json.loads(content)
        layers = tuple(Layer.from_entry(entry) for entry in body["layers"] or ())
        return cls(Layer.from_entry(body["config"]), layers)

    @property
    def digest(self) -> str:
        """64 hex digits, the model's identity in lists."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def digests(self) -> list[str]:
        """Digests of every blob the manifest needs."""
        return [layer.digest for layer in (self.config, *self.layers)]

    @property
    def size(self) -> int:
        """Bytes of every blob the manifest needs, shared or not."""
        return sum(layer.size for layer in (self.config, *self.layers))

    @property
    def weights(self) -> Layer:
        """The layer of the weights, which a shell has none of."""
        return next(layer for layer in self.layers if layer.media_type == MODEL)

    def layer(self, media_type: str) -> Layer | None:
        """Return the layer in this role, if there is one."""
        return next((layer for layer in self.layers if layer.media_type == media_type), None)
