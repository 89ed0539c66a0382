"""What is trained is what the GGUF holds."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support_tiny import CONFIGS, smollm2, write_tiny
from tokenizers import decoders
from transformers import AutoModelForCausalLM, AutoTokenizer

from ljwx_training.base import Base, permuted, unpermuted
from ljwx_training.errors import DamagedBase, UnknownArchitecture, UnknownTokenizer
from ljwx_training.tokenizer import CUTS, tokenizer_of

IDS = torch.arange(40)[None] * 7 + 20
TEXTS = (
    "RSI14 54.7 偏强\nMACD -0.07 空头",
    '{"direction":"up","probability":{"up":0.5,"flat":0.3,"down":0.2}}',
    "  two  spaces, 2026-06-30 and 12345.678%\n\n\tdon't",
    "沙盒食品1 000001.SZ 主板 未知",
    "<|im_start|>user\nhello<|im_end|>\n",
)


@pytest.mark.parametrize("architecture", list(CONFIGS))
def test_a_gguf_answers_as_the_model_it_was_written_of(architecture: str, tmp_path: Path) -> None:
    reference = write_tiny(tmp_path / "x.gguf", architecture)
    model = Base(tmp_path / "x.gguf").model(torch.float32)
    with torch.no_grad():
        assert torch.allclose(model(input_ids=IDS).logits, reference(input_ids=IDS).logits, atol=1e-5)


@pytest.mark.parametrize("architecture", ["llama", "qwen2"])  # transformers takes no head size of qwen3 from a GGUF
def test_quantised_weights_are_those_that_transformers_reads(architecture: str, tmp_path: Path) -> None:
    write_tiny(tmp_path / "x.gguf", architecture, "Q8_0")
    ours = Base(tmp_path / "x.gguf").model(torch.float32).state_dict()
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="x.gguf", dtype=torch.float32).state_dict()
    assert set(ours) == set(theirs)
    assert all(torch.allclose(ours[name], theirs[name].float(), atol=1e-6) for name in ours)


def test_permuting_is_undone_by_its_inverse() -> None:
    rows = torch.randn(48, 8).numpy()
    assert (unpermuted(permuted(rows, 3), 3) == rows).all()
    assert not (permuted(rows, 3) == rows).all()


def test_the_tokenizer_of_smollm2_gives_the_ids_that_transformers_gives() -> None:
    path = smollm2()
    ours, theirs = tokenizer_of(Base(path)), AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    for text in TEXTS:
        assert ours(text)["input_ids"] == theirs(text, add_special_tokens=False)["input_ids"], text
        assert ours.decode(ours(text)["input_ids"]) == text
    assert (ours.eos_token, ours.chat_template) == ("<|im_end|>", theirs.chat_template)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("价格方向 up", ["价格方向", " up"]),
        ("MA5 -0.3", ["MA", "5", " -", "0", ".", "3"]),
        ("a\nb", ["a", "\n", "b"]),
        ("2026年", ["2026", "年"]),
    ],
)
def test_deepseek_llm_cuts_letters_digits_signs_and_han_apart(text: str, pieces: list[str]) -> None:
    found = [piece for piece, _ in CUTS["deepseek-llm"]().pre_tokenize_str(text)]
    assert [decoders.ByteLevel().decode([piece]) for piece in found] == pieces


def test_a_file_cut_short_and_one_that_is_no_gguf_are_refused(tmp_path: Path, tiny: Path) -> None:
    content = tiny.read_bytes()
    for size in (0, 10, 5000, len(content) // 2, len(content) - 4):
        path = tmp_path / f"{size}.gguf"
        path.write_bytes(content[:size])
        with pytest.raises(DamagedBase):
            Base(path)
    (tmp_path / "x").write_text("no model")
    with pytest.raises(DamagedBase):
        Base(tmp_path / "x")


def test_another_architecture_scaled_positions_and_an_unknown_cut_are_refused_by_name(tmp_path: Path) -> None:
    write_tiny(tmp_path / "scaled.gguf", "llama", **{"llama.rope.scaling.type": "yarn"})
    with pytest.raises(UnknownArchitecture, match="yarn"):
        Base(tmp_path / "scaled.gguf")
    write_tiny(tmp_path / "cut.gguf", "llama", **{"tokenizer.ggml.pre": "falcon"})
    with pytest.raises(UnknownTokenizer, match="falcon"):
        tokenizer_of(Base(tmp_path / "cut.gguf"))
    content = (tmp_path / "cut.gguf").read_bytes().replace(b"\x05\0\0\0\0\0\0\0llama", b"\x05\0\0\0\0\0\0\0gemma", 1)
    (tmp_path / "gemma.gguf").write_bytes(content)
    with pytest.raises(UnknownArchitecture, match="gemma"):
        Base(tmp_path / "gemma.gguf")
