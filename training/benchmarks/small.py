"""A small base made for a purpose: a llama of three million weights that has read prompts and answers, as a GGUF.

python small.py ROWS TEMPLATE OUT

ROWS are lines of a job, of which the messages are read; TEMPLATE is a GGUF whose chat template is taken, OUT the file
to be written. The tokenizer is made of the same texts, in the way of SmolLM2's (byte-level BPE, digits apart). All
weights are trained to say the next token, whatever it is. What it learns of the world is what stands in ROWS, and
nothing else.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from gguf import GGUFReader
from gguf_of import write_gguf
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, Trainer, TrainingArguments

from ljwx_training.tokenizer import CONTROL, CUTS

NORMAL, CUT, CONTEXT = 1, "smollm", 2048
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
SHAPE = {
    "hidden_size": 256,
    "intermediate_size": 640,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "head_dim": 64,
}
TOKENS, AT_ONCE, LEARNING_RATE, SEED = 1024, 5400, 2e-3, 7


def main() -> None:
    """Make the base."""
    parser = argparse.ArgumentParser(description="A small base that has read prompts and answers.")
    parser.add_argument("rows", type=Path, help="lines with messages")
    parser.add_argument("template", type=Path, help="a GGUF whose chat template is taken")
    parser.add_argument("out", type=Path, help="the GGUF to be written")
    options = parser.parse_args()
    chat = str(GGUFReader(options.template).get_field("tokenizer.chat_template").contents())
    rows = [json.loads(line)["messages"] for line in options.rows.read_text(encoding="utf-8").splitlines()]
    tokenizer, metadata = learned_tokenizer(rows, chat)
    texts = tokenizer.apply_chat_template(rows, tokenize=False)
    encoded = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    model = read(encoded, len(metadata["tokenizer.ggml.tokens"]))
    partial = options.out.with_name(f"{options.out.name}.partial")
    write_gguf(partial, model, "llama", metadata)
    partial.replace(options.out)


def learned_tokenizer(rows: Sequence[Any], chat: str) -> tuple[PreTrainedTokenizerFast, dict[str, Any]]:
    """Return a tokenizer of the texts of conversations, and how a GGUF says it."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = CUTS[CUT]()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=TOKENS, special_tokens=list(SPECIAL), initial_alphabet=alphabet, show_progress=False
    )
    inner.train_from_iterator((message["content"] for messages in rows for message in messages), trainer)
    model = json.loads(inner.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    ends = {"bos_token": SPECIAL[1], "eos_token": SPECIAL[2]}
    metadata = {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": CUT,
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [CONTROL if token in SPECIAL else NORMAL for token in tokens],
        "tokenizer.ggml.merges": [" ".join(pair) for pair in model["merges"]],
        "tokenizer.ggml.bos_token_id": model["vocab"][SPECIAL[1]],
        "tokenizer.ggml.eos_token_id": model["vocab"][SPECIAL[2]],
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": chat,
    }
    return PreTrainedTokenizerFast(tokenizer_object=inner, chat_template=chat, **ends), metadata


def read(encoded: Sequence[Sequence[int]], tokens: int) -> LlamaForCausalLM:
    """Return a model that has gone once through texts of tokens, and has learned to go on with them."""
    torch.manual_seed(SEED)
    rope = {"rope_type": "default", "rope_theta": 10_000.0}
    config = LlamaConfig(
        vocab_size=tokens, max_position_embeddings=CONTEXT, tie_word_embeddings=True, rope_parameters=rope, **SHAPE
    )
    model = LlamaForCausalLM(config)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, num_train_epochs=1, per_device_train_batch_size=1, learning_rate=LEARNING_RATE,
            lr_scheduler_type="cosine", warmup_steps=20, weight_decay=0.01, seed=SEED, logging_steps=20,
            save_strategy="no", report_to=[], use_cpu=True, disable_tqdm=True,
        )  # fmt: skip
        Trainer(model, arguments, train_dataset=list(batches(encoded)), data_collator=filled_up).train()
    return model.eval()


def batches(encoded: Sequence[Sequence[int]]) -> Iterator[list[Sequence[int]]]:
    """Yield texts of like length, so many at a time that they have ``AT_ONCE`` tokens at most."""
    batch: list[Sequence[int]] = []
    for text in sorted(encoded, key=len):
        if batch and len(text) * (len(batch) + 1) > AT_ONCE:
            yield batch
            batch = []
        batch.append(text)
    if batch:
        yield batch


def filled_up(items: Sequence[Sequence[Sequence[int]]]) -> dict[str, torch.Tensor]:
    """Return the texts of one batch filled up to the longest; what fills up is not to be learned."""
    (texts,) = items
    longest = max(map(len, texts))
    ids = torch.zeros((len(texts), longest), dtype=torch.long)
    seen = torch.zeros_like(ids)
    for at, text in enumerate(texts):
        ids[at, : len(text)], seen[at, : len(text)] = torch.tensor(text), 1
    return {"input_ids": ids, "attention_mask": seen, "labels": torch.where(seen == 1, ids, -100)}


if __name__ == "__main__":
    main()
