"""What a model says of the proof's prompts: the probability of each class, or of the known answer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

import torch
from torch import nn
from transformers import DynamicCache

from ljwx_training.classes import Ids
from ljwx_training.compare import Said
from ljwx_training.dataset import Question
from ljwx_training.prefix import FEWEST


@torch.no_grad()
def said_by(model: nn.Module, questions: Sequence[Question], bf16: bool) -> list[Said]:
    """Ask one question after the other; a fork's logits need one look each."""
    model.eval()
    device = next(model.parameters()).device
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        reader = _Reader(model, device)
        return [Said(question.prompt, *_classes(reader, question)) for question in questions]


class _Reader:
    """Reads one text after the other; what a text begins with like the one before is not computed again."""

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        self.model = model
        self.device = device
        self._read: Ids = ()
        self._cache = DynamicCache()

    def next_token(self, ids: Ids) -> torch.Tensor:
        """Return the logits of the token that follows, [V]."""
        alike = takewhile(lambda pair: pair[0] == pair[1], zip(self._read, ids[:-1], strict=False))
        known = sum(1 for _ in alike)
        if known < FEWEST:
            known, self._cache = 0, DynamicCache()
        elif known < len(self._read):
            self._cache.crop(known - len(self._read))
        asked = torch.tensor([ids[known:]], device=self.device)
        said = self.model(input_ids=asked, cache=self._cache, use_cache=True, logits_to_keep=1)
        self._read = ids
        logits: torch.Tensor = said.logits[0, -1].float()
        return logits


def _classes(reader: _Reader, question: Question) -> tuple[dict[str, float], float]:
    """The share of each class, and the mass that they share."""
    if not question.forks:
        return {"answer": _likeness(reader.model, question, reader.device)}, 1.0
    shares: dict[str, float] = {}
    mass = 1.0
    for fork in question.forks:
        logits = reader.next_token((*question.prompt, *fork.before))
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
