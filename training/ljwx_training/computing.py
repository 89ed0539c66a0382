"""Whether a machine computes in bf16: one without instructions for it takes longer than in 32 bits."""

from __future__ import annotations

import logging
import platform

import torch

logger = logging.getLogger(__name__)

BF16_OF_X86 = ("amx_bf16", "avx512_bf16")
"""Capabilities, as torch names them, of which a processor of the x86 family needs one."""


def in_bf16(precision: str) -> bool:
    """Return whether what is asked for in `precision` is computed in bf16 here; if not, it is in 32 bits.

    :param precision: ``bf16`` or ``fp32``.
    """
    if precision != "bf16":
        return False
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if platform.machine() not in ("x86_64", "AMD64"):
        return True  # torch names no capability of theirs that would tell
    return any(torch.cpu.get_capabilities().get(name) for name in BF16_OF_X86)


def dtype_of(precision: str) -> torch.dtype:
    """Return the type that the base's weights have while an adapter is trained."""
    if in_bf16(precision):
        return torch.bfloat16
    if precision == "bf16":
        logger.info("computing in 32 bits: this machine has no instructions for bf16")
    return torch.float32
