"""The order in which train samples are drawn: those that begin alike stay together, so that a batch computes that once.

Neighbours in the rows that share most of what is their own in their prompts, the questions of several tasks about one
stock and session say, are drawn as one. Each epoch has its own order of the groups.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch.utils.data import Sampler

from ljwx_training.prefix import shared_beginning
from ljwx_training.samples import Sample

ALIKE = 0.5
"""Of a prompt without the beginning that all samples share; what neighbours share must be more."""


def neighbours(samples: Sequence[Sample]) -> list[range]:
    """Return the runs of samples that begin alike, as ranges that cover all of them in order."""
    if not samples:
        return []
    common = shared_beginning(samples)

    def parted(at: int) -> bool:
        pair = samples[at - 1 : at + 1]
        own = max(sample.start for sample in pair) - common
        return shared_beginning(pair) - common <= ALIKE * own

    starts = [at for at in range(len(samples)) if not at or parted(at)]
    return [range(at, end) for at, end in pairwise([*starts, len(samples)])]


class InGroups(Sampler[int]):
    """Draws micro-batches, each of samples of one group where it has so many; what is left of groups makes the others.

    :param size: samples of a micro-batch.
    :param same: each epoch has the same micro-batches, in another order.
    """

    def __init__(self, groups: Sequence[range], size: int, seed: int, *, same: bool = False) -> None:
        self.groups = groups
        self.size = size
        self.seed = seed
        self.same = same
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch; the same one for the same number."""
        self.epoch = epoch

    def __len__(self) -> int:
        return sum(len(group) for group in self.groups)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        mixing = torch.Generator().manual_seed(self.seed) if self.same else generator
        parts = [part for group in self.groups for part in self._parts(group)]
        whole = [part for part in parts if len(part) == self.size]
        left = [part for part in parts if len(part) < self.size]
        rest = [at for drawn in torch.randperm(len(left), generator=mixing).tolist() for at in left[drawn]]
        *mixed, last = self._parts(rest) or [[]]
        whole += [*mixed, last] if len(last) == self.size else mixed
        for drawn in torch.randperm(len(whole), generator=generator).tolist():
            yield from whole[drawn]
        if len(last) < self.size:
            yield from last  # behind all others, which would be parted otherwise

    def _parts(self, samples: Sequence[int]) -> list[Sequence[int]]:
        return [samples[at : at + self.size] for at in range(0, len(samples), self.size)]
