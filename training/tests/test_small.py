"""The small base of `make learn`: made of rows, and read back by the trainer as any other."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import small
import torch
from support_tiny import smollm2

from ljwx_training.base import Base
from ljwx_training.tokenizer import tokenizer_of

ANSWERS = ("偏强", "偏弱", "交织")


def rows() -> list[list[dict[str, str]]]:
    """Forty conversations; the number that is asked about decides the answer."""
    return [
        [
            {"role": "system", "content": "你是A股量化研究助手。"},
            {"role": "user", "content": f"000{at:03}.SZ RSI14 {at}.5?"},
            {"role": "assistant", "content": f'{{"direction":"{ANSWERS[at % 3]}"}}'},
        ]
        for at in range(40)
    ]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Base:
    """The GGUF that the program writes of the rows, which it goes through a few times."""
    lines = (json.dumps({"messages": each}, ensure_ascii=False) + "\n" for each in rows() * 6)
    (tmp_path / "rows.jsonl").write_text("".join(lines), encoding="utf-8")
    arguments = ["small.py", str(tmp_path / "rows.jsonl"), str(smollm2()), str(tmp_path / "base.gguf")]
    monkeypatch.setattr("sys.argv", arguments)
    monkeypatch.setattr(small, "AT_ONCE", 400)
    small.main()
    assert not list(tmp_path.glob("*.partial"))
    return Base(tmp_path / "base.gguf")


def test_the_trainer_reads_the_tokens_that_it_was_made_with_and_it_has_learned_the_texts(made: Base) -> None:
    chat = str(made.value("tokenizer.chat_template"))
    learned, _ = small.learned_tokenizer(rows() * 6, chat)
    read = tokenizer_of(made)
    texts = [learned.apply_chat_template(each, tokenize=False) for each in rows()]
    ids = [learned(text, add_special_tokens=False)["input_ids"] for text in texts]
    assert [read(text, add_special_tokens=False)["input_ids"] for text in texts] == ids
    assert read.decode(ids[0]) == texts[0]
    model: Any = made.model(torch.float32)
    with torch.no_grad():
        losses = [model(torch.tensor([each]), labels=torch.tensor([each])).loss.item() for each in ids]
    chance = math.log(len(made.value("tokenizer.ggml.tokens")))
    assert sum(losses) / len(losses) < chance / 3


def test_what_fills_a_batch_up_is_not_to_be_learned() -> None:
    (batch,) = small.batches([[5, 6, 7], [8]])
    filled = small.filled_up([batch])
    assert filled["input_ids"].tolist() == [[8, 0, 0], [5, 6, 7]]
    assert filled["labels"].tolist() == [[8, -100, -100], [5, 6, 7]]
    assert filled["attention_mask"].tolist() == [[1, 0, 0], [1, 1, 1]]


def test_a_batch_holds_at_most_so_many_tokens_and_every_text_comes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small, "AT_ONCE", 12)
    texts = [[at] * length for at, length in enumerate((7, 2, 3, 6, 4, 12, 1))]
    found = list(small.batches(texts))
    assert sorted(text for batch in found for text in batch) == sorted(texts)
    assert all(max(map(len, batch)) * len(batch) <= 12 for batch in found)
