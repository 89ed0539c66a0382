"""An adapter's layer in four products and no element-wise work: what peft computes, with fewer passes over memory.

peft adds ``scale * (x A) B`` to the layer's output in three steps, each of which reads and writes all activations
again; on a processor these take longer than the products.
"""

from __future__ import annotations

from typing import Any

import torch
from peft import PeftModel
from peft.tuners.lora import Linear
from torch import nn


class LowRank(torch.autograd.Function):
    """``x W + bias + scale * (x A) B``, and its gradients of x, A and B; W is frozen."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        a: torch.Tensor,
        b: torch.Tensor,
        scale: float,
    ) -> torch.Tensor:
        """Return the layer's output.

        :param x: [..., in]; weight [out, in], a [rank, in], b [out, rank].
        """
        flat = x.reshape(-1, x.shape[-1])
        low = flat @ a.t()
        out = flat @ weight.t() if bias is None else torch.addmm(bias, flat, weight.t())
        out.addmm_(low, b.t(), alpha=scale)
        ctx.save_for_backward(flat, low, weight, a, b)
        ctx.scale = scale
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Return the gradients; that of x only where it is asked for."""
        flat, low, weight, a, b = ctx.saved_tensors
        (gradient,) = gradients
        flat_gradient = gradient.reshape(-1, gradient.shape[-1])
        back = flat_gradient @ b
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = flat_gradient @ weight
            of_x.addmm_(back, a, alpha=ctx.scale)
            of_x = of_x.view(*gradient.shape[:-1], -1)
        return of_x, None, None, ctx.scale * (back.t() @ flat), ctx.scale * (flat_gradient.t() @ low), None


class LeanLinear(Linear):
    """peft's layer, computed by :class:`LowRank` where it is on, not merged, and without dropout."""

    def forward(self, x: torch.Tensor, *arguments: Any, **named: Any) -> torch.Tensor:
        """Return the layer's output."""
        if self.disable_adapters or self.merged or not self.training or x.device.type != "cpu":
            usual: torch.Tensor = super().forward(x, *arguments, **named)
            return usual
        autocast = torch.is_autocast_enabled(x.device.type)
        dtype = torch.get_autocast_dtype(x.device.type) if autocast else x.dtype
        base, a, b = self.get_base_layer(), self.lora_A["default"].weight, self.lora_B["default"].weight
        bias = None if base.bias is None else base.bias.to(dtype)
        out: torch.Tensor = LowRank.apply(  # type: ignore[no-untyped-call]
            x.to(dtype), base.weight.to(dtype), bias, a.to(dtype), b.to(dtype), self.scaling["default"]
        )
        return out


def made_lean(model: PeftModel) -> None:
    """Let the layers of an adapter without dropout compute lean, those on ordinary linear layers."""
    for module in model.modules():
        if type(module) is Linear and type(module.get_base_layer()) is nn.Linear:
            module.__class__ = LeanLinear
