"""A model as its manifest describes it: what `/api/show` tells and what a prompt is made from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ljwx_sandbox.ollama import layers
from ljwx_sandbox.ollama.errors import ApiError
from ljwx_sandbox.ollama.gguf.info import GgufInfo, read_gguf
from ljwx_sandbox.ollama.layers import Layer, Manifest
from ljwx_sandbox.ollama.names import ModelName
from ljwx_sandbox.ollama.store import ModelStore
from ljwx_sandbox.ollama.template import PLAIN


@dataclass(frozen=True)
class Model:
    """One tag, read."""

    name: ModelName
    manifest: Manifest
    gguf: Path
    config: dict[str, Any]
    template: str
    system: str
    parameters: dict[str, Any]
    messages: list[dict[str, Any]]
    license: str

    @classmethod
    def load(cls, store: ModelStore, text: object, bad_name: ApiError | None = None) -> Model:
        """Read the model named `text`; 400 without a name, 404 when it is not there or has no weights.

        :param bad_name: the answer to a text that is no name, which each route has its own for.
        """
        if not text:
            raise ApiError(400, "model is required")
        name = ModelName.parse(text)
        if name is None:
            raise bad_name or ApiError.missing_model(text)
        name = store.existing(name)
        manifest = store.read_listed(name)
        if manifest is None or manifest.layer(layers.MODEL) is None:
            raise ApiError.missing_model(text)
        return cls.of(store, name, manifest)

    @classmethod
    def of(cls, store: ModelStore, name: ModelName, manifest: Manifest) -> Model:
        """Read what a manifest with weights describes."""

        def content(media_type: str) -> str:
            layer = manifest.layer(media_type)
            return _text(store, layer) if layer else ""

        return cls(
            name, manifest, _blob(store, manifest.weights.digest), json.loads(_text(store, manifest.config)),
            content(layers.TEMPLATE) or PLAIN, content(layers.SYSTEM), json.loads(content(layers.PARAMS) or "{}"),
            json.loads(content(layers.MESSAGES) or "[]"), content(layers.LICENSE),
        )  # fmt: skip

    @property
    def info(self) -> GgufInfo:
        """Metadata of the weights."""
        return read_gguf(self.gguf)

    def details(self, parent: bool = True) -> dict[str, Any]:
        """The `details` of show (with the parent) and ps (without)."""
        return {
            "parent_model": self.manifest.weights.source if parent else "",
            "format": self.config["model_format"],
            "family": self.config["model_family"],
            "families": self.config["model_families"],
            "parameter_size": self.config["model_type"],
            "quantization_level": self.config["file_type"],
        }


def _text(store: ModelStore, layer: Layer) -> str:
    """Return a small layer's text; the ends of its lines stay as they are, CRLF included."""
    return _blob(store, layer.digest).read_bytes().decode()


def _blob(store: ModelStore, digest: str) -> Path:
    return store.blob(digest.removeprefix("sha256:"))
