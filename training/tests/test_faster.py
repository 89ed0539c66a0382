"""What makes training faster equals the plain path: losses and gradients within 1e-4."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from peft.tuners.lora import Linear
from support_tiny import CLASSES, CONFIGS, about, make_job, metrics, row, write_rows, write_tiny

from ljwx_training.adapter import with_adapter
from ljwx_training.base import Base
from ljwx_training.batches import Collator
from ljwx_training.dataset import Encoder, Row
from ljwx_training.kept import _Kept, outputs_kept
from ljwx_training.lean import LeanLinear
from ljwx_training.memory import memory_left
from ljwx_training.objective import losses
from ljwx_training.prefix import FEWEST, pieces, shared_beginning
from ljwx_training.recipe import Hyperparameters, Objective
from ljwx_training.run import run
from ljwx_training.samples import Sample
from ljwx_training.tokenizer import tokenizer_of

OBJECTIVE = Objective(classes={name: tuple(labels) for name, labels in CLASSES.items()}, class_weight=5.0)
SETTINGS = Hyperparameters(rank=4, alpha=8, precision="fp32")
UPPER = replace(SETTINGS, layers=1)


def samples_of(base: Base, count: int = 5, facts: int = 0) -> list[Sample]:
    """Some of one question each, and of so many facts one of each task, which begin alike."""
    rows = [
        Row.model_validate(row(n, "conclusion" if n == 3 else "direction") | {"weight": 1 + n / 7})
        for n in range(count)
    ]
    rows += [Row.model_validate(each) for number in range(facts) for each in about(number)]
    return Encoder(tokenizer_of(base), OBJECTIVE, base.context).samples(rows)


def trained(base: Base, *, lean: bool, settings: Hyperparameters = SETTINGS) -> Any:
    """An adapter of random weights."""
    model = with_adapter(base.model(torch.float32), settings, seed=1)
    torch.manual_seed(5)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    for module in model.modules():
        if isinstance(module, LeanLinear) and not lean:
            module.__class__ = Linear
    return model.train()


def computed(model: torch.nn.Module, samples: list[Sample], *, share: bool) -> tuple[list[float], list[torch.Tensor]]:
    batch = Collator(OBJECTIVE, share=share)(samples)
    assert ("parts" in batch) == share
    assert batch["input_ids"].shape[1] % 64 == 0
    assert not share or batch["parts"][:, 0].sum() == batch["input_ids"].shape[1] == batch["position_ids"].shape[1]
    found = losses(model, batch)
    model.zero_grad()
    found.weighted.backward()
    figures = [float(each.detach()) for each in (found.weighted, found.weight, found.answer, found.log_score)]
    return [*figures, found.scored], [each.grad.clone() for each in model.parameters() if each.grad is not None]


@pytest.mark.parametrize("architecture", list(CONFIGS))
@pytest.mark.parametrize(("share", "lean"), [(True, False), (False, True), (True, True)])
def test_a_shared_beginning_and_a_lean_adapter_give_the_plain_losses_and_gradients(
    architecture: str, share: bool, lean: bool, tmp_path: Path
) -> None:
    write_tiny(tmp_path / "x.gguf", architecture)
    base = Base(tmp_path / "x.gguf")
    samples = samples_of(base, count=3, facts=2)
    assert {piece.behind >= 0 for piece in pieces(samples) if not piece.own} == {True, False}, "within each other"
    plain, gradients = computed(trained(base, lean=False), samples, share=False)
    found, others = computed(trained(base, lean=lean), samples, share=share)
    assert found == pytest.approx(plain, rel=1e-4)
    assert len(others) == len(gradients) > 0
    largest = max(float(each.abs().max()) for each in gradients)
    for one, other in zip(gradients, others, strict=True):
        assert float((one - other).abs().max()) < 1e-4 * largest


def test_the_beginning_is_what_all_samples_share_before_their_answers(tiny: Path) -> None:
    samples = samples_of(Base(tiny))
    shared = shared_beginning(samples)
    assert 16 <= shared < min(sample.start for sample in samples)
    assert len({sample.ids[:shared] for sample in samples}) == 1
    assert shared_beginning(samples[:1]) == 0, "alone it has nothing to share"
    assert shared_beginning([samples[0], samples[0]]) == samples[0].start - 1, "its answer's first token needs a logit"
    other = replace(samples[0], ids=(9, *samples[0].ids[1:]))
    assert shared_beginning([other, *samples]) == 0


def test_what_samples_begin_with_alike_is_a_tree_whose_paths_are_the_samples(tiny: Path) -> None:
    samples = samples_of(Base(tiny), count=3, facts=2)[::-1]
    tree = pieces(samples)
    told = dict[int, tuple[int, ...]]()
    for at, piece in enumerate(tree):
        behind = () if piece.behind < 0 else told[piece.behind]
        assert len(behind) == piece.first, "it goes on where the piece before it ends, which comes first"
        told[at] = behind + samples[piece.row].ids[piece.first : piece.last]
        assert not piece.own or (told[at] == samples[piece.row].ids and piece.first < samples[piece.row].start)
        assert piece.own or piece.last - piece.first >= FEWEST
    assert sorted(piece.row for piece in tree if piece.own) == list(range(len(samples)))
    assert sum(piece.last - piece.first for piece in tree) < 0.7 * sum(len(sample.ids) for sample in samples)


def test_the_same_sample_twice_has_two_pieces_and_strangers_none_in_common(tiny: Path) -> None:
    one, other = samples_of(Base(tiny), count=2)
    assert [(piece.first, piece.own) for piece in pieces([one, one])] == [
        (0, False), *[(one.start - 1, True)] * 2,
    ]  # fmt: skip
    stranger = replace(other, ids=(9, *other.ids[1:]))
    assert all(piece.own and piece.first == 0 for piece in pieces([one, stranger]))
    assert "parts" not in Collator(OBJECTIVE, share=True)([one, stranger])


def counted(model: Any) -> list[int]:
    """How often the lowest block computes."""
    runs: list[int] = []
    model.get_base_model().model.layers[0].register_forward_hook(lambda *_: runs.append(1))
    return runs


@pytest.mark.parametrize("architecture", list(CONFIGS))
@pytest.mark.parametrize("share", [False, True])
def test_kept_outputs_of_lower_blocks_change_no_loss_and_no_gradient(
    architecture: str, share: bool, tmp_path: Path
) -> None:
    write_tiny(tmp_path / "x.gguf", architecture)
    base, samples = Base(tmp_path / "x.gguf"), samples_of(Base(tmp_path / "x.gguf"), count=3, facts=2)
    plain, gradients = computed(trained(base, lean=True, settings=UPPER), samples, share=share)
    model = trained(base, lean=True, settings=UPPER)
    runs = counted(model)
    with outputs_kept(model, UPPER):
        for _ in range(3):
            found, others = computed(model, samples, share=share)
            assert found == pytest.approx(plain, rel=1e-6)
            assert len(gradients) == len(others) > 0
            assert all(torch.allclose(one, other, atol=1e-7) for one, other in zip(gradients, others, strict=True))
    assert len(runs) == 1
    computed(model, samples, share=share)
    assert len(runs) == 2, "nothing is kept behind the training"


def test_in_a_training_the_lower_blocks_compute_each_batch_once(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three epochs of 12 micro-batches, and two looks at three batches of validation rows."""
    runs, kept = list[int](), _Kept.lower_done
    monkeypatch.setattr(_Kept, "lower_done", lambda *given: (runs.append(1), kept(*given))[1])
    folder = make_job(tmp_path, tiny, hyperparameters={"steps": 18, "evaluate_every": 18, "layers": 1})
    run(folder)
    assert len(metrics(folder)) == 18
    assert len(runs) == 12 + 3


