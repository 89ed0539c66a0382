"""Scores of the forward record, each value worked out by hand."""

from __future__ import annotations

import datetime as dt
from math import log

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from ljwx.core.forward.scores import Score, Window, scores, windows
from ljwx.core.forward.settled import SETTLED

D1, D2, D3 = dt.date(2025, 12, 30), dt.date(2025, 12, 31), dt.date(2026, 1, 5)
RATES = [0.25, 0.5, 0.25]


def row(answerer="m", session=D1, code="A", said=(0.5, 0.25, 0.25), label="up", **other):
    given = {
        "task": "price_direction",
        "late": False,
        "excess": None,
        "reason": None,
        "digest": None,
        "meaning": "m",
        "horizon": 1,
    }
    told = {"session": session, "ts_code": code, "answerer": answerer, "label": label}
    return given | told | {"probabilities": None if said is None else list(said)} | other


def scored(rows, calendar=(D1, D2, D3), window="all") -> dict[str, Score]:
    found = scores(pl.DataFrame(rows, schema=SETTLED), calendar)
    return {each.answerer: each for each in found if each.window.name == window}


def test_log_score_brier_and_hits_are_means_over_the_answers():
    got = scored([row(), row(code="B", said=(0.5, 0.25, 0.25), label="down")])["m"]
    assert got.log_score == pytest.approx((-log(0.5) - log(0.25)) / 2)
    # (0.5² + 0.25² + 0.25²) and (0.5² + 0.25² + 0.75²)
    assert got.brier == pytest.approx((0.375 + 0.875) / 2)
    assert got.hit_rate.mean == pytest.approx(0.5)
    assert (got.sessions, got.asked, got.answered, got.valid) == (1, 2, 2, 2)


def test_skill_is_against_a_rival_on_the_questions_that_both_answered():
    rows = [row(), row(code="B", said=(0.1, 0.1, 0.8), label="up"), row("class_rates", said=RATES)]
    (skill,) = scored(rows)["m"].skills
    assert (skill.rival, skill.questions) == ("class_rates", 1)
    assert skill.log.mean == pytest.approx(log(0.5) - log(0.25))
    # class rates: 0.75² + 0.5² + 0.25² = 0.875; ours 0.375
    assert skill.brier.mean == pytest.approx(0.5)
    assert skill.brier_skill == pytest.approx(1 - 0.375 / 0.875)


def test_late_answers_count_nowhere_and_leave_the_question_unanswered():
    rows = [row(), row(code="B", label="down", late=True), row("class_rates", said=RATES), row("class_rates", code="B")]
    got = scored(rows)["m"]
    assert (got.asked, got.answered, got.coverage) == (2, 1, 0.5)
    assert got.log_score == pytest.approx(log(2))
    assert got.skills[0].questions == 1


def test_an_invalid_answer_gives_no_class_any_probability_and_is_no_hit():
    got = scored([row(said=None)])["m"]
    assert got.valid == 0
    assert got.ece is None
    assert got.hit_rate.mean == 0
    assert got.brier == pytest.approx(1.0)
    assert got.log_score == pytest.approx(-log(1e-3))


def test_a_session_waits_for_the_last_of_its_outcomes():
    rows = [row(), row(session=D2), row(session=D2, code="B", label=None)]
    assert scored(rows)["m"].sessions == 1
    rows[-1]["reason"] = "entry_suspended"
    got = scored(rows)["m"]
    assert (got.sessions, got.asked) == (2, 2)


def test_windows_begin_on_days_that_do_not_move():
    assert windows(D1, D3) == (
        Window("all", D1),
        Window("year", dt.date(2026, 1, 1)),
        Window("month", D3.replace(day=1)),
    )
    assert windows(D1, D2) == (Window("all", D1),)
    rows = [row(), row(session=D3, label="down")]
    assert scored(rows, window="year")["m"].log_score == pytest.approx(-log(0.25))


def test_rank_ic_is_of_the_sessions_with_enough_stocks():
    generator = np.random.default_rng(3)
    rows, wanted = [], []
    for session in (D1, D2):
        up, excess = generator.uniform(0, 0.5, 30), generator.normal(size=30)
        wanted.append(spearmanr(up - 0.25, excess).statistic)
        rows += [
            row(session=session, code=f"{at:02}", said=(p, 0.75 - p, 0.25), excess=float(x))
            for at, (p, x) in enumerate(zip(up, excess, strict=True))
        ]
    rows.append(row(session=D3, excess=0.1))
    got = scored(rows)["m"].rank_ic
    assert got is not None
    assert got.sessions == 2
    assert got.mean == pytest.approx(np.mean(wanted))
    assert scored([row(task="risk_assessment", label="low")])["m"].rank_ic is None


@pytest.fixture
def trials():
    return 20


def test_bounds_cover_the_true_rate_on_all_days_together_and_close_in(trials):
    generator, missed, widths = np.random.default_rng(5), 0, []
    for _ in range(trials):
        hits = generator.random((120, 8)) < 0.4
        days = [dt.date(2025, 1, 1) + dt.timedelta(at) for at in range(120)]
        rows = [
            row(session=day, code=str(at), label="up" if hit else "down")
            for day, day_hits in zip(days, hits, strict=True)
            for at, hit in enumerate(day_hits)
        ]
        found = [scored(rows[: 8 * n], days[:n])["m"].hit_rate for n in (20, 60, 120)]
        missed += any(not each.low <= 0.4 <= each.high for each in found)
        widths.append([each.high - each.low for each in found])
    assert missed <= 2
    first, _, last = np.mean(widths, axis=0)
    assert last < 0.2 < first


def test_a_perfect_answerer_shows_no_more_error_than_chance():
    generator = np.random.default_rng(8)
    labels = generator.choice(["up", "flat", "down"], size=500, p=[0.5, 0.25, 0.25])
    got = scored([row(code=str(at), label=str(label)) for at, label in enumerate(labels)])["m"]
    assert got.ece is not None
    assert got.ece_of_perfect is not None
    assert got.ece == pytest.approx(abs(float((labels == "up").mean()) - 0.5))
    assert got.ece <= got.ece_of_perfect.high


def test_nothing_settled_gives_no_score():
    assert scores(pl.DataFrame([row(label=None)], schema=SETTLED), (D1, D2)) == ()


def test_sessions_whose_classes_mean_something_else_are_scored_apart():
    rows = [row(), row("class_rates", said=RATES), row(session=D2, label="down", meaning="n", horizon=10)]
    found = {
        each.meaning: each
        for each in scores(pl.DataFrame(rows, schema=SETTLED), (D1, D2, D3))
        if each.answerer == "m" and each.window.name == "all"
    }
    assert {name: (each.horizon, each.asked, each.hit_rate.mean) for name, each in found.items()} == {
        "m": (1, 1, 1),
        "n": (10, 1, 0),
    }
    assert [len(each.skills) for each in found.values()] == [1, 0]


def test_a_name_that_was_given_to_another_model_is_another_answerer():
    rows = [row(digest="a"), row(session=D2, label="down", digest="b"), row("class_rates", said=RATES)]
    found = [each for each in scores(pl.DataFrame(rows, schema=SETTLED), (D1, D2)) if each.answerer == "m"]
    assert [(each.digest, each.sessions, each.hit_rate.mean) for each in found] == [("a", 1, 1), ("b", 1, 0)]
    assert [[skill.rival for skill in each.skills] for each in found] == [["class_rates"], []]
