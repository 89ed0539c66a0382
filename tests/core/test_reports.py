"""What a report says, from rows whose scores can be counted by hand."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import replace
from datetime import date
from functools import cache, partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from ljwx.core.reports import Report, by_session, charts, comparison, examples, further, report, tasks, wilson
from ljwx.core.reports.content import VERDICTS
from ljwx.core.reports.evidence import evidence
from ljwx.core.reports.render import LONGEST_ANSWER, Rendered, render
from support_reports import HOSTILE, MEANING, answers, card, decision, sources

TEMPLATES = Path(__file__).resolve().parents[2] / "include" / "reports"


DRAWN: dict[str, Rendered] = {}
"""What was rendered already, by what was changed."""
PICTURES: dict[str, str] = {}
"""What was drawn already, by what it shows: each takes a tenth of a second."""
draw = charts.as_svg


@pytest.fixture(autouse=True)
def each_picture_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def svg(picture: partial[Any]) -> str:
        key = repr((picture.func.__name__, picture.args))
        PICTURES[key] = PICTURES.get(key) or draw(picture)
        return PICTURES[key]

    monkeypatch.setattr(charts, "as_svg", svg)


def rendered(**changed: Any) -> Rendered:
    key = repr(changed)
    DRAWN[key] = DRAWN.get(key) or afresh(**changed)
    return DRAWN[key]


def afresh(**changed: Any) -> Rendered:
    return written(report(decision(**changed), answers(), sources(), MEANING))


def written(made: Report) -> Rendered:
    return render(made, *((TEMPLATES / f"report.{kind}.j2").read_text(encoding="utf-8") for kind in ("html", "md")))


class Page(HTMLParser):
    """Text, images and scripts of a page; fails on an element that is not closed."""

    VOID = ("meta", "img", "br", "link")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.images: list[str] = []
        self.scripts = 0
        self.outside: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.scripts += tag == "script"
        for name, value in attrs:
            if name in ("src", "href"):
                (self.images if (value or "").startswith("data:image/svg+xml;base64,") else self.outside).append(
                    value or ""
                )

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_what_was_confirmed_and_holds_no_more_is_not_called_confirmed() -> None:
    told = evidence({"compared": [{"confirmed": True, "lapsed": True}, {"confirmed": True}]})
    assert told is not None
    assert [row.state for row in told.rows] == ["曾确认,近期不再成立 confirmed once, holds no more", "已确认 confirmed"]


def test_sessions_are_counted_with_invalid_answers_as_wrong() -> None:
    rows = by_session(answers())
    assert [(row.session, row.questions, row.accuracy) for row in rows] == [
        (date(2026, 5, 6), 4, 0.5), (date(2026, 5, 7), 4, 0.25), (date(2026, 5, 8), 4, 0.0),
    ]  # fmt: skip


@pytest.mark.parametrize(("right", "n"), [(2, 4), (7, 50), (49, 50), (0, 4), (4, 4), (0, 10), (10, 10)])
def test_intervals_of_a_session_are_wilsons(right: int, n: int) -> None:
    """Their ends are the shares from which the observed one is 1.96 of their own standard deviations away."""
    low, high = wilson(right, n, 0.95)
    assert 0 <= low <= right / n <= high <= 1
    for end in (low, high):
        deviation = (end * (1 - end) / n) ** 0.5
        assert abs(right / n - end) == pytest.approx(1.959964 * deviation, abs=1e-6)


def test_examples_are_of_as_many_tasks_as_there_are() -> None:
    shown = examples(answers())
    assert [each.sample_id for each in shown["right"]] == ["s0", "s1"]
    assert [each.sample_id for each in shown["wrong"]] == ["s2", "s3"]
    assert [each.sample_id for each in shown["invalid"]] == ["s11"]
    assert {each.task for each in shown["wrong"]} == {"price_direction", "risk_assessment"}


def test_the_model_stands_first_then_champion_then_base_then_baselines() -> None:
    cards = {name: card(0.3) for name in ("majority", "base", "persistence", "champion", "model", "a_new_rule")}
    assert [row.key for row in comparison(cards)] == [
        "model", "champion", "base", "a_new_rule", "majority", "persistence",
    ]  # fmt: skip


@pytest.mark.parametrize("cards", [{}, {"model": {}}, {"model": {"overall": {}}}, {"model": {"overall": {"n": 3}}}])
def test_a_card_that_lacks_everything_still_makes_a_report(cards: dict[str, Any]) -> None:
    page = Page(rendered(scorecard=cards).html)
    assert "The champion stays" in page.text
    assert [row.accuracy for row in comparison(cards)] in ([], [None])
    assert tasks(cards.get("model", {})) == ()


def test_the_table_of_tasks_shows_what_was_claimed_and_the_rank_correlation() -> None:
    cards = {"model": card(0.3), "logistic": card(0.2) | {"left_out": ["ranks.amount"]}}
    told = cards["model"]["tasks"]
    told["price_direction"] |= {
        "faithfulness": {"answers": 6, "claims": 40, "right": 0.925, "wrong": 0.075, "unsupported": 0.0},
        "rank_ic": {"mean": 0.0421, "sessions": 20, "interval": None},
    }
    told["risk_assessment"]["faithfulness"] = {"answers": 6, "claims": 0, "right": None}
    page = rendered(scorecard=cards)
    for text in (Page(page.html).text, page.markdown):
        assert "92.5 % / 40" in text
        assert "0.042 / 20" in text
        assert "– / 0" in text
        assert "did without: ranks.amount" in text


def test_numbers_that_no_table_knows_are_shown_by_their_path() -> None:
    cards = {
        "model": card(0.3),
        "majority": card(0.3),
        "masking": {"gap": {"estimate": 0.125, "resampling": {"block": 1}}},
    }
    cards["model"]["overall"]["skill"] = {"mean": 0.0421, "sessions": 40}
    cards["model"]["tasks"]["price_direction"]["drift"] = {"right": 9, "text": "no number", "all": True}
    assert dict(further(cards)) == {
        "skill · mean": 0.0421, "skill · sessions": 40, "price_direction: drift · right": 9,
        "masking · gap · estimate": 0.125,
    }  # fmt: skip
    page = rendered(scorecard=cards)
    assert "skill · mean" in Page(page.html).text
    assert "| masking · gap · estimate | 0.125 |" in page.markdown


def test_slices_and_differences_have_tables_of_their_own() -> None:
    interval = {
        "estimate": -0.05,
        "low": -0.12,
        "high": 0.02,
        "questions": 12,
        "sessions": 3,
        "resampling": {"block": 10},
    }
    cards = {"model": card(0.3)}
    cards["model"]["slices"] = {
        "board": {"main": {"n": 9, "sessions": 3, "valid_share": 1.0, "accuracy": 0.4, "accuracy_interval": None}}
    }
    cards["model"]["differences"] = {"persistence": interval, "champion": None}
    cards["model"]["masked"] = {"n": 4, "gap": 0.0625, "interval": interval}
    made = rendered(scorecard=cards)
    assert "| board · main | 9 | 3 | 40.0 % | – |" in made.markdown
    assert "| persistence 延续 | -5.0 | -12.0 … +2.0 |" in made.markdown
    assert "| champion 现任冠军 | – | – |" in made.markdown
    assert {"board · main", "40.0 %", "-5.0", "-12.0 … +2.0"} <= set(cells(made.html))
    assert dict(further(cards)) == {
        "masked · n": 4, "masked · gap": 0.0625, "masked · interval · low": -0.12, "masked · interval · high": 0.02,
    }  # fmt: skip


def cells(html: str) -> list[str]:
    return re.findall(r"<td>([^<]*)</td>", html)


def test_the_page_is_one_file_with_five_pictures_and_no_script() -> None:
    page = Page(rendered().html)
    assert page.outside == []
    assert page.scripts == 0
    assert len(page.images) == 5
    for image in page.images:
        root = ElementTree.fromstring(b64decode(image.split(",")[1]))
        assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_the_pictures_show_the_numbers() -> None:
    drawn = rendered().charts
    assert set(drawn) == {"accuracy", "sessions", "confusion", "reliability", "latency"}
    texts = {name: "".join(ElementTree.fromstring(svg).itertext()) for name, svg in drawn.items()}
    assert re.findall(r"\d+\.\d%", texts["accuracy"]) == ["35.0%", "30.0%", "30.0%", "25.0%"]
    assert "2026-05-08" in texts["sessions"]
    assert "invalid" in texts["confusion"]
    assert "n=8" in texts["reliability"]


@pytest.mark.parametrize("kind", ["html", "markdown"])
def test_a_report_says_verdict_strategy_reasons_lineage_and_risk(kind: str) -> None:
    made = rendered()
    text = Page(made.html).text if kind == "html" else made.markdown
    for told in (
        "ljwx-stock:20261120-0123456789ab", "保留现任冠军", "The champion stays: not shown to be better",
        "No weight was changed", "没有改变任何权重", "12 questions were asked; at least 4 are needed.",
        "25.0 %", "15.0 % – 35.0 %", "not_json", "d" * 64, "b" * 64, "c" * 64, "ds-1", "2025-09-01 – 2026-06-30",
        "ljwx-stock:20261101-aa", "manual__0 · ingest_bars", "不构成投资建议", "Not investment advice",
    ):  # fmt: skip
        assert told in text


def test_what_a_model_wrote_cannot_become_markup() -> None:
    made = rendered()
    assert "<script>" not in made.html
    shown = HOSTILE.replace("\x07", "·")
    assert shown in Page(made.html).text
    assert f"\n    {shown}\n" in made.markdown


def test_a_long_answer_is_cut_and_says_how_much_is_missing() -> None:
    rows = answers()
    rows[0] = replace(rows[0], raw="长" * (LONGEST_ANSWER + 50))
    made = written(report(decision(), rows, [], MEANING))
    assert "长" * LONGEST_ANSWER + "\n… 50 characters more" in Page(made.html).text
    assert "长" * (LONGEST_ANSWER + 1) not in made.markdown


def test_the_same_rows_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = rendered()
    monkeypatch.setattr(charts, "as_svg", draw)
    assert afresh() == before


@pytest.mark.parametrize("verdict", [*VERDICTS, "some_later_verdict"])
def test_every_verdict_is_named_and_the_strategys_meaning_given(verdict: str) -> None:
    made = report(decision(verdict), answers(), [], ("意思", "meaning"))
    assert made.verdict == VERDICTS.get(verdict, (verdict, verdict))
    assert made.meaning == ("意思", "meaning")


@cache
def refused() -> Rendered:
    asked = {
        "task": "price_direction", "valid": False, "reason": "not_the_schema", "latency_s": 1.25, "prompt_tokens": 901,
        "answer_tokens": 17, "sample_id": "s",
    }  # fmt: skip
    reasons = [
        {"code": "examples", "text": "It shows 8 examples.", "favourable": True},
        {"code": "valid_answer", "text": "It gives no valid answer.", "favourable": False},
    ]
    checks = {"first_token_s": 0.5, "answers": [asked], "said": [HOSTILE, "second"]}
    fields = {"question_set_id": None, "evaluation_id": None, "scorecard": None, "champion": None}
    return written(report(decision("refused", reasons=reasons, checks=checks, **fields), [], sources(), MEANING))


@pytest.mark.parametrize("kind", ["html", "markdown"])
def test_a_refused_model_is_told_without_the_parts_that_need_an_evaluation(kind: str) -> None:
    made = refused()
    text = Page(made.html).text if kind == "html" else made.markdown
    for told in (
        "未通过验证", "Failed its verification", "It shows 8 examples.", "No weight was changed", "d" * 64, "c" * 64,
        "ds-1", "manual__0 · ingest_bars", "Not investment advice", "not_the_schema", "1.25 s", "901", "second",
        "First token 0.50 s",
    ):  # fmt: skip
        assert told in text
    assert text.index("It gives no valid answer.") < text.index("做了什么")
    for absent in ("比较", "按任务", "校准", "耗时 ·", "示例 ·", "题集", "冠军 champion"):
        assert absent not in text
    assert made.charts == {}
    assert "<script>" not in made.html
    assert f"\n    {HOSTILE.replace(chr(7), '·')}\n" in made.markdown


def test_nothing_answered_is_said_and_nothing_drawn() -> None:
    made = written(report(decision(scorecard=None), [], [], MEANING))
    assert made.charts == {}
    assert "Nothing was scored" in Page(made.html).text


WEIGHED = {
    "session": "2026-11-19", "looks": 37, "lines": 3, "alpha": 0.01, "spent": 0.0244, "error_rate": 0.05,
    "error_sessions": 250, "left_out": {"made_on": 12},
    "compared": [
        {"rival": "none", "measure": "rank_ic", "task": None, "sessions": 112, "raw": 0.092, "shrunken": 0.07,
         "low": 0.02, "high": 0.15, "smallest": 0.05, "log_evidence": 8.0, "log_needed": 4.0, "confirmed": True},
        {"rival": "class_rates", "measure": "log", "task": "price_direction", "sessions": 1, "raw": None,
         "low": -1.0, "high": 1.0, "log_evidence": 0.0, "log_needed": 4.0, "waiting": False},
    ],
}  # fmt: skip


@pytest.mark.parametrize("kind", ["html", "markdown"])
@pytest.mark.parametrize(
    ("proven", "told"),
    [
        (True, "On the sessions counted it ranked stocks better than chance does"),
        (False, "Nothing shows yet that it ranks stocks better than chance does"),
        (None, "Whether it is any better than chance was not asked"),
    ],
)
def test_a_report_says_first_whether_the_model_was_shown_to_be_any_good(
    proven: bool | None, told: str, kind: str
) -> None:
    text = getattr(rendered(proven=proven), kind)
    text = Page(text).text if kind == "html" else text
    assert text.index(told) < text.index("Questions about the future") < text.index("What was made")


@pytest.mark.parametrize("kind", ["html", "markdown"])
def test_a_report_tells_looks_lines_budget_and_each_thing_weighed(kind: str) -> None:
    text = getattr(rendered(evidence=WEIGHED), kind)
    told = " ".join((Page(text).text if kind == "html" else text).split())
    for part in (
        "look number 37", "3 条线", "2.44 % given to all of them of 5.0 %, 1.00 % to this one",
        "12 about sessions that a model was made on",
        "+0.092", "+0.070", "+0.020 … +0.150", "0.050", "2981 / 54.6", "confirmed", "not enough",
    ):  # fmt: skip
        assert part in told
    assert "-1.000" not in told, "bounds of nothing are no bounds"
    assert "error budget" not in getattr(rendered(), kind)


def test_what_speaks_for_nobody_is_no_point_for_the_model() -> None:
    reasons = [
        {"code": "first_champion_unproven", "text": "Nobody to compare with.", "favourable": True},
        {"code": "near_class_rates:price_direction", "text": "About as the rates.", "favourable": True},
        {"code": "valid_share:price_direction", "text": "All valid.", "favourable": True},
        {"code": "unproven", "text": "Not proven.", "favourable": False},
    ]
    made = rendered(verdict="first_champion", reasons=reasons, proven=False)
    told = ["(·) Nobody to compare with.", "(·) About as the rates.", "(+) All valid.", "(−) Not proven."]
    assert [f"- {each}" in made.markdown for each in told] == [True] * 4
    assert '<li class="neither">Nobody' in made.html
    assert 'class="verdict promoted"' not in made.html, "green is for what was shown"
    assert 'class="verdict promoted"' in rendered(verdict="promoted", proven=True).html


def test_what_copies_the_prompt_is_told_apart_from_what_is_about_the_future() -> None:
    cards = {"model": card(0.25), "majority": card(0.3)}
    for each in cards.values():
        each["tasks"]["technical_analysis"] = each["tasks"]["price_direction"] | {"n": 4, "accuracy": 0.95}
        each["tasks"]["price_direction"]["rank_ic"] = {"mean": 0.05, "sessions": 20, "interval": None}
    made = report(decision(scorecard=cards), answers(), sources(), MEANING)
    assert made.predicted == (pytest.approx(0.25), 12)
    assert made.copied == (pytest.approx(0.95), 4)
    assert [(row.predicted, row.rank_ic) for row in made.cards] == [
        (pytest.approx(0.25), pytest.approx(0.05)), (pytest.approx(0.3), pytest.approx(0.05)),
    ]  # fmt: skip
    markdown = written(made).markdown
    assert "95.0 % of 4" in markdown
    assert "technical_analysis (抄录 copied)" in markdown


TRAINING: dict[str, Any] = {
    "recipe_id": "25abe4bea3f1", "job": "/data/training/25abe4bea3f1", "base_gguf": "b" * 64,
    "adapter_sha256": "c" * 64, "gguf_sha256": "d" * 64, "started_at": "2026-11-20 12:00",
    "finished_at": "2026-11-20 12:10 UTC",
    "recipe": {
        "output": "F16", "start": None,
        "hyperparameters": {
            "rank": 16, "alpha": 32, "learning_rate": 0.001, "batch": 4, "precision": "bf16", "epochs": 1.0,
        },
    },
    "result": {
        "seconds": 600.0, "steps": 25, "best_step": 20, "samples": {"train": 100, "validation": 40},
        "parameters": {"trained": 4884480, "base": 134515008}, "machine": {"gpu": None, "cpus": 2},
        "class_rates_log_score": -1.09, "losses": [[1, 2.1], [25, 0.1]],
        "looks": [
            {"step": 0, "answer_loss": 2.07, "class_log_score": -2.8}, {"step": 20, "answer_loss": 0.04},
            {"step": 25, "answer_loss": 0.5},
        ],
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", ["html", "markdown"])
def test_a_report_on_trained_weights_says_what_was_trained_and_what_it_changed(kind: str) -> None:
    served = {"classes": [["up", 0.3, 0.55], ["down", 0.7, 0.45]]}
    made = rendered(training=TRAINING, served=served)
    text = Page(made.html).text if kind == "html" else made.markdown
    told = ("25abe4bea3f1", "4,884,480 of 134,515,008", "600 s", "CPU, 2 cores", "2.070", "0.040", "-1.090", "d" * 64)
    assert [each for each in told if each not in text] == []
    assert "0.550" in text
    assert "0.500" not in text.split("训练 ", 1)[1][:1500], "the look after the weights that were kept is not theirs"
    assert "training" in made.charts
    plain = rendered()
    assert "4,884,480" not in (Page(plain.html).text if kind == "html" else plain.markdown)