@pytest.mark.parametrize("samples", [24, 23])
def test_outputs_that_are_not_asked_for_again_are_not_kept(
    samples: int, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One pass: 12 micro-batches, the last one full or not, and two looks at the same three batches."""
    kept: dict[bytes, torch.Tensor] = {}
    done = _Kept.after
    monkeypatch.setattr(_Kept, "after", lambda self, *given: (kept.update(self._outputs), done(self, *given))[1])
    rows = [write_rows(tmp_path / "rows.jsonl", [row(number) for number in range(samples)])]
    settings = {"steps": None, "evaluate_every": 6, "layers": 1}
    run(make_job(tmp_path, tiny, hyperparameters=settings, train=rows))
    assert len(metrics(tmp_path)) == 6
    assert len(kept) == 3


def test_nothing_below_the_adapter_needs_a_pass_back(tiny: Path) -> None:
    model = trained(Base(tiny), lean=True, settings=UPPER)
    model.enable_input_require_grads()  # as transformers does where activations are computed twice
    blocks = model.get_base_model().model.layers
    needs: list[bool] = []
    blocks[1].register_forward_pre_hook(lambda _, given: needs.append(given[0].requires_grad))
    with outputs_kept(model, UPPER):
        for _ in range(2):
            computed(model, samples_of(Base(tiny))[:2], share=False)
    assert needs == [False, False]


def test_of_kept_outputs_each_batch_has_its_own_and_what_does_not_fit_is_computed_again(tiny: Path) -> None:
    model = trained(Base(tiny), lean=True, settings=UPPER)
    one, other = samples_of(Base(tiny))[:2], samples_of(Base(tiny))[2:4]
    first, second = (computed(model, batch, share=False)[0] for batch in (one, other))
    runs = counted(model)
    size = 4 * 64 * Collator(OBJECTIVE)(one)["input_ids"].numel()
    with outputs_kept(model, UPPER, most=size + 1):
        for batch, found in ((one, first), (other, second), (one, first), (other, second)):
            assert computed(model, batch, share=False)[0] == pytest.approx(found, rel=1e-6)
    assert len(runs) == 3


def test_kept_outputs_leave_a_model_that_failed_or_has_a_cache_as_it_is(tiny: Path) -> None:
    model = trained(Base(tiny), lean=True, settings=UPPER)
    blocks = list(model.get_base_model().model.layers)
    ids = torch.arange(40)[None] * 7 + 20
    with torch.no_grad(), outputs_kept(model, UPPER):
        plain = model(input_ids=ids, use_cache=False).logits
        assert torch.allclose(model(input_ids=ids, use_cache=True).logits, plain, atol=1e-6)
        blocks[1].register_forward_pre_hook(lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            model(input_ids=ids, use_cache=False)
        assert list(model.get_base_model().model.layers) == blocks


def test_a_switched_off_adapter_leaves_the_base(tiny: Path) -> None:
    base = Base(tiny)
    model, ids = trained(base, lean=True), torch.arange(40)[None] * 7 + 20
    with torch.no_grad(), model.disable_adapter():
        assert torch.allclose(model(input_ids=ids).logits, base.model(torch.float32)(input_ids=ids).logits, atol=1e-5)


def test_dropout_keeps_the_adapter_of_peft(tiny: Path) -> None:
    model = with_adapter(Base(tiny).model(torch.float32), replace(SETTINGS, dropout=0.1), seed=1)
    assert not any(isinstance(module, LeanLinear) for module in model.modules())


KEPT = """
import resource
import torch
from ljwx_training.memory import keep_memory
assert keep_memory()
for _ in range(10):
    torch.ones(5_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.ones(5_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.parametrize(("limit", "taken", "left"), [("5000", "2000", 3100), ("5000", "7000", 0), ("max", "1", None)])
@pytest.mark.parametrize("version", [1, 2])
def test_a_container_has_no_more_memory_than_its_limit_leaves(
    version: int, limit: str, taken: str, left: int | None, tmp_path: Path
) -> None:
    folder = tmp_path if version == 2 else tmp_path / "memory"
    folder.mkdir(exist_ok=True)
    names = ("max", "current") if version == 2 else ("limit_in_bytes", "usage_in_bytes")
    for name, text in zip(names, (limit, taken), strict=True):
        (folder / f"memory.{name}").write_text(f"{text}\n")
    (folder / "memory.stat").write_text(f"anon 70\n{'total_' if version == 1 else ''}inactive_file 100\n")
    found = memory_left(tmp_path)
    assert 0 < found <= psutil.virtual_memory().total if left is None else found == left


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc alone hands memory back so soon")
def test_memory_that_was_used_once_is_not_asked_for_again() -> None:
    """20 MB hold 4,882 pages: without it each of the 20 rounds would ask for as many."""
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", KEPT], cwd=root, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1000
