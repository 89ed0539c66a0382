"""What the blocks below the adapter make of a batch is kept: they do not change, and the batch comes again.

Each epoch has the same batches then, and each look at the validation rows. Where only the upper blocks are trained, the
lower ones need no pass back, and from the second epoch on none forth either, as far as their outputs fit in memory. One
process keeps them; several, each of which meets other batches in each epoch, compute them anew.
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
SPARE = 0.5
"""Of the memory that is left at any time, what a training's own steps find there."""


def blocks_below(model: PeftModel, settings: Hyperparameters) -> int:
    """Return how many blocks lie below the first one with an adapter, where their outputs can be kept."""
    inner: Any = model.get_base_model().model
    blocks = len(inner.layers)
    return 0 if settings.compile else max(0, blocks - (settings.layers or blocks))


@contextmanager
def outputs_kept(
    model: PeftModel, settings: Hyperparameters, *, again: bool = True, most: int | None = None
) -> Iterator[None]:
    """Keep what the blocks without an adapter give, where there are any below the first one that has one.

    :param again: the batches of the train split come again; otherwise those of validation rows alone do.
    :param most: bytes to keep; None: a share of what is left.
    """
    below = blocks_below(model, settings)
    inner: Any = model.get_base_model().model
    if not below:
        yield
        return
    kept = _Kept(inner, below, again, int(SHARE * memory_left()) if most is None else most)
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

    def __init__(self, model: Any, below: int, again: bool, most: int) -> None:
        self._again = again
        self._blocks, self._upper = model.layers, model.layers[below:]
        self._left = most
        self._outputs: dict[bytes, torch.Tensor] = {}
        self._asked: bytes | None = None

    def before(self, model: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Begin with the known output, if it is known."""
        passing = bool(args) or bool(named.get("use_cache")) or (model.training and not self._again)
        self._asked = None if passing else _name(named)
        known = self._outputs.get(self._asked) if self._asked else None
        if known is None:
            return None
        self._asked = None
        model.layers = self._upper
        return args, {**named, "input_ids": None, "inputs_embeds": known.to(named["input_ids"].device)}

    def lower_done(self, _: nn.Module, __: Any, output: torch.Tensor) -> torch.Tensor:
        """Keep the output of the last block without an adapter; nothing below it needs a pass back."""
        output = output.detach()
        size = output.numel() * output.element_size()
        if self._asked and size <= self._left and size <= SPARE * memory_left():
            self._outputs[self._asked] = output.cpu()
            self._left -= size
        return output

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
