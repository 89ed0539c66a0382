"""The merged file: the trained tensors as trained, all else byte for byte; and faults of an export are seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from gguf import GGUFReader, dequantize
from support_tiny import CLASSES, row, write_tiny

from ljwx_training import export
from ljwx_training.adapter import with_adapter
from ljwx_training.base import Base
from ljwx_training.compare import Said, compare
from ljwx_training.dataset import Encoder, Question, Row
from ljwx_training.export import deltas_of, write_merged
from ljwx_training.proof import said_by
from ljwx_training.recipe import Hyperparameters, Objective
from ljwx_training.tokenizer import tokenizer_of

SETTINGS = Hyperparameters(rank=4, alpha=8, precision="fp32")
IDS = torch.arange(60)[None] * 7 + 20


def trained_on(base: Base) -> torch.nn.Module:
    """An adapter of random weights is as good as a trained one."""
    model = with_adapter(base.model(torch.float32), SETTINGS, seed=1).eval()
    torch.manual_seed(5)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    return model


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "qwen3"])
@pytest.mark.parametrize(("form", "near"), [("F16", 0.05), ("all_F16", 0.05), ("BF16", 0.3), ("Q8_0", 0.3)])
def test_the_merged_file_answers_as_the_trained_model(
    architecture: str, form: str, near: float, tmp_path: Path
) -> None:
    write_tiny(tmp_path / "x.gguf", architecture, "Q8_0")
    base = Base(tmp_path / "x.gguf")
    model = trained_on(base)
    write_merged(base, deltas_of(model), form, tmp_path / "merged.gguf")
    merged = Base(tmp_path / "merged.gguf").model(torch.float32)
    with torch.no_grad():
        wanted, got = model(input_ids=IDS).logits, merged(input_ids=IDS).logits
        with model.disable_adapter():
            untrained = model(input_ids=IDS).logits
    assert (got - wanted).abs().max() < near
    assert (untrained - wanted).abs().max() > 1


def test_all_but_the_trained_tensors_is_the_base_byte_for_byte(tmp_path: Path) -> None:
    write_tiny(tmp_path / "x.gguf", "llama", "Q8_0")
    base = Base(tmp_path / "x.gguf")
    write_merged(base, deltas_of(trained_on(base)), "F16", tmp_path / "merged.gguf")
    before, after = GGUFReader(tmp_path / "x.gguf"), GGUFReader(tmp_path / "merged.gguf")
    header = min(int(tensor.field.offset) for tensor in before.tensors)
    assert (tmp_path / "merged.gguf").read_bytes()[:header] == (tmp_path / "x.gguf").read_bytes()[:header]
    assert [t.name for t in before.tensors] == [t.name for t in after.tensors]
    kept = 0
    for old, new in zip(before.tensors, after.tensors, strict=True):
        assert list(old.shape) == list(new.shape)
        if old.name.startswith(("token_embd", "output")) or "norm" in old.name:
            kept += 1
            assert (old.tensor_type, old.data.tobytes()) == (new.tensor_type, new.data.tobytes())
        else:
            assert new.tensor_type.name == "F16"
    assert kept == 6


def test_a_file_without_quantised_tensors_has_the_bases_numbers_where_nothing_was_trained(tmp_path: Path) -> None:
    write_tiny(tmp_path / "x.gguf", "llama", "Q8_0")
    base = Base(tmp_path / "x.gguf")
    deltas = {name: delta for name, delta in deltas_of(trained_on(base)).items() if ".1." in name}
    write_merged(base, deltas, "all_F16", tmp_path / "merged.gguf")
    before, after = GGUFReader(tmp_path / "x.gguf"), GGUFReader(tmp_path / "merged.gguf")
    kinds = [{tensor.tensor_type.name for tensor in file.tensors} for file in (before, after)]
    assert kinds == [{"F32", "Q8_0"}, {"F32", "F16"}]
    untrained = 0
    for old, new in zip(before.tensors, after.tensors, strict=True):
        assert (old.name, list(old.shape)) == (new.name, list(new.shape))
        numbers = [dequantize(tensor.data, tensor.tensor_type) for tensor in (old, new)]
        if "blk.1." not in old.name:
            untrained += 1
            assert abs(numbers[0] - numbers[1]).max() <= abs(numbers[0]).max() / 2**10
    assert untrained > 6


def test_an_adapter_on_the_upper_layers_leaves_the_lower_ones_as_they_are(tmp_path: Path, tiny: Path) -> None:
    base = Base(tiny)
    model = with_adapter(base.model(torch.float32), replace(SETTINGS, layers=1), seed=1)
    assert {name.split(".")[2] for name in deltas_of(model)} == {"1"}


@pytest.fixture(scope="module")
def questions(tiny: Path) -> list[Question]:
    base = Base(tiny)
    objective = Objective(classes={name: tuple(labels) for name, labels in CLASSES.items()})
    encoder = Encoder(tokenizer_of(base), objective, base.context)
    return [encoder.question(Row.model_validate(row(n, task))) for n in range(6) for task in CLASSES]


def not_merged(deltas: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: torch.zeros_like(delta) for name, delta in deltas.items()}


def a_layer_left_out(deltas: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: torch.zeros_like(delta) if ".layers.1." in name else delta for name, delta in deltas.items()}


@pytest.mark.parametrize(
    ("fault", "reason"), [(None, None), (not_merged, "base_served"), (a_layer_left_out, "weights_differ")]
)
def test_adapter_not_merged_and_a_layer_left_out_are_seen(
    fault: Callable[..., dict[str, torch.Tensor]] | None,
    reason: str | None,
    tiny: Path,
    questions: list[Question],
    tmp_path: Path,
) -> None:
    base = Base(tiny)
    model = trained_on(base)
    deltas = deltas_of(model)
    write_merged(base, fault(deltas) if fault else deltas, "F16", tmp_path / "merged.gguf")
    found = compare(*three(model, tmp_path / "merged.gguf", questions), tolerance=0.01)
    assert found.reason == reason
    assert found.other_prompts == 0


def test_q_and_k_in_the_wrong_order_are_seen(
    tiny: Path, questions: list[Question], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = Base(tiny)
    model = trained_on(base)
    monkeypatch.setattr(export, "permuted", lambda rows, heads: rows)
    write_merged(base, deltas_of(model), "F16", tmp_path / "merged.gguf")
    found = compare(*three(model, tmp_path / "merged.gguf", questions), tolerance=0.01)
    assert found.reason in ("weights_differ", "base_served")


def three(model: torch.nn.Module, merged: Path, questions: list[Question]) -> tuple[list[Said], list[Said], list[Said]]:
    trained = said_by(model, questions, bf16=False)
    with model.disable_adapter():
        base = said_by(model, questions, bf16=False)
    return trained, said_by(Base(merged).model(torch.float32), questions, bf16=False), base


def test_probabilities_of_classes_that_share_tokens_sum_to_one(tiny: Path, questions: list[Question]) -> None:
    for said in said_by(Base(tiny).model(torch.float32), questions, bf16=False):
        assert len(said.classes) == 3
        assert sum(said.classes.values()) == pytest.approx(1, abs=1e-5)


def test_a_prompt_is_read_alike_behind_whatever_was_read_before(tiny: Path, questions: list[Question]) -> None:
    model = Base(tiny).model(torch.float32)
    sorted_ones = sorted(questions, key=lambda question: question.prompt)
    for order in (questions, sorted_ones, [*sorted_ones, *sorted_ones[:1]]):
        for question, said in zip(order, said_by(model, order, bf16=False), strict=True):
            (alone,) = said_by(model, [question], bf16=False)
            assert said.classes == pytest.approx(alone.classes, abs=1e-5)
            assert said.mass == pytest.approx(alone.mass, abs=1e-5)


@pytest.mark.parametrize(
    ("served", "reason"),
    [
        (Said((1, 2), {"a": 0.895, "b": 0.105}), None),
        (Said((1, 3), {"a": 0.9, "b": 0.1}), "other_prompts"),
        (Said((1, 2), {"a": 0.31, "b": 0.69}), "base_served"),
        (Said((1, 2), {"a": 0.8, "b": 0.2}), "weights_differ"),
    ],
)
def test_the_reason_names_the_fault(served: Said, reason: str | None) -> None:
    trained, base = Said((1, 2), {"a": 0.9, "b": 0.1}), Said((1, 2), {"a": 0.3, "b": 0.7})
    assert compare([trained], [served], [base], tolerance=0.01).reason == reason
    assert compare([base], [base], [base], tolerance=0.01).reason == "nothing_trained"
