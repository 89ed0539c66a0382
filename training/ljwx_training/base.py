"""The base: a GGUF file as the model that transformers trains, in the weights that the server serves.

llama.cpp keeps the rows of q and k of the llama architecture in another order than transformers (pairs of a rotation
side by side); they are put back here, and once more in :mod:`ljwx_training.export`. qwen2 and qwen3 keep theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from gguf import GGUFReader, ReaderTensor, dequantize
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)
from transformers.distributed.configuration_utils import DistributedConfig

from ljwx_training import prefix
from ljwx_training.errors import DamagedBase, UnknownArchitecture

BLOCK: Final = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
"""Parts of a block: llama.cpp's name, transformers' name."""

OUTSIDE: Final = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


@dataclass(frozen=True)
class Architecture:
    """How transformers builds it, and whether its q and k rows are in llama.cpp's order."""

    config: Callable[..., PreTrainedConfig]
    model: Any
    permuted: bool


ARCHITECTURES: Final = {
    "llama": Architecture(LlamaConfig, LlamaForCausalLM, permuted=True),
    "qwen2": Architecture(Qwen2Config, Qwen2ForCausalLM, permuted=False),
    "qwen3": Architecture(Qwen3Config, Qwen3ForCausalLM, permuted=False),
}


class _Reader(GGUFReader):
    """Takes slices of a plain array: of a mapped one each would be a mapped array again, which takes longer.

    A tokenizer's tokens and merges are some hundred thousand of them.
    """

    def _get(self, *what: Any, **how: Any) -> np.ndarray:
        self.data = np.asarray(self.data)  # type: ignore[assignment]
        return super()._get(*what, **how)


