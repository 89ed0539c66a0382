"""Slices, the masked gap and faithfulness; expected values by hand."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest

from ljwx.core.evaluations import (
    ClaimCounts,
    Question,
    Resampling,
    Scorecard,
    ScoredAnswer,
    count_claims,
    masked_gap,
    regime,
    score,
    slice_scores,
)

RESAMPLING = Resampling(block=5, resamples=200)
START = date(2024, 1, 1)


def ask(n, board="主板", industry="银行", days=40):
    return [
        Question(
            f"{board}{i}", "price_direction", "000001.SZ", START + timedelta(i % days), "up", None, board, industry
        )
        for i in range(n)
    ]


def say(questions, right):
    return [ScoredAnswer(q.sample_id, True, "up" if i < right else "down") for i, q in enumerate(questions)]


@pytest.mark.parametrize(
    ("market", "name"),
    [(0.03, "rising"), (0.0299, "sideways"), (-0.0299, "sideways"), (-0.03, "falling"), (None, "unknown")],
)
def test_the_regime_is_named_by_the_markets_own_return(market, name):
    assert regime(market) == name


def test_slices_tell_where_an_answerer_is_right():
    main, star = ask(10, "主板", "银行", 10), ask(5, "科创板", "半导体", 5)
    returns = {START: 0.05, START + timedelta(1): -0.05, START + timedelta(2): 0.0}
    found = slice_scores(main + star, say(main, 8) + say(star, 1), returns, RESAMPLING)
    assert {name: (part.n, part.accuracy) for name, part in found["board"].items()} == {
        "主板": (10, 0.8),
        "科创板": (5, 0.2),
    }
    assert {name: part.n for name, part in found["industry"].items()} == {"半导体": 5, "银行": 10}
    assert {name: (part.n, part.sessions) for name, part in found["regime"].items()} == {
        "rising": (2, 1),
        "falling": (2, 1),
        "sideways": (2, 1),
        "unknown": (9, 7),
    }
    assert found["regime"]["rising"].accuracy == 1.0
    assert found["board"]["主板"].accuracy_interval is None


def test_a_slice_with_enough_sessions_has_an_interval_and_counts_invalid_answers_as_wrong():
    questions = ask(40)
    answers = say(questions, 40)
    answers[:10] = [ScoredAnswer(q.sample_id, False, None, reason="x") for q in questions[:10]]
    (part,) = slice_scores(questions, answers, {}, RESAMPLING)["board"].values()
    assert (part.valid_share, part.accuracy, part.sessions) == (0.75, 0.75, 40)
    assert part.accuracy_interval.low < 0.75 < part.accuracy_interval.high


def test_the_masked_gap_is_what_name_code_and_date_are_worth():
    questions = ask(40)
    asked = questions[10:30]
    gap = masked_gap(asked, say(questions, 25), say(asked, 10), RESAMPLING)
    # As usually asked, questions 10 to 24 of 10 to 29 are right; masked, the first ten of them.
    assert (gap.n, gap.accuracy, gap.masked_accuracy) == (20, 0.75, 0.5)
    assert gap.gap == pytest.approx(0.25)
    assert gap.changed == pytest.approx(0.25)
    assert gap.interval.low <= 0.25 <= gap.interval.high


def test_an_answer_that_turned_invalid_counts_as_changed():
    questions = ask(4)
    masked = [*say(questions, 4)[:3], ScoredAnswer(questions[3].sample_id, False, None, reason="x")]
    gap = masked_gap(questions, say(questions, 4), masked, RESAMPLING)
    assert (gap.changed, gap.gap, gap.interval) == (0.25, 0.25, None)


SNAPSHOT = {
    "bar": {"change": 1.2},
    "features": {"rsi_14": 63.2, "ret_5": -3.1},
    "ranks": {"vol_20": 40},
    "levels": {"support": -2.0, "resistance": None},
    "range": {"low": -6, "high": 6},
    "readings": {"rsi": "偏强", "macd": "多头", "ma": "交织", "boll": "中轨上方", "kdj": "偏多", "volume": "放量",
                 "volatility": "适中", "drawdown": "较浅", "trend": "明显"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "counts"),
    [
        ({"analysis": "-"}, (0, 0, 0)),
        ({"analysis": "RSI14为63.2偏强"}, (2, 0, 0)),
        ({"analysis": "RSI14为70.0偏强"}, (1, 1, 0)),
        ({"analysis": "目标价12.5元"}, (0, 0, 1)),
        ({"analysis": "MACD金叉"}, (0, 1, 0)),
        ({"analysis": "今日缩量"}, (0, 1, 0)),
        ({"reasons": ["MACD多头", "RSI超卖"], "analysis": "-"}, (1, 1, 0)),
        ({"range": {"low": -6, "high": 6}, "analysis": "近5日-3.1%"}, (2, 0, 0)),
        ({"support": -2.0, "resistance": 3.0, "analysis": "-"}, (1, 1, 0)),
    ],
)
def test_claims_are_counted_as_right_wrong_and_unsupported(answer, counts):
    counted = count_claims(answer, SNAPSHOT)
    assert (counted.right, counted.wrong, counted.unsupported) == counts
    assert count_claims(json.dumps(answer), json.dumps(SNAPSHOT)) == counted


def test_unchecked_words_are_counted_in_characters():
    counted = count_claims({"analysis": "RSI14为63.2,业绩翻倍"}, SNAPSHOT)
    assert (counted.unchecked, counted.characters, counted.checker) == (4, 13, 4)
    assert count_claims({"analysis": "RSI14超过-999"}, SNAPSHOT).unchecked > 0


def test_counts_of_an_older_checker_stay_and_are_told_apart():
    questions = ask(2)
    old = ScoredAnswer(questions[0].sample_id, True, "up", claims=ClaimCounts(right=1, wrong=1, unsupported=0))
    new = ScoredAnswer(
        questions[1].sample_id, True, "up", claims=ClaimCounts(2, 0, 0, unchecked=5, characters=20, checker=2)
    )
    told = score(questions, [old, new]).overall.faithfulness
    assert (told.right, told.unchecked, told.checker) == (0.75, 0.25, 1)
    before = score(questions, [old, replace(old, sample_id=questions[1].sample_id)]).overall.faithfulness
    assert (before.unchecked, before.checker) == (None, 1)


def test_the_scorecard_has_the_shares_of_the_claims_of_valid_answers():
    questions = ask(4)
    answers = [
        ScoredAnswer(questions[0].sample_id, True, "up", claims=ClaimCounts(6, 1, 1)),
        ScoredAnswer(questions[1].sample_id, True, "up", claims=ClaimCounts(0, 2, 0)),
        ScoredAnswer(questions[2].sample_id, False, None, reason="x", claims=ClaimCounts(99, 0, 0)),
        ScoredAnswer(questions[3].sample_id, True, "up"),
    ]
    told = score(questions, answers).tasks["price_direction"].faithfulness
    assert (told.answers, told.claims, told.right, told.wrong, told.unsupported) == (2, 10, 0.6, 0.3, 0.1)
    assert score(questions, answers).overall.faithfulness == told
    assert score(questions, say(questions, 2)).overall.faithfulness is None


def test_answers_that_claim_nothing_have_no_shares():
    questions = ask(2)
    silent = [ScoredAnswer(question.sample_id, True, "up", claims=ClaimCounts()) for question in questions]
    told = score(questions, silent).overall.faithfulness
    assert (told.answers, told.claims, told.right, told.wrong, told.unsupported) == (2, 0, None, None, None)


def test_a_scorecard_with_all_details_survives_json():
    questions = ask(40)
    answers = say(questions, 30)
    details = {
        "slices": slice_scores(questions, answers, {}, RESAMPLING),
        "masked": masked_gap(questions, answers, say(questions, 20), RESAMPLING),
        "differences": {"majority": None},
    }
    card = score(questions, answers, resampling=RESAMPLING).model_copy(update=details)
    assert Scorecard.model_validate_json(card.model_dump_json()) == card
