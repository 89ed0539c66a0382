"""What the blocks below the adapter make of a batch is kept: they do not change, and the batch comes again.

Each epoch has the same batches, and each look at the validation rows. Where only the upper blocks are trained, the
lower ones need no pass back, and from the second epoch on none forth either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from peft import PeftModel
from torch import nn

from ljwx_training.memory import memory_left
from ljwx_training.recipe import Hyperparameters

SHARE = 0.25
"""Of the memory that is left when training begins; what does not fit is computed anew each time."""


@contextmanager
def outputs_kept(model: PeftModel, settings: Hyperparameters, most: int | None = None) -> Iterator[None]:
    """Keep what the blocks without an adapter give, where there are any below the first one that has one.

    :param most: bytes to keep; None: a share of what is left.
    """
    inner: Any = model.get_base_model().model
    below = len(inner.layers) - (settings.layers or len(inner.layers))
    if below <= 0 or settings.compile:
        yield
        return
    kept = _Kept(inner, below, int(SHARE * memory_left()) if most is None else most)
    hooks = [
        inner.register_forward_pre_hook(kept.before, with_kwargs=True),
        inner.layers[below - 1].register_forward_hook(kept.lower_done),
        inner.register_forward_hook(kept.after, always_call=True),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


class _Kept:
    """Outputs by batch: the hooks of a model, whose lower blocks are passed over where their output is known."""

    def __init__(self, model: Any, below: int, most: int) -> None:
        self._blocks, self._upper = model.layers, model.layers[below:]
        self._left = most
        self._outputs: dict[bytes, torch.Tensor] = {}
        self._asked: bytes | None = None

    def before(self, model: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Begin with the known output, if it is known."""
        self._asked = None if args or named.get("use_cache") else _name(named)
        known = self._outputs.get(self._asked) if self._asked else None
        if known is None:
            return None
        self._asked = None
        model.layers = self._upper
        return args, {**named, "input_ids": None, "inputs_embeds": known.to(named["input_ids"].device)}

    def lower_done(self, _: nn.Module, __: Any, output: torch.Tensor) -> None:
        """Keep the output of the last block without an adapter."""
        size = output.numel() * output.element_size()
        if self._asked and size <= self._left:
            self._outputs[self._asked] = output.detach().cpu()
            self._left -= size

    def after(self, model: nn.Module, _: Any, __: Any) -> None:
        """Give the model its lower blocks back."""
        model.layers = self._blocks


def _name(named: Mapping[str, Any]) -> bytes | None:
    """Return what tells a batch from others: its tokens, their positions, and what attends to what."""
    ids, places = named.get("input_ids"), named.get("position_ids")
    if ids is None:
        return None
    parts = repr((tuple(ids.shape), named.get("parts"))).encode()
    told = [each.cpu().numpy().tobytes() for each in (ids, places) if each is not None]
    return hashlib.sha256(b"".join([parts, *told])).digest()