class Base:
    """A GGUF file, read where it lies (mapped, not copied).

    :raises DamagedBase: it is not a GGUF file, or is cut short.
    :raises UnknownArchitecture: it cannot be trained here.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.reader = _Reader(path)
        except Exception as error:  # the reader has no errors of its own: struct, numpy and ValueError
            raise DamagedBase(f"{path} is not a whole GGUF file: {str(error).splitlines()[0][:120]}") from error
        for tensor in self.reader.tensors:
            if tensor.data_offset + int(tensor.n_bytes) > path.stat().st_size:
                raise DamagedBase(f"{path} ends before the tensor {tensor.name} does")
        name = self.value("general.architecture")
        if name not in ARCHITECTURES:
            raise UnknownArchitecture(f"{path} is of architecture {name}; known here: {', '.join(ARCHITECTURES)}")
        self.name = str(name)
        self.architecture = ARCHITECTURES[self.name]
        scaling = self.value(f"{self.name}.rope.scaling.type", "none")
        if scaling != "none":
            raise UnknownArchitecture(f"{path} scales its positions ({scaling}), which is not known here")

    def value(self, key: str, default: Any = None) -> Any:
        """Return a value of the file's metadata."""
        field = self.reader.get_field(key)
        return default if field is None else field.contents()

    def needed(self, key: str) -> Any:
        """Return a value of the architecture's own, without which there is no model."""
        value = self.value(f"{self.name}.{key}")
        if value is None:
            raise DamagedBase(f"{self.path} does not say {self.name}.{key}")
        return value

    @cached_property
    def tensors(self) -> dict[str, ReaderTensor]:
        """The tensors by llama.cpp's names."""
        return {tensor.name: tensor for tensor in self.reader.tensors}

    @cached_property
    def config(self) -> PreTrainedConfig:
        """What transformers needs to build the model."""
        heads, width = self.needed("attention.head_count"), self.needed("embedding_length")
        if "token_embd.weight" not in self.tensors:
            raise DamagedBase(f"{self.path} has no tensor token_embd.weight")
        return self.architecture.config(
            vocab_size=int(self.tensors["token_embd.weight"].shape[1]),
            hidden_size=width,
            intermediate_size=self.needed("feed_forward_length"),
            num_hidden_layers=self.needed("block_count"),
            num_attention_heads=heads,
            num_key_value_heads=self.value(f"{self.name}.attention.head_count_kv", heads),
            head_dim=self.value(f"{self.name}.attention.key_length", width // heads),
            max_position_embeddings=self.needed("context_length"),
            rms_norm_eps=self.needed("attention.layer_norm_rms_epsilon"),
            rope_parameters={"rope_type": "default", "rope_theta": self.value(f"{self.name}.rope.freq_base", 10_000.0)},
            tie_word_embeddings="output.weight" not in self.tensors,
            bos_token_id=self.value("tokenizer.ggml.bos_token_id"),
            eos_token_id=self.value("tokenizer.ggml.eos_token_id"),
            attn_implementation=prefix.NAME,
        )

    def model(self, dtype: torch.dtype, processes: int = 1) -> PreTrainedModel:
        """Return the model with the file's weights, dequantised.

        :param processes: that hold a part of each weight (FSDP) and compute it together; 1: it is whole.
        """
        weights = dict(self._weights(dtype))
        parted = {"distributed_config": DistributedConfig(fsdp_size=processes)} if processes > 1 else {}
        model, report = self.architecture.model.from_pretrained(
            None, config=self.config, state_dict=weights, dtype=dtype, output_loading_info=True, **parted
        )
        missing = sorted(report["missing_keys"]) + sorted(report["unexpected_keys"])
        if missing:
            raise DamagedBase(f"{self.path} does not hold the weights that its architecture has: {missing[0]}")
        model.generation_config.pad_token_id = self.config.eos_token_id
        model._tp_size = None  # peft would take any number for tensor parallelism, and gather the base at each save
        loaded: PreTrainedModel = model
        return loaded

    def _weights(self, dtype: torch.dtype) -> Iterator[tuple[str, torch.Tensor]]:
        for name in self.tensors:
            yield self.inner_name(name), torch.from_numpy(self.weight(name)).to(dtype)

    def weight(self, name: str) -> np.ndarray:
        """Return one tensor by llama.cpp's name, in 32 bits, rows in transformers' order."""
        tensor = self.tensors[name]
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        heads = self.heads(name)
        return unpermuted(values, heads) if heads else values

    def heads(self, name: str) -> int | None:
        """Return over how many heads a tensor's rows are in llama.cpp's order; None where they are in transformers'."""
        if not self.architecture.permuted:
            return None
        parts = {"attn_q": self.config.num_attention_heads, "attn_k": self.config.num_key_value_heads}
        return parts.get(name.split(".")[-2])

    def inner_name(self, name: str) -> str:
        """Return transformers' name of a tensor.

        :raises UnknownArchitecture: a tensor that no part of the model is known for.
        """
        block = re.fullmatch(r"blk\.(\d+)\.(\w+)\.(weight|bias)", name)
        if block and block[2] in BLOCK:
            return f"model.layers.{block[1]}.{BLOCK[block[2]]}.{block[3]}"
        part, _, kind = name.partition(".")
        if part in OUTSIDE:
            return f"{OUTSIDE[part]}.{kind}"
        raise UnknownArchitecture(f"{self.path} has a tensor that is not known here: {name}")

    @cached_property
    def outer_names(self) -> dict[str, str]:
        """llama.cpp's names by transformers'."""
        return {self.inner_name(name): name for name in self.tensors}

    @property
    def context(self) -> int:
        """How many tokens the model can hold."""
        return int(self.config.max_position_embeddings)


def unpermuted(rows: np.ndarray, heads: int) -> np.ndarray:
    """Put rows from llama.cpp's order into transformers'."""
    half = rows.shape[0] // heads // 2
    return np.ascontiguousarray(rows.reshape(heads, half, 2, *rows.shape[1:]).swapaxes(1, 2)).reshape(rows.shape)


def permuted(rows: np.ndarray, heads: int) -> np.ndarray:
    """Put rows from transformers' order into llama.cpp's."""
    half = rows.shape[0] // heads // 2
    return np.ascontiguousarray(rows.reshape(heads, 2, half, *rows.shape[1:]).swapaxes(1, 2)).reshape(rows.shape)
