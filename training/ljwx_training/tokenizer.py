"""The base's own tokenizer and chat template, from the GGUF: the same token ids as llama.cpp makes.

A GGUF names the way in which text is cut before the merges; only ways that are written down here are used, because a
wrong one gives other tokens without any error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX as QWEN2

from ljwx_training.base import Base
from ljwx_training.errors import BadTemplate, UnknownTokenizer

CONTROL, USER_DEFINED = 3, 4


def _digits_apart() -> pre_tokenizers.PreTokenizer:
    """SmolLM: each digit for itself, then as GPT-2."""
    return pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )


def _cut_at(*expressions: str) -> Callable[[], pre_tokenizers.PreTokenizer]:
    def made() -> pre_tokenizers.PreTokenizer:
        cuts = [pre_tokenizers.Split(Regex(expression), "isolated") for expression in expressions]
        return pre_tokenizers.Sequence([*cuts, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])

    return made


CUTS: Final[dict[str, Callable[[], pre_tokenizers.PreTokenizer]]] = {
    "smollm": _digits_apart,
    "qwen2": _cut_at(QWEN2),
    "deepseek-r1-qwen": _cut_at(QWEN2),
    "deepseek-llm": _cut_at(
        r"[\r\n]",
        r"\s?[\p{Lu}\p{Ll}\p{Lt}]+",
        r"\s?[!-/:-~！-／：-～‘-‟　-。]+",
        r"\s+$",
        r"[一-龥ࠀ-一가-퟿]+",
        r"\p{N}+",
    ),
}
"""The value of ``tokenizer.ggml.pre``, and how it cuts."""


def tokenizer_of(base: Base, template: str | None = None) -> PreTrainedTokenizerFast:
    """Return the tokenizer of a GGUF.

    :param template: a chat template to be used instead of the file's.
    :raises UnknownTokenizer: it is of another kind than byte-level BPE, or cuts text in a way not written down here.
    :raises BadTemplate: there is no template.
    """
    kind, cut = base.value("tokenizer.ggml.model"), base.value("tokenizer.ggml.pre")
    if kind != "gpt2" or cut not in CUTS:
        raise UnknownTokenizer(f"{base.path}: tokenizer {kind}, cut {cut}; known here: gpt2 with {', '.join(CUTS)}")
    tokens, kinds = base.value("tokenizer.ggml.tokens"), base.value("tokenizer.ggml.token_type", [])
    merges = [tuple(merge.split(" ")) for merge in base.value("tokenizer.ggml.merges", [])]
    inner = Tokenizer(models.BPE(vocab={token: at for at, token in enumerate(tokens)}, merges=merges))
    inner.pre_tokenizer = CUTS[cut]()
    inner.decoder = decoders.ByteLevel()
    whole = list(zip(tokens, kinds, strict=False))
    inner.add_special_tokens([AddedToken(t, normalized=False, special=True) for t, k in whole if k == CONTROL])
    inner.add_tokens([AddedToken(t, normalized=False) for t, k in whole if k == USER_DEFINED])
    chat = template or base.value("tokenizer.chat_template")
    if not chat:
        raise BadTemplate(f"{base.path} has no chat template; name one in the job")
    ids = {name: base.value(f"tokenizer.ggml.{name}_token_id") for name in ("bos", "eos")}
    named = {f"{name}_token": tokens[at] for name, at in ids.items() if at is not None}
    return PreTrainedTokenizerFast(tokenizer_object=inner, chat_template=chat, **named)  # type: ignore[no-untyped-call]
