"""Answers: what is accepted and refused, what schemas ask for, and that every training answer is valid."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from ljwx.core.datasets.build import Dataset
from ljwx.core.tasks import TASKS
from ljwx.core.tasks.answers import RISK_NOTE, shares_of_one
from ljwx.core.tasks.training_answers import probabilities

ADVICE: dict[str, Any] = {
    "advice": "buy",
    "probability": {"buy": 0.5, "hold": 0.3, "sell": 0.2},
    "reasons": ["MACD金叉"],
    "analysis": "RSI14为63.2偏强",
    "note": RISK_NOTE,
}


@pytest.mark.parametrize("task", TASKS)
def test_every_training_answer_is_valid_and_of_its_label(task: Any, built: Dataset) -> None:
    rows = built.samples.filter(task=task)
    assert len(rows) > 100
    schema = jsonschema.Draft202012Validator(TASKS[task].schema())
    for text, label in rows.select("answer", "label").iter_rows():
        assert TASKS[task].label_of(TASKS[task].parse(text)) == label
        schema.validate(json.loads(text))


def test_training_answers_vary(built: Dataset) -> None:
    for task, definition in TASKS.items():
        mine = built.samples.filter(task=task)
        assert set(mine["label"]) == set(definition.classes)
        assert mine["answer"].n_unique() > 0.5 * len(mine)


def test_technical_conclusion_is_the_sum_of_votes(built: Dataset) -> None:
    votes = {"偏强": 1, "偏弱": -1, "金叉": 1, "死叉": -1, "多头": 1, "空头": -1, "多头排列": 1, "空头排列": -1}
    votes |= {"中轨上方": 1, "中轨下方": -1, "偏多": 1, "偏空": -1}
    for text in built.samples.filter(task="technical_analysis")["answer"]:
        said = json.loads(text)
        total = sum(votes.get(said[k], 0) for k in ("rsi", "macd", "ma", "boll", "kdj"))
        assert said["conclusion"] == ("bullish" if total >= 2 else "bearish" if total <= -2 else "neutral")


@pytest.mark.parametrize("task", TASKS)
def test_schema_puts_the_class_first_and_bounds_everything(task: Any) -> None:
    schema = TASKS[task].schema()
    assert next(iter(schema["properties"])) == TASKS[task].class_field
    assert schema["required"] == list(schema["properties"])
    assert schema["additionalProperties"] is False
    text = json.dumps(schema)
    assert "$ref" not in text
    assert '"type": "number"' not in text
    assert '"type": "integer"' not in text
    assert schema["properties"]["analysis"]["maxLength"] == 60


def test_listed_probabilities_keep_the_order_of_the_classes() -> None:
    first = TASKS["price_direction"].schema()["properties"]["probability"]["enum"][0]
    assert list(first) == ["up", "flat", "down"]


def test_probabilities_are_all_shares_of_ten_tenths() -> None:
    shares = shares_of_one(("a", "b", "c"))
    assert len(shares) == 36  # 9 choose 2
    assert all(round(10 * sum(s.values())) == 10 and min(s.values()) >= 0.1 for s in shares)


@pytest.mark.parametrize(
    "change",
    [
        {"advice": "strong buy"},
        {"advice": None},
        {"probability": {"buy": 0.9, "hold": 0.9, "sell": 0.9}},
        {"probability": {"buy": 0.5, "hold": 0.5}},
        {"probability": {"buy": float("nan"), "hold": 0.5, "sell": 0.5}},
        {"reasons": []},
        {"reasons": ["MACD金叉", "RSI偏强", "KDJ金叉"]},
        {"reasons": ["内幕消息"]},
        {"analysis": ""},
        {"analysis": "长" * 61},
        {"analysis": "RSI\x07偏强"},
        {"note": "稳赚不赔"},
        {"target_price": 12.5},
    ],
)
def test_wrong_answer_is_refused(change: dict[str, Any]) -> None:
    TASKS["investment_advice"].parse(json.dumps(ADVICE))
    with pytest.raises(ValidationError):
        TASKS["investment_advice"].parse(json.dumps(ADVICE | change))


@pytest.mark.parametrize("missing", list(ADVICE))
def test_answer_that_lacks_a_field_is_refused(missing: str) -> None:
    with pytest.raises(ValidationError):
        TASKS["investment_advice"].parse(json.dumps({k: v for k, v in ADVICE.items() if k != missing}))


@pytest.mark.parametrize(
    "twice",
    [
        '{"advice":"sell",' + json.dumps(ADVICE)[1:],
        json.dumps(ADVICE).replace('"buy":', '"buy":0.1,"buy":', 1),
        '{"\\u0061dvice":"sell",' + json.dumps(ADVICE)[1:],
    ],
)
def test_answer_that_says_a_field_twice_is_refused(twice: str) -> None:
    assert json.loads(twice).keys() == ADVICE.keys()
    with pytest.raises(ValueError, match="twice"):
        TASKS["investment_advice"].parse(twice)


@pytest.mark.parametrize("text", ["", "buy", "{", "[]", "null", '{"advice":"buy"}', "{“advice”:“buy”}"])
def test_what_is_not_the_json_object_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TASKS["investment_advice"].parse(text)


def test_probabilities_come_back_as_stated() -> None:
    assert TASKS["investment_advice"].parse(json.dumps(ADVICE)).stated_probabilities == ADVICE["probability"]


@pytest.mark.parametrize(
    ("truth", "rates", "weight", "expected"),
    [
        ("buy", {"buy": 0.26, "hold": 0.4, "sell": 0.34}, 0.5, {"buy": 0.6, "hold": 0.2, "sell": 0.2}),
        ("buy", {"buy": 1.0}, 1.0, {"buy": 0.8, "hold": 0.1, "sell": 0.1}),
        ("sell", {"buy": 0.9, "hold": 0.1, "sell": 0.0}, 0.0, {"buy": 0.5, "hold": 0.1, "sell": 0.4}),
    ],
)
def test_probabilities_mix_truth_and_rates(truth: str, rates: Any, weight: float, expected: dict[str, float]) -> None:
    got = probabilities(TASKS["investment_advice"].classes, truth, rates, weight)
    assert round(10 * sum(got.values())) == 10
    assert got[truth] == max(got.values())
    if weight:
        assert got == expected
