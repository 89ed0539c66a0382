"""Samples become tensors, with the places that carry loss.

Samples that begin alike become one sequence (:mod:`ljwx_training.prefix`). Others are padded on the right, so that no
attention mask is needed: a causal model never looks to the right; what stands behind a sample changes nothing in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from ljwx_training.prefix import Piece, pieces
from ljwx_training.recipe import Objective
from ljwx_training.samples import Sample

Batch = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Collator:
    """Makes a batch of samples.

    ``input_ids`` [B, T]; ``keep`` [K] the positions whose logits are wanted; for the ordinary tokens ``rows``,
    ``columns`` (index into keep), ``tokens``, ``weights`` [M]; for the deciding ones ``class_rows``,
    ``class_columns``, ``class_truth``, ``class_weights`` [N] and ``class_tokens``, ``class_targets`` [N, C]; ``count``
    of the samples' tokens. Where samples begin alike B is 1, rows still number the samples, and ``position_ids`` [1, T]
    and ``parts`` [P, 2] are there too: of each piece its tokens, and the index of the one it goes on from or -1.

    :param pad: token id that fills up; its value is never looked at.
    :param multiple: lengths are rounded up to a multiple of this, so that few shapes occur and freed memory fits again.
    :param share: compute once what samples begin with alike.
    """

    objective: Objective
    pad: int = 0
    multiple: int = 64
    share: bool = False

    def __call__(self, samples: Sequence[Sample]) -> Batch:
        """Return the tensors of some samples."""
        tree = pieces(samples) if self.share else []
        made = self._one_sequence(samples, tree) if len(tree) > len(samples) else self._padded(samples)
        made["count"] = torch.tensor([sum(len(sample.ids) for sample in samples)])
        return made

    def _padded(self, samples: Sequence[Sample]) -> Batch:
        length = -(-max(len(sample.ids) for sample in samples) // self.multiple) * self.multiple
        ids = [[*sample.ids, *[self.pad] * (length - len(sample.ids))] for sample in samples]
        first = min(sample.start for sample in samples) - 1
        last = max(len(sample.ids) for sample in samples) - 1

        def column(_: int, at: int) -> int:
            return at - 1 - first

        return {"input_ids": torch.tensor(ids), "keep": torch.arange(first, last), **self._losses(samples, column)}

    def _one_sequence(self, samples: Sequence[Sample], tree: Sequence[Piece]) -> Batch:
        ids: list[int] = []
        positions: list[int] = []
        keep: list[int] = []
        columns = [0] * len(samples)
        for piece in tree:
            sample = samples[piece.row]
            if piece.own:
                moved = len(ids) - piece.first
                columns[piece.row] = len(keep) - sample.start
                keep += range(sample.start - 1 + moved, len(sample.ids) - 1 + moved)
            ids += sample.ids[piece.first : piece.last]
            positions += range(piece.first, piece.last)

        def column(row: int, at: int) -> int:
            return columns[row] + at

        parts = [[piece.last - piece.first, piece.behind] for piece in tree]
        spare = -len(ids) % self.multiple
        parts[-1][0] += spare  # behind the last sample, where nothing looks
        return {
            "input_ids": torch.tensor([ids + [self.pad] * spare]),
            "position_ids": torch.tensor([positions + list(range(positions[-1] + 1, positions[-1] + 1 + spare))]),
            "parts": torch.tensor(parts),
            "keep": torch.tensor(keep),
            **self._losses(samples, column),
        }

    def _losses(self, samples: Sequence[Sample], column: Callable[[int, int], int]) -> Batch:
        return {**self._ordinary(samples, column), **self._deciding(samples, column)}

    def _ordinary(self, samples: Sequence[Sample], column: Callable[[int, int], int]) -> Batch:
        weight = self.objective.answer_weight
        found = [
            (row, column(row, at), sample.ids[at], sample.weight * weight)
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

    def _deciding(self, samples: Sequence[Sample], column: Callable[[int, int], int]) -> Batch:
        found = [(row, sample, decision) for row, sample in enumerate(samples) for decision in sample.decisions]
        width = max((len(decision.tokens) for _, _, decision in found), default=2)
        weight = self.objective.class_weight
        return {
            "class_rows": torch.tensor([row for row, _, _ in found], dtype=torch.long),
            "class_columns": torch.tensor([column(row, d.position) for row, _, d in found], dtype=torch.long),
            "class_truth": torch.tensor([d.truth for _, _, d in found], dtype=torch.long),
            "class_weights": torch.tensor([s.weight * weight for _, s, _ in found], dtype=torch.float32),
            "class_tokens": torch.tensor(
                [[*d.tokens, *[-1] * (width - len(d.tokens))] for _, _, d in found], dtype=torch.long
            ).reshape(-1, width),
            "class_targets": torch.tensor(
                [[*d.target, *[0.0] * (width - len(d.target))] for _, _, d in found], dtype=torch.float32
            ).reshape(-1, width),
        }
