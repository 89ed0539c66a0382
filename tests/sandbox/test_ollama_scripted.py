"""The scripted engine: answers that fit their schema and depend on the prompt alone, with plausible numbers."""

from __future__ import annotations

import json
from math import exp
from typing import Any

import pytest
import requests

from support_ollama import BASE, OllamaServer

ADVICE = ["buy", "hold", "sell"]
SHARES = [{"buy": 0.1, "hold": 0.1, "sell": 0.8}, {"buy": 0.2, "hold": 0.3, "sell": 0.5}]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "advice": {"enum": ADVICE}, "shares": {"enum": SHARES}, "level": {"enum": [-0.5, 0.5, None]},
        "reasons": {"type": "array", "items": {"$ref": "#/$defs/reason"}, "minItems": 1, "maxItems": 2},
        "days": {"type": "integer", "minimum": 3, "maximum": 5}, "sure": {"type": "boolean"},
        "text": {"type": "string", "minLength": 30, "maxLength": 40}, "note": {"const": "不构成投资建议"},
    },
    "$defs": {"reason": {"enum": ["RSI超买", "均线交织"]}},
}  # fmt: skip


def chat(server: OllamaServer, text: str = "Say OK.", **fields: Any) -> requests.Response:
    messages = [{"role": "user", "content": text}]
    options = {"temperature": 0, **fields.pop("options", {})}
    body = {"model": BASE, "messages": messages, "stream": False, "options": options}
    return server.post("chat", {**body, **fields})


def content(answer: requests.Response) -> str:
    return str(answer.json()["message"]["content"])


def test_an_answer_fits_its_schema(ollama_sandbox: OllamaServer) -> None:
    for number in range(10):
        answer = json.loads(content(chat(ollama_sandbox, f"Question {number}", format=SCHEMA)))
        assert list(answer) == list(SCHEMA["properties"])
        assert answer["advice"] in ADVICE
        assert answer["shares"] in SHARES
        assert answer["level"] in [-0.5, 0.5, None]
        assert 1 <= len(answer["reasons"]) <= 2
        assert set(answer["reasons"]) <= {"RSI超买", "均线交织"}
        assert answer["days"] in [3, 4, 5]
        assert answer["sure"] in [True, False]
        assert 30 <= len(answer["text"]) <= 40
        assert answer["note"] == "不构成投资建议"


def test_a_list_with_a_place_for_each_item_gets_one_of_each(ollama_sandbox: OllamaServer) -> None:
    places = [["ret5", "volume"], ["rsi", "macd", "kdj"]]
    facts = {"type": "array", "prefixItems": [{"enum": keys} for keys in places], "minItems": 2, "maxItems": 2}
    form = {"type": "object", "properties": {"facts": facts}, "required": ["facts"], "additionalProperties": False}
    for number in range(5):
        first, second = json.loads(content(chat(ollama_sandbox, f"Question {number}", format=form)))["facts"]
        assert first in places[0]
        assert second in places[1]


def test_the_same_question_gets_the_same_answer_and_others_get_others(ollama_sandbox: OllamaServer) -> None:
    for form in ({}, {"format": SCHEMA}):
        answers = [content(chat(ollama_sandbox, f"Question {at}", **form)) for at in (1, 1, 2, 3)]
        assert answers[0] == answers[1]
        assert len(set(answers)) == 3


def test_classes_differ_between_questions(ollama_sandbox: OllamaServer) -> None:
    answers = [json.loads(content(chat(ollama_sandbox, f"Question {at}", format=SCHEMA))) for at in range(30)]
    assert {answer["advice"] for answer in answers} == set(ADVICE)


def test_above_temperature_0_the_seed_decides_too(ollama_sandbox: OllamaServer) -> None:
    said = [content(chat(ollama_sandbox, options={"temperature": 1, "seed": seed})) for seed in (1, 1, 2)]
    assert said[0] == said[1] != said[2]


