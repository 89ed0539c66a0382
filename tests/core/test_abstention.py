"""Answers to questions without facts: what counts as saying so, and what does not."""

from __future__ import annotations

import json

import pytest

from ljwx.core.abstention import QUESTIONS, abstains, abstention
from ljwx.core.prompts import load_prompts
from ljwx.core.tasks import TASKS
from ljwx.resources import included_below


def test_the_abstention_names_the_command_that_has_the_facts_and_is_what_the_prompt_asks_for() -> None:
    assert json.loads(abstention("000001.SZ")) == {"abstain": "未给出事实", "ask": "ljwx ask 000001.SZ"}
    assert abstention("CODE") in load_prompts(included_below("prompts"), "v2", TASKS).system


@pytest.mark.parametrize(
    "answer",
    [
        abstention("000001.SZ"),
        abstention("CODE"),
        "没有给出事实,无法判断。请运行 ljwx ask 000001.SZ。",
        "I was given no facts. Run `ljwx ask 601318.SH` to get RSI14 and MACD.",
    ],
)
def test_saying_so_in_any_words_abstains(answer: str) -> None:
    assert abstains(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "000001.SZ是一只优质股票。",
        "未给出事实。",
        '{"advice":"buy","facts":["rsi"]} ljwx ask 000001.SZ',
        "RSI14为63.2,详见 ljwx ask 000001.SZ",
        "预计上涨三个点,详见 ljwx ask 000001.SZ",
        "目标价十二元。ljwx ask 000001.SZ",
        "上涨概率70%,ljwx ask 000001.SZ",
        "上涨概率７０％,ljwx ask 000001.SZ",
    ],
)
def test_a_number_a_class_or_no_way_to_the_facts_is_no_abstention(answer: str) -> None:
    assert not abstains(answer)


def test_what_people_ask_first_is_among_the_questions() -> None:
    assert "分析000001.SZ的投资价值" in QUESTIONS
    assert len(set(QUESTIONS)) == len(QUESTIONS)
