"""What samples of a batch begin with alike is computed once: system prompt, a task's question, a stock's facts.

A batch is one sequence then: a tree of pieces, each behind the one that it goes on from, down to what is each sample's
own. A piece sees itself and what it goes on from; positions go on from there too. The sums are those of separate
samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
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


@dataclass(frozen=True)
class Piece:
    """Tokens that follow each other, of one sample or of several.

    :param first: position of the first one in its samples, and ``last`` the position behind the last one.
    :param behind: index of the piece that it goes on from; -1: it is a beginning.
    :param row: the sample whose tokens it has, and to whose end it goes if ``own``.
    """

    first: int
    last: int
    behind: int
    row: int
    own: bool


def pieces(samples: Sequence[Sample]) -> list[Piece]:
    """Return the tree of what samples begin with alike, each piece before those that go on from it.

    Each sample has one piece of its own, in which its answer's tokens and the one before them lie.
    """
    rows = sorted(range(len(samples)), key=lambda row: samples[row].ids)
    alike = [_alike([samples[one], samples[other]]) for one, other in pairwise(rows)]
    found: list[Piece] = []

    def grow(first: int, last: int, known: int, behind: int) -> None:
        row = rows[first]
        if last - first == 1:
            found.append(Piece(known, len(samples[row].ids), behind, row, own=True))
            return
        shared = min(alike[first : last - 1])
        if shared - known >= FEWEST:
            found.append(Piece(known, shared, behind, row, own=False))
            known, behind = shared, len(found) - 1
        cuts = [at + 1 for at in range(first, last - 1) if alike[at] - known < FEWEST]
        for start, end in pairwise([first, *cuts, last]):
            grow(start, end, known, behind)

    grow(0, len(rows), 0, -1)
    return found


def shared_beginning(samples: Sequence[Sample]) -> int:
    """Return how many tokens all samples begin with, at most so many that each answer's first one lies behind them."""
    shared = _alike(samples)
    return shared if len(samples) > 1 and shared >= FEWEST else 0


def _alike(samples: Sequence[Sample]) -> int:
    most = min(sample.start for sample in samples) - 1
    first, last = (choose(sample.ids for sample in samples) for choose in (min, max))
    same = next((at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), most)
    return min(same, most)


def attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    parts: Sequence[tuple[int, int]] | None = None,
    scaling: float | None = None,
    **rest: Any,
) -> tuple[torch.Tensor, None]:
    """Attend from each piece to itself and to what it goes on from.

    :param parts: of each piece its tokens, and which one it goes on from (-1: none); None: separate samples.
    :return: [1, T, heads, size].
    """
    if parts is None:
        usual: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **rest
        )
        return usual
    groups = query.shape[1] // key.shape[1]
    lengths = [tokens for tokens, _ in parts]
    queries, keys, values = (
        torch.split(each, lengths, dim=2) for each in (query, repeat_kv(key, groups), repeat_kv(value, groups))
    )
    found = []
    paths: list[list[int]] = []
    for own, (tokens, behind) in enumerate(parts):
        path = paths[behind] if behind >= 0 else []
        paths.append([*path, own])
        if path:
            mask = _causal_behind(sum(lengths[at] for at in path), tokens, query)
            seen_keys, seen_values = (torch.cat([each[at] for at in paths[own]], dim=2) for each in (keys, values))
            part = scaled_dot_product_attention(queries[own], seen_keys, seen_values, attn_mask=mask, scale=scaling)
        else:
            part = scaled_dot_product_attention(queries[own], keys[own], values[own], is_causal=True, scale=scaling)
        found.append(part)
    return torch.cat(found, dim=2).transpose(1, 2).contiguous(), None


def _causal_behind(beginning: int, own: int, like: torch.Tensor) -> torch.Tensor:
    """Each own token sees the whole beginning, and of its own piece what is not behind it."""
    return torch.ones(own, beginning + own, dtype=torch.bool, device=like.device).tril(beginning)


AttentionInterface.register(NAME, attention)
AttentionMaskInterface.register(NAME, sdpa_mask)
