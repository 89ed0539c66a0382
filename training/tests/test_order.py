"""Samples that begin alike are drawn together; others as transformers draws them."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate, pairwise
from pathlib import Path

import pytest
import torch
from support_tiny import about, row

from ljwx_training import computing
from ljwx_training.base import Base
from ljwx_training.dataset import Encoder, Row
from ljwx_training.order import InGroups, neighbours
from ljwx_training.recipe import Objective
from ljwx_training.samples import Sample
from ljwx_training.tokenizer import tokenizer_of


def sample(*own: int, about: int) -> Sample:
    """A system prompt of 20 tokens, 40 facts about something, and a question of its own."""
    ids = (*range(20), *[about] * 40, *own)
    return Sample((*ids, 7), len(ids))


ABOUT = [sample(task, about=100 + stock) for stock in range(3) for task in (1, 2, 3)]


def test_neighbours_that_share_most_of_their_prompt_are_a_group() -> None:
    assert neighbours(ABOUT) == [range(3), range(3, 6), range(6, 9)]
    assert neighbours([ABOUT[0], ABOUT[3], ABOUT[1]]) == [range(1), range(1, 2), range(2, 3)], (
        "a system prompt is little"
    )
    assert neighbours([]) == []


def test_questions_of_several_tasks_about_the_same_facts_are_neighbours(tiny: Path) -> None:
    base = Base(tiny)
    encoder = Encoder(tokenizer_of(base), Objective(), base.context)
    together = encoder.samples([Row.model_validate(each) for number in range(3) for each in about(number)])
    assert [len(group) for group in neighbours(together)] == [2, 2, 2]
    apart = encoder.samples([Row.model_validate(row(number)) for number in range(6)])
    assert len(neighbours(apart)) == 6


def test_every_epoch_draws_each_sample_once_and_the_groups_in_its_own_order() -> None:
    drawn = InGroups(neighbours(ABOUT * 5), 3, seed=3)
    first = list(drawn)
    assert list(drawn) == first, "the same for the same epoch"
    assert Counter(first) == Counter(range(len(drawn)))
    runs = [first[at : at + 3] for at in range(0, len(first), 3)]
    assert all(run == [run[0], run[0] + 1, run[0] + 2] and run[0] % 3 == 0 for run in runs)
    drawn.set_epoch(1)
    assert list(drawn) != first
    assert list(InGroups(neighbours(ABOUT * 5), 3, seed=4)) != first


@pytest.mark.parametrize("groups", [neighbours(ABOUT * 5), [range(at, at + 1) for at in range(38)]])
def test_epochs_have_the_same_micro_batches_in_another_order_where_that_is_asked_for(groups: list[range]) -> None:
    def batches(epoch: int, *, same: bool) -> list[tuple[int, ...]]:
        drawn = InGroups(groups, 4, seed=3, same=same)
        drawn.set_epoch(epoch)
        order = list(drawn)
        return [tuple(order[at : at + 4]) for at in range(0, len(order), 4)]

    first, second = (batches(epoch, same=True) for epoch in (0, 1))
    assert sorted(first) == sorted(second)
    assert first != second
    assert sorted(batches(0, same=False)) != sorted(batches(1, same=False))


@pytest.mark.parametrize(
    ("sizes", "size", "whole"), [((4, 4, 1, 4, 1, 3), 4, 3), ((4, 4), 2, 4), ((2, 1, 2, 1), 4, 0), ((3, 3), 3, 2)]
)
def test_a_group_is_not_parted_by_what_is_left_of_others(sizes: tuple[int, ...], size: int, whole: int) -> None:
    edges = [0, *accumulate(sizes)]
    groups = [range(first, last) for first, last in pairwise(edges)]
    of = {sample: number for number, group in enumerate(groups) for sample in group}
    for seed in range(20):
        drawn = list(InGroups(groups, size, seed))
        assert sorted(drawn) == list(range(edges[-1]))
        batches = [drawn[at : at + size] for at in range(0, len(drawn), size)]
        assert sum(len(batch) == size and len({of[sample] for sample in batch}) == 1 for batch in batches) >= whole


@pytest.mark.parametrize(
    ("machine", "able", "expected"),
    [
        ("x86_64", ("amx_bf16",), True), ("x86_64", ("avx512_bf16",), True), ("x86_64", ("avx512_f",), False),
        ("aarch64", (), True),
    ],
)  # fmt: skip
def test_a_processor_without_instructions_for_bf16_computes_in_32_bits(
    machine: str, able: tuple[str, ...], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: dict.fromkeys(able, True))
    monkeypatch.setattr(computing.platform, "machine", lambda: machine)
    assert computing.in_bf16("bf16") == expected
    assert computing.dtype_of("bf16") == (torch.bfloat16 if expected else torch.float32)
    assert not computing.in_bf16("fp32")
