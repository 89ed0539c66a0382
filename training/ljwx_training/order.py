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
    """Draws groups, and the samples of each one after the other."""

    def __init__(self, groups: Sequence[range], seed: int) -> None:
        self.groups = groups
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch; the same one for the same number."""
        self.epoch = epoch

    def __len__(self) -> int:
        return sum(len(group) for group in self.groups)

    def __iter__(self) -> Iterator[int]:
        drawn = torch.randperm(len(self.groups), generator=torch.Generator().manual_seed(self.seed + self.epoch))
        for at in drawn.tolist():
            yield from self.groups[at]
