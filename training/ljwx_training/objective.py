"""The loss: answer tokens and the tokens that decide the class, each with its weight, and the class log score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from ljwx_training.batches import Batch


@dataclass(frozen=True)
class Losses:
    """Sums over one batch; divide ``weighted`` by ``weight`` (of all batches of a step) for the loss.

    :param answer: unweighted sum over the ordinary tokens, ``answer_tokens`` of them.
    :param log_score: sum over samples of the logarithm of the true class's share among the classes.
    :param scored: how many samples have classes.
    """

    weighted: torch.Tensor
    weight: torch.Tensor
    answer: torch.Tensor
    answer_tokens: int
    log_score: torch.Tensor
    scored: int


def weight_of(batch: Batch) -> torch.Tensor:
    """Return the sum of the weights of all tokens that carry loss."""
    return batch["weights"].sum() + batch["class_weights"].sum()


def losses(model: nn.Module, batch: Batch) -> Losses:
    """Run the model on a batch; logits are computed at the answers' places only."""
    logits = model(**_asked(batch), logits_to_keep=batch["keep"], use_cache=False).logits
    most = len(logits) - 1  # samples that share their beginning are one row
    ordinary = functional.cross_entropy(
        logits[batch["rows"].clamp(max=most), batch["columns"]].float(), batch["tokens"], reduction="none"
    )
    weighted = (ordinary * batch["weights"]).sum()
    there, target = batch["class_tokens"] >= 0, batch["class_targets"]
    every = functional.log_softmax(logits[batch["class_rows"].clamp(max=most), batch["class_columns"]].float(), dim=-1)
    classes = every.gather(1, batch["class_tokens"].clamp(min=0))
    deciding = -(target * classes.masked_fill(~there, 0.0)).sum(1)
    with torch.no_grad():
        shares = functional.log_softmax(classes.masked_fill(~there, float("-inf")), dim=-1)
        score = shares.gather(1, batch["class_truth"][:, None]).sum()
    return Losses(
        weighted=weighted + (deciding * batch["class_weights"]).sum(),
        weight=weight_of(batch),
        answer=ordinary.detach().sum(),
        answer_tokens=ordinary.numel(),
        log_score=score,
        scored=len(set(batch["class_rows"].tolist())),
    )


def _asked(batch: Batch) -> dict[str, Any]:
    """What the model is asked; a mask of four dimensions is taken as it is, and the attention needs none."""
    asked: dict[str, Any] = {"input_ids": batch["input_ids"]}
    if "parts" in batch:
        ids = batch["input_ids"]
        mask = torch.zeros(1, 1, 1, 1, dtype=torch.bool, device=ids.device)
        asked |= {"position_ids": batch["position_ids"], "parts": batch["parts"].tolist(), "attention_mask": mask}
    return asked
