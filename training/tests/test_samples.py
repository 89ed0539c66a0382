"""Which tokens carry loss, and how much: token by token."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from support_tiny import CLASSES, row, smollm2
from transformers import PreTrainedTokenizerFast

from ljwx_training.base import Base
from ljwx_training.batches import Collator
from ljwx_training.classes import decisions, forks
from ljwx_training.dataset import Encoder, Row, class_rates
from ljwx_training.errors import BadTemplate, TooLong
from ljwx_training.recipe import Objective
from ljwx_training.tokenizer import tokenizer_of

OBJECTIVE = Objective(classes={name: tuple(labels) for name, labels in CLASSES.items()}, class_weight=7.0)
EXPORTED = (
    '{"messages":[{"role":"system","content":"Say JSON."},{"role":"user","content":"RSI14 54.7"},'
    '{"role":"assistant","content":"{\\"direction\\":\\"flat\\",\\"probability\\":{\\"up\\":0.1}}"}]}'
)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return tokenizer_of(Base(smollm2()))


def encoder(tokenizer: PreTrainedTokenizerFast, **changes: Any) -> Encoder:
    return Encoder(**({"tokenizer": tokenizer, "objective": OBJECTIVE, "context": 8192} | changes))


def test_an_answer_without_a_class_carries_ordinary_loss_alone(tokenizer: PreTrainedTokenizerFast) -> None:
    said = json.dumps({"abstain": "未给出事实", "ask": "ljwx ask 000001.SZ"}, ensure_ascii=False)
    turns = [("system", "Say JSON."), ("user", "分析000001.SZ的投资价值"), ("assistant", said)]
    messages = [{"role": role, "content": content} for role, content in turns]
    bare = Row.model_validate({"messages": messages, "weight": 0.2})
    sample = encoder(tokenizer, rates={"direction": {"up": 0.5, "flat": 0.2, "down": 0.3}}).sample(bare)
    assert (sample.decisions, sample.weight) == ((), 0.2)
    batch = Collator(OBJECTIVE)([sample, encoder(tokenizer).sample(Row.model_validate_json(EXPORTED))])
    assert len(batch["class_rows"]) == 1
    assert int((batch["rows"] == 0).sum()) == len(sample.ids) - sample.start
    assert class_rates([bare], OBJECTIVE) == {}


def test_with_the_template_of_smollm2_the_answer_and_its_stop_token_carry_loss_and_nothing_else(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    sample = encoder(tokenizer).sample(Row.model_validate_json(EXPORTED))
    batch = Collator(OBJECTIVE)([sample])
    weights = [0.0] * len(sample.ids)
    for column, token, weight in zip(batch["columns"], batch["tokens"], batch["weights"], strict=True):
        at = int(batch["keep"][column]) + 1
        assert sample.ids[at] == token
        weights[at] += float(weight)
    for column, truth, tokens, weight in zip(
        batch["class_columns"], batch["class_truth"], batch["class_tokens"], batch["class_weights"], strict=True
    ):
        at = int(batch["keep"][column]) + 1
        assert sample.ids[at] == tokens[truth]
        weights[at] += float(weight)
    said = [(tokenizer.decode([token]), weight) for token, weight in zip(sample.ids, weights, strict=True)]
    prompt = "<|im_start|> system \n Say ĠJSON . <|im_end|> \n <|im_start|> user \n R SI 1 4 Ġ 5 4 . 7 <|im_end|> \n"
    wanted = [(piece.replace("Ġ", " "), 0.0) for piece in prompt.split(" ")]
    wanted += [("<|im_start|>", 0.0), ("ass", 0.0), ("istant", 0.0), ("\n", 0.0)]
    answer = [
        '{"',
        "direction",
        '":"',
        "flat",
        '","',
        "probability",
        '":',
        '{"',
        "up",
        '":',
        "0",
        ".",
        "1",
        "}}",
        "<|im_end|>",
    ]
    wanted += [(piece, 7.0 if piece == "flat" else 1.0) for piece in answer]
    assert said == wanted


def test_what_stands_behind_a_shorter_sample_carries_no_loss(tokenizer: PreTrainedTokenizerFast) -> None:
    made = encoder(tokenizer).samples([Row.model_validate(row(n)) for n in (1, 5, 9)])
    batch = Collator(OBJECTIVE, pad=3, multiple=64)(made)
    assert batch["input_ids"].shape[1] % 64 == 0
    carrying = list(zip(batch["rows"].tolist(), (batch["keep"][batch["columns"]] + 1).tolist(), strict=True))
    carrying += zip(batch["class_rows"].tolist(), (batch["keep"][batch["class_columns"]] + 1).tolist(), strict=True)
    assert sorted(carrying) == [(n, at) for n, sample in enumerate(made) for at in range(sample.start, len(sample.ids))]


def test_weights_of_rows_count_in_all_their_tokens(tokenizer: PreTrainedTokenizerFast) -> None:
    made = encoder(tokenizer).sample(Row.model_validate(row(1) | {"weight": 0.25}))
    batch = Collator(OBJECTIVE)([made])
    assert set(batch["weights"].tolist()) == {0.25}
    assert batch["class_weights"].tolist() == [1.75]


def test_the_class_target_is_the_rows_own_else_truth_mixed_with_the_class_rates(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    rows = [Row.model_validate(row(n)) for n in (0, 1, 1, 2)]
    mixed = Objective(classes=OBJECTIVE.classes, truth_share=0.6)
    rates = class_rates(rows, mixed)
    assert rates == {"direction": {"up": 0.25, "flat": 0.5, "down": 0.25}}
    with_rates = encoder(tokenizer, objective=mixed, rates=rates)
    assert with_rates.sample(rows[0]).decisions[0].target == pytest.approx((0.7, 0.2, 0.1))
    own = Row.model_validate(row(0) | {"target": {"up": 0.5, "flat": 0.4, "down": 0.1}})
    assert with_rates.sample(own).decisions[0].target == pytest.approx((0.5, 0.4, 0.1))


def test_classes_that_share_their_first_token_are_decided_in_turn() -> None:
    ids = {"bullish": (9, 1, 2, 8), "bearish": (9, 1, 3, 8), "neutral": (9, 4, 5, 8)}
    assert [fork.before for fork in forks(ids)] == [(9,), (9, 1)]
    first, second = decisions(ids, "bearish", {"bullish": 0.3, "bearish": 0.3, "neutral": 0.4}, start=100)
    assert (first.position, first.tokens, first.target, first.truth) == (101, (1, 4), pytest.approx((0.6, 0.4)), 0)
    assert (second.position, second.tokens, second.target, second.truth) == (102, (2, 3), pytest.approx((0.5, 0.5)), 1)
    assert len(decisions(ids, "neutral", {"neutral": 1.0}, start=0)) == 1


def test_without_classes_every_answer_token_weighs_the_same(tokenizer: PreTrainedTokenizerFast) -> None:
    plain = Objective()
    sample = encoder(tokenizer, objective=plain).sample(Row.model_validate(row(1)))
    batch = Collator(plain)([sample])
    assert sample.decisions == ()
    assert batch["weights"].tolist() == [1.0] * (len(sample.ids) - sample.start)
    assert batch["class_tokens"].shape == torch.Size([0, 2])


NO_MARK = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
MARK = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (NO_MARK, "generation mark"),
        (NO_MARK.replace("m.content", "m.content | upper") + MARK, "does not write an answer"),
        (NO_MARK.replace("<|im_end|>", "") + MARK, "does not end an answer"),
    ],
)
def test_a_template_that_hides_the_answer_is_refused(
    tokenizer: PreTrainedTokenizerFast, template: str, message: str
) -> None:
    other = tokenizer.__class__(
        tokenizer_object=tokenizer.backend_tokenizer, eos_token="<|im_end|>", chat_template=template
    )
    with pytest.raises(BadTemplate, match=message):
        encoder(other).sample(Row.model_validate(row(1)))


def test_a_first_token_that_the_server_adds_stands_before_the_prompt_once(tokenizer: PreTrainedTokenizerFast) -> None:
    sample = encoder(tokenizer, add_bos=True).sample(Row.model_validate(row(1)))
    assert sample.ids[:2].count(tokenizer.bos_token_id) == 1  # the template writes it already
    bare = tokenizer.__class__(
        tokenizer_object=tokenizer.backend_tokenizer,
        bos_token="<|endoftext|>",
        eos_token="<|im_end|>",
        chat_template=tokenizer.chat_template,
    )
    assert encoder(bare, add_bos=True).sample(Row.model_validate(row(1))).ids == (0, *sample.ids)


def test_samples_longer_than_the_context_are_counted_and_refused(tokenizer: PreTrainedTokenizerFast) -> None:
    rows = [Row.model_validate(row(n)) for n in range(4)]
    with pytest.raises(TooLong, match=r"4 samples are longer than the model's 20 tokens"):
        encoder(tokenizer, context=20).samples(rows)
    assert json.loads(rows[0].answer)["direction"] == "up"
