"""Samples become tensors: padded on the right, so that no attention mask is needed, with the places that carry loss.

A causal model never looks to the right, so what stands behind a sample changes nothing in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ljwx_training.recipe import Objective
from ljwx_training.samples import Sample

Batch = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Collator:
    """Makes a batch of samples.

    ``input_ids`` [B, T]; ``keep`` [K] the positions whose logits are wanted; for the ordinary tokens ``rows``,
    ``columns`` (index into keep), ``tokens``, ``weights`` [M]; for the deciding ones ``class_rows``,
    ``class_columns``, ``class_truth``, ``class_weights`` [N] and ``class_tokens``, ``class_targets`` [N, C].

    :param pad: token id that fills up; its value is never looked at.
    :param multiple: lengths are rounded up to a multiple of this, so that few shapes occur.
    """

    objective: Objective
    pad: int = 0
    multiple: int = 8

    def __call__(self, samples: Sequence[Sample]) -> Batch:
        """Return the tensors of some samples."""
        length = -(-max(len(sample.ids) for sample in samples) // self.multiple) * self.multiple
        ids = [[*sample.ids, *[self.pad] * (length - len(sample.ids))] for sample in samples]
        first = min(sample.start for sample in samples) - 1
        last = max(len(sample.ids) for sample in samples) - 1
        return {
            "input_ids": torch.tensor(ids),
            "keep": torch.arange(first, last),
            **self._ordinary(samples, first),
            **self._deciding(samples, first),
        }

    def _ordinary(self, samples: Sequence[Sample], first: int) -> Batch:
        weight = self.objective.answer_weight
        found = [
            (row, at - 1 - first, sample.ids[at], sample.weight * weight)
            for row, sample in enumerate(samples)
            for decided in [{decision.position for decision in sample.decisions}]
            for at in range(sample.start, len(sample.ids))
            if at not in decided
        ]
        rows, columns, tokens, weights = zip(*found, strict=True) if found else ((), (), (), ())
        return {
            "rows": torch.tensor(rows, dtype=torch.long),
            "columns": torch.tensor(columns, dtype=torch.long),
            "tokens": torch.tensor(tokens, dtype=torch.long),
            "weights": torch.tensor(weights, dtype=torch.float32),
        }

    def _deciding(self, samples: Sequence[Sample], first: int) -> Batch:
        found = [(row, sample, decision) for row, sample in enumerate(samples) for decision in sample.decisions]
        width = max((len(decision.tokens) for _, _, decision in found), default=2)
        weight = self.objective.class_weight
        return {
            "class_rows": torch.tensor([row for row, _, _ in found], dtype=torch.long),
            "class_columns": torch.tensor([d.position - 1 - first for _, _, d in found], dtype=torch.long),
            "class_truth": torch.tensor([d.truth for _, _, d in found], dtype=torch.long),
            "class_weights": torch.tensor([s.weight * weight for _, s, _ in found], dtype=torch.float32),
            "class_tokens": torch.tensor(
                [[*d.tokens, *[-1] * (width - len(d.tokens))] for _, _, d in found], dtype=torch.long
            ).reshape(-1, width),
            "class_targets": torch.tensor(
                [[*d.target, *[0.0] * (width - len(d.target))] for _, _, d in found], dtype=torch.float32
            ).reshape(-1, width),
        }
