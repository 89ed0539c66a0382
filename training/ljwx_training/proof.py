"""What a model says of the proof's prompts: the probability of each class, or of the known answer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from ljwx_training.compare import Said
from ljwx_training.dataset import Question


@torch.no_grad()
def said_by(model: nn.Module, questions: Sequence[Question], bf16: bool) -> list[Said]:
    """Ask one question after the other; a fork's logits need one look each."""
    model.eval()
    device = next(model.parameters()).device
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        return [Said(question.prompt, *_classes(model, question, device)) for question in questions]


def _classes(model: nn.Module, question: Question, device: torch.device) -> tuple[dict[str, float], float]:
    """The share of each class, and the mass that they share."""
    if not question.forks:
        return {"answer": _likeness(model, question, device)}, 1.0
    shares: dict[str, float] = {}
    mass = 1.0
    for fork in question.forks:
        ids = torch.tensor([[*question.prompt, *fork.before]], device=device)
        logits = model(input_ids=ids, logits_to_keep=1, use_cache=False).logits[0, -1].float()
        ways = torch.softmax(logits[list(fork.ways)], 0).tolist()
        if fork is question.forks[0]:  # the others lie behind answers that may be unlikely
            mass = float(torch.softmax(logits, 0)[list(fork.ways)].sum())
        for share, labels in zip(ways, fork.ways.values(), strict=True):
            for label in labels:
                shares[label] = shares.get(label, 1.0) * share
    return shares, mass


def _likeness(model: nn.Module, question: Question, device: torch.device) -> float:
    """The probability of the known answer's tokens, their geometric mean."""
    ids = torch.tensor([[*question.prompt, *question.answer]], device=device)
    length = len(question.answer)
    logits = model(input_ids=ids, logits_to_keep=length + 1, use_cache=False).logits[0, :-1].float()
    return float(torch.exp(-torch.nn.functional.cross_entropy(logits, ids[0, -length:])))
