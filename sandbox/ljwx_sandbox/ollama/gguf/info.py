"""What a GGUF file says about itself, in the words Ollama uses for it."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gguf import GGMLQuantizationType, LlamaFileType

from ljwx_sandbox.ollama.gguf.header import read_header


@dataclass(frozen=True)
class GgufInfo:
    """A model file's metadata.

    :param kv: every key with its value; the value of a list is None, as `/api/show` gives it.
    :param tensors: name, type and shape of each tensor.
    """

    architecture: str
    parameters: int
    file_type: str
    kv: dict[str, Any]
    tensors: tuple[dict[str, Any], ...]

    @property
    def parameter_size(self) -> str:
        """Number of parameters for people: ``134.52M``."""
        for unit, size in (("B", 1e9), ("M", 1e6), ("K", 1e3)):
            if self.parameters >= size:
                value = self.parameters / size
                return f"{value:.1f}{unit}" if unit == "B" else f"{value:.2f}{unit}"
        return str(self.parameters)

    @property
    def context_length(self) -> int:
        """Tokens the model was trained to look at."""
        return int(self.kv.get(f"{self.architecture}.context_length", 0))

    @property
    def embedding_length(self) -> int:
        """Width of the model."""
        return int(self.kv.get(f"{self.architecture}.embedding_length", 0))

    @property
    def chat_template(self) -> str:
        """The Jinja template the file carries, empty when it carries none."""
        return str(self.kv.get("tokenizer.chat_template", ""))

    def cache_bytes(self, context: int) -> int:
        """Bytes of the key-value cache for `context` tokens in half precision."""
        get = functools.partial(self._number)
        heads = get("attention.head_count") or 1
        width = (get("attention.head_count_kv") or heads) * (self.embedding_length // heads)
        return context * get("block_count") * width * 2 * 2

    def _number(self, key: str) -> int:
        return int(self.kv.get(f"{self.architecture}.{key}", 0))


@functools.lru_cache(maxsize=8)
def read_gguf(path: Path) -> GgufInfo:
    """Read a GGUF file's header; ValueError when it is not one."""
    kv, found = read_header(path)
    parameters = sum(math.prod(shape) for _, shape, _ in found)
    tensors = tuple(
        {"name": name, "type": GGMLQuantizationType(kind).name, "shape": list(shape)} for name, shape, kind in found
    )
    kv["general.parameter_count"] = parameters
    return GgufInfo(str(kv["general.architecture"]), parameters, _file_type(kv), kv, tensors)


def _file_type(kv: Mapping[str, Any]) -> str:
    """Return the form of most tensors, such as F16; ``unknown`` where the file does not tell it."""
    if "general.file_type" not in kv:
        return "unknown"
    return LlamaFileType(int(kv["general.file_type"])).name.removeprefix("MOSTLY_").removeprefix("ALL_")