def test_the_token_of_the_class_tells_how_likely_each_class_is(ollama_sandbox: OllamaServer) -> None:
    answer = chat(ollama_sandbox, format=SCHEMA, logprobs=True, top_logprobs=3).json()
    tokens = answer["logprobs"]
    assert "".join(token["token"] for token in tokens) == answer["message"]["content"]
    assert len(tokens) == answer["eval_count"]
    decided = next(token for token in tokens if token["token"] in ADVICE)
    shares = {each["token"]: exp(each["logprob"]) for each in decided["top_logprobs"]}
    assert set(shares) == set(ADVICE)
    assert 0.95 < sum(shares.values()) <= 1
    assert decided["token"] == max(shares, key=lambda name: shares[name])
    assert decided["token"] == json.loads(answer["message"]["content"])["advice"]
    assert bytes(decided["bytes"]).decode() == decided["token"]


def pretty(server: OllamaServer, **fields: Any) -> dict[str, Any]:
    """An answer with white space between its tokens."""
    return dict(chat(server, options={"sandbox_pretty_print": True}, logprobs=True, top_logprobs=3, **fields).json())


def test_a_model_may_pretty_print_what_it_says(ollama_sandbox: OllamaServer) -> None:
    answer, compact = pretty(ollama_sandbox, format=SCHEMA), content(chat(ollama_sandbox, format=SCHEMA))
    said = answer["message"]["content"]
    assert json.loads(said) == json.loads(compact)
    assert said.startswith('{\n  "advice": "')
    assert said.endswith('",\n  "note": "不构成投资建议"\n}')
    assert "".join(token["token"] for token in answer["logprobs"]) == said
    assert answer["eval_count"] == len(answer["logprobs"])
    assert "\n" not in compact


def test_a_model_pretty_prints_by_a_parameter_that_models_made_from_it_have_too(ollama_sandbox: OllamaServer) -> None:
    ollama_sandbox.post("create", {"model": "pretty:1", "from": BASE, "parameters": {"sandbox_pretty_print": True}})
    ollama_sandbox.post("create", {"model": "pretty:2", "from": "pretty:1", "system": "Be brief."})
    try:
        for model in ("pretty:1", "pretty:2"):
            assert "\n" in content(chat(ollama_sandbox, model=model, format=SCHEMA))
    finally:
        for model in ("pretty:1", "pretty:2"):
            ollama_sandbox.delete(model)


@pytest.mark.parametrize("top", [1, 2, 20])
def test_each_token_has_as_many_alternatives_as_were_asked_for_itself_the_first(
    ollama_sandbox: OllamaServer, top: int
) -> None:
    for token in chat(ollama_sandbox, logprobs=True, top_logprobs=top).json()["logprobs"]:
        shares = [exp(each["logprob"]) for each in token["top_logprobs"]]
        assert token["top_logprobs"][0]["token"] == token["token"]
        assert len(shares) == top
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) <= 1


def test_an_answer_is_cut_at_its_limit_and_says_so(ollama_sandbox: OllamaServer) -> None:
    cut, whole = (chat(ollama_sandbox, format=SCHEMA, options={"num_predict": most}).json() for most in (5, 500))
    assert (cut["done_reason"], cut["eval_count"]) == ("length", 5)
    assert whole["message"]["content"].startswith(cut["message"]["content"])
    assert (whole["done_reason"], whole["eval_count"] > 5) == ("stop", True)


def test_a_stop_text_ends_the_answer(ollama_sandbox: OllamaServer) -> None:
    whole = content(chat(ollama_sandbox))
    stop = whole[4:6]
    assert content(chat(ollama_sandbox, options={"stop": [stop]})) in whole.partition(stop)[0]


def test_longer_prompts_count_more_tokens_of_which_the_known_ones_are_cached(ollama_sandbox: OllamaServer) -> None:
    short, long = (chat(ollama_sandbox, "word " * words).json()["prompt_eval_count"] for words in (10, 1010))
    assert long - short == 1000
    before = ollama_sandbox.stats()
    chat(ollama_sandbox, "word " * 1010)
    after = ollama_sandbox.stats()
    assert after["prompt_tokens"] - before["prompt_tokens"] == 1
    assert after["cached_tokens"] - before["cached_tokens"] == long - 1


def test_a_schema_it_does_not_know_is_refused_and_not_passed_over(ollama_sandbox: OllamaServer) -> None:
    answer = chat(ollama_sandbox, format={"type": "string", "pattern": "a+"})
    assert answer.status_code == 400
    assert "does not know the schema's pattern" in answer.text
