"""The merged GGUF: the base's bytes, but for the tensors that were trained.

Header and metadata (tokenizer, template, licence) are copied as they are; a trained tensor is the dequantised base
plus the adapter's product, in the form that the recipe names. With ``all_F16`` what the base
has quantised is written in F16, too.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from gguf import GGMLQuantizationType, ReaderTensor, dequantize, quantize
from peft import PeftModel
from peft.tuners.lora import LoraLayer

from ljwx_training.base import Base, permuted

ALL = "all_"
"""How the forms begin in which all tensors are written, trained or not."""
NOT_QUANTISED = frozenset({GGMLQuantizationType.F32, GGMLQuantizationType.F16, GGMLQuantizationType.BF16})


def deltas_of(model: PeftModel) -> dict[str, torch.Tensor]:
    """Return what the adapter adds to each weight, by transformers' names, in 32 bits."""
    found = {}
    for name, module in model.get_base_model().named_modules():
        if isinstance(module, LoraLayer):
            a, b = (layers["default"].get_parameter("weight").float() for layers in (module.lora_A, module.lora_B))
            found[f"{name}.weight"] = (module.scaling["default"] * (b @ a)).detach().cpu()
    return found


def write_merged(base: Base, deltas: Mapping[str, torch.Tensor], form: str, path: Path) -> None:
    """Write the merged file; it is whole or not there.

    :param form: F16, BF16 or Q8_0, for the trained tensors; all_F16: for those too that the base has quantised.
    """
    partial = path.with_name(f"{path.name}.partial")
    wanted = {base.outer_names[name]: delta for name, delta in deltas.items()}
    kinds = {tensor.name: _kind(tensor, form, trained=tensor.name in wanted) for tensor in base.reader.tensors}
    raw = base.reader.data
    sizes = {tensor.name: _size(tensor, kinds[tensor.name]) for tensor in base.reader.tensors}
    with partial.open("wb") as file:
        file.write(raw[: min(int(tensor.field.offset) for tensor in base.reader.tensors)].tobytes())
        offset = 0
        for tensor in base.reader.tensors:
            file.write(_entry(tensor, kinds[tensor.name], offset))
            offset += -(-sizes[tensor.name] // base.reader.alignment) * base.reader.alignment
        _pad(file, base.reader.alignment)
        for tensor in base.reader.tensors:
            if tensor.name in wanted:
                file.write(_merged(base, tensor.name, wanted[tensor.name], kinds[tensor.name]).tobytes())
            elif kinds[tensor.name] != tensor.tensor_type:
                file.write(quantize(dequantize(tensor.data, tensor.tensor_type), kinds[tensor.name]).tobytes())
            else:
                file.write(raw[tensor.data_offset : tensor.data_offset + sizes[tensor.name]].tobytes())
            _pad(file, base.reader.alignment)
    partial.replace(path)


def _merged(base: Base, name: str, delta: torch.Tensor, kind: GGMLQuantizationType) -> np.ndarray:
    values = base.weight(name) + delta.numpy()
    heads = base.heads(name)
    return quantize(permuted(values, heads) if heads else values, kind)


def _kind(tensor: ReaderTensor, form: str, *, trained: bool) -> GGMLQuantizationType:
    written = trained or (form.startswith(ALL) and tensor.tensor_type not in NOT_QUANTISED)
    return GGMLQuantizationType[form.removeprefix(ALL)] if written else tensor.tensor_type


def _size(tensor: ReaderTensor, kind: GGMLQuantizationType) -> int:
    if kind == tensor.tensor_type:
        return int(tensor.n_bytes)
    bits = {"F16": 16, "BF16": 16, "Q8_0": 8.5}[kind.name]
    return int(int(tensor.n_elements) * bits / 8)


def _entry(tensor: ReaderTensor, kind: GGMLQuantizationType, offset: int) -> bytes:
    name = tensor.name.encode()
    shape = [int(size) for size in tensor.shape]
    sizes = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
    return struct.pack("<Q", len(name)) + name + sizes + struct.pack("<IQ", kind.value, offset)


def _pad(file: object, alignment: int) -> None:
    file.write(b"\0" * (-file.tell() % alignment))  # type: ignore[attr-defined]
