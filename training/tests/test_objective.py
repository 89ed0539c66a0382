"""The loss against the plain way: all logits, one sample at a time, in Python."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from support_tiny import CLASSES, row

from ljwx_training.base import Base
from ljwx_training.batches import Collator
from ljwx_training.dataset import Encoder, Row
from ljwx_training.objective import losses, weight_of
from ljwx_training.recipe import Objective
from ljwx_training.samples import Sample
from ljwx_training.tokenizer import tokenizer_of

OBJECTIVE = Objective(
    classes={name: tuple(labels) for name, labels in CLASSES.items()}, class_weight=5.0, truth_share=0.7
)


@pytest.fixture(scope="module")
def base(tiny: Path) -> Base:
    return Base(tiny)


@pytest.fixture(scope="module")
def samples(base: Base) -> list[Sample]:
    rates = {"direction": {"up": 0.5, "flat": 0.2, "down": 0.3}}
    encoder = Encoder(tokenizer_of(base), OBJECTIVE, base.context, rates=rates)
    rows = [Row.model_validate(row(n) | {"weight": 1.0 + n / 7}) for n in range(5)]
    return encoder.samples([*rows, Row.model_validate(row(3, "conclusion"))])


def test_batched_loss_on_kept_logits_is_the_plain_loss(base: Base, samples: list[Sample]) -> None:
    model = base.model(torch.float32).eval()
    total = weight = score = 0.0
    for sample in samples:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([sample.ids])).logits[0].double().log_softmax(-1)
        decided = {d.position: d for d in sample.decisions}
        for at in range(sample.start, len(sample.ids)):
            if at in decided:
                decision = decided[at]
                loss = -sum(p * logits[at - 1, t].item() for p, t in zip(decision.target, decision.tokens, strict=True))
                shares = [math.exp(logits[at - 1, t].item()) for t in decision.tokens]
                score += math.log(shares[decision.truth] / sum(shares))
                total, weight = total + 5 * sample.weight * loss, weight + 5 * sample.weight
            else:
                total -= sample.weight * logits[at - 1, sample.ids[at]].item()
                weight += sample.weight
    batch = Collator(OBJECTIVE)(samples)
    with torch.no_grad():
        found = losses(model, batch)
    assert float(found.weighted) == pytest.approx(total, abs=1e-4 * abs(total))
    assert float(weight_of(batch)) == pytest.approx(weight, rel=1e-6)
    assert float(found.log_score) == pytest.approx(score, rel=1e-5)
    assert found.scored == len(samples)


def test_a_batch_is_the_sum_of_its_samples(base: Base, samples: list[Sample]) -> None:
    model, collator = base.model(torch.float32).eval(), Collator(OBJECTIVE)
    with torch.no_grad():
        whole = losses(model, collator(samples))
        parts = [losses(model, collator([sample])) for sample in samples]
    assert float(whole.weighted) == pytest.approx(sum(float(part.weighted) for part in parts), rel=1e-5)
