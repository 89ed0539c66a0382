"""A model of transformers, written as a GGUF in the way of llama.cpp's converter."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType, quantize

from ljwx_training.base import BLOCK, OUTSIDE, permuted

PARTS = {inner: outer for outer, inner in {**BLOCK, **OUTSIDE}.items()}


def write_gguf(path: Path, model: Any, architecture: str, metadata: Mapping[str, Any], form: str = "F32") -> None:
    """Write a model.

    :param metadata: of its tokenizer, and whatever else the file shall say; what is None is left out.
    :param form: of the matrices, as :mod:`gguf` names it.
    """
    config, writer = model.config, GGUFWriter(path, architecture)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_file_type(LlamaFileType[f"ALL_{form}" if form == "F32" else f"MOSTLY_{form}"])
    kinds = {bool: writer.add_bool, str: writer.add_string, int: writer.add_uint32, list: writer.add_array}
    for key, value in metadata.items():
        if value is not None:
            kinds[type(value)](key, value)
    for name, parameter in model.state_dict().items():
        if name != "lm_head.weight":
            _add(writer, name, parameter.numpy(), config, architecture, form)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add(writer: GGUFWriter, name: str, values: Any, config: Any, architecture: str, form: str) -> None:
    inner, _, kind = name.rpartition(".")
    block = inner.split(".")[2] if ".layers." in inner else None
    outer = PARTS[inner.split(".", 3)[3] if block else inner]
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}.get(outer)
    rows = permuted(values, heads) if architecture == "llama" and heads else values
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    full = f"blk.{block}.{outer}.{kind}" if block else f"{outer}.{kind}"
    if rows.ndim == 1 or form == "F32":
        writer.add_tensor(full, rows)
    else:
        kind_of = GGMLQuantizationType[form]
        writer.add_tensor(full, quantize(rows, kind_of), raw_dtype=kind_of)
