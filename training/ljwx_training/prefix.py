"""The beginning that all samples of a batch share, their system prompt, is computed once.

A batch is one sequence then: the shared beginning, and behind it what is each sample's own, side by side. An own part
sees the beginning and itself; positions go on from the beginning in each. The sums are those of separate samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from ljwx_training.samples import Sample

NAME: Final = "shared_prefix"
"""Of the attention, as a model's configuration names it; without ``parts`` it is the usual one."""
FEWEST: Final = 16
"""A shorter beginning is not worth being parted."""


def shared_beginning(samples: Sequence[Sample]) -> int:
    """Return how many tokens all samples begin with, at most so many that each answer's first one lies behind them."""
    most = min(sample.start for sample in samples) - 1
    first, last = (choose(sample.ids for sample in samples) for choose in (min, max))
    same = next((at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), most)
    shared = min(same, most)
    return shared if len(samples) > 1 and shared >= FEWEST else 0


def attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    parts: Sequence[int] | None = None,
    scaling: float | None = None,
    **rest: Any,
) -> tuple[torch.Tensor, None]:
    """Attend within the beginning, and from each own part to the beginning and to itself.

    :param parts: tokens of the beginning, then of each own part; None: a batch of separate samples.
    :return: [1, T, heads, size].
    """
    if parts is None:
        usual: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **rest
        )
        return usual
    groups = query.shape[1] // key.shape[1]
    queries, keys, values = (
        torch.split(each, list(parts), dim=2) for each in (query, repeat_kv(key, groups), repeat_kv(value, groups))
    )
    found = [scaled_dot_product_attention(queries[0], keys[0], values[0], is_causal=True, scale=scaling)]
    for own in range(1, len(parts)):
        seen_keys, seen_values = (torch.cat([each[0], each[own]], dim=2) for each in (keys, values))
        mask = _causal_behind(parts[0], parts[own], query)
        found.append(scaled_dot_product_attention(queries[own], seen_keys, seen_values, attn_mask=mask, scale=scaling))
    return torch.cat(found, dim=2).transpose(1, 2).contiguous(), None


def _causal_behind(beginning: int, own: int, like: torch.Tensor) -> torch.Tensor:
    """Each own token sees the whole beginning, and of its own part what is not behind it."""
    return torch.ones(own, beginning + own, dtype=torch.bool, device=like.device).tril(beginning)


AttentionInterface.register(NAME, attention)
AttentionMaskInterface.register(NAME, sdpa_mask)
