"""The page of a month of the forward record: written when it is settled, by a task or by hand, and recomputed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from ljwx.cli.app import app
from ljwx.core.datasets.spec import RISK_STATEMENT
from ljwx.core.reports.month.content import Recipe
from ljwx.core.reports.month.render import as_html, as_json
from ljwx.services.pages.month import month_page, months_due
from ljwx.stages.forward.month import write_month
from support_chain import Database, bars_of, whole_day
from support_docs import ROOT
from support_levels import save_levels
from support_lines import DAYS as LINE_DAYS
from support_lines import Market
from support_month import AFTER, DAYS, MODEL, STOCKS, MonthRecord
from support_settled import SPEC
from support_tasks import TaskRunner

SCRIPT = re.compile(r'^```python\n("""Recompute the scores.*?)^```', re.MULTILINE | re.DOTALL)


@pytest.fixture
def record(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MonthRecord:
    monkeypatch.setenv("LJWX_DATA", str(tmp_path / "data"))
    return MonthRecord(warehouse_url)


def ljwx(*line: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["record", *line])
    return done.exit_code, done.output


def test_a_month_is_told_once_it_is_settled_and_anew_after_a_correction(
    record: MonthRecord, tmp_path: Path, tasks: TaskRunner, db: Database
) -> None:
    pages = tmp_path / "data" / "forward" / "months"
    (told,) = tasks.run(write_month)
    assert told == str(pages / "2026-02.html")
    with pytest.raises(AirflowSkipException, match="no month of the forward record waits"):
        tasks.run(write_month)
    for day in [day for day in AFTER if day.month == 3]:
        record.complete(day)
    assert months_due(record.hook) == []
    record.settle(DAYS[-1:], moment=AFTER[-1])
    for day in [day for day in AFTER if day.month == 4]:
        record.complete(day)
    assert months_due(record.hook) == ["2026-03"]
    tasks.run(write_month)
    before = {path.name: path.read_bytes() for path in pages.iterdir()}
    assert sorted(before) == ["2026-02.html", "2026-02.json", "2026-03.html", "2026-03.json"]
    record.settle(DAYS[-1:], seed=6, moment=date(2026, 4, 7))
    assert months_due(record.hook) == ["2026-03"]
    tasks.run(write_month)
    assert months_due(record.hook) == []
    assert (pages / "2026-02.html").read_bytes() == before["2026-02.html"]
    record.complete(date(2026, 7, 1))
    assert months_due(record.hook) == ["2026-04"], "of May and June there is nothing to tell"
    page = json.loads((pages / "2026-03.json").read_text(encoding="utf-8"))
    assert (page["known_at"], page["whole"], page["revised"]) == (
        "2026-04-07T12:00:00.000000Z",
        True,
        2 * len(STOCKS) - 1,
    )


def test_a_model_of_ours_is_told_with_its_recipe_and_what_it_was_shown_to_know(
    sessions_of_lines: Market, tmp_path: Path
) -> None:
    market = sessions_of_lines
    market.record((market.model("new"), 0.9), days=range(40, 46))
    priced = {"costs": SPEC.costs.model_dump(mode="json")}
    market.db.execute("ALTER TABLE ljwx.forward_batches DISABLE TRIGGER USER")
    market.db.execute("UPDATE ljwx.forward_batches SET spec = spec || %s", Jsonb(priced))
    for at in range(40, 46):
        market.warehouse.save_day(1, whole_day(LINE_DAYS[at]), bars_of(LINE_DAYS[at]))
    page = month_page(market.warehouse, "2026-03")
    (answerer,) = page.answerers
    line = market.db.value("SELECT line_id FROM ljwx.models")
    assert (answerer.kind, answerer.recipe) == ("model", Recipe(line, "prompt", "b", "ds"))
    assert {each.state for each in page.verdicts} == {"not_shown"}  # nobody said class rates
    assert line in as_html(page, (ROOT / "include" / "reports" / "month.html.j2").read_text(encoding="utf-8"))


def test_a_month_outside_of_the_record_is_not_there(record: MonthRecord) -> None:
    for month, said in (
        ("2026-01", "the forward record has no session up to 2026-01-31"),
        ("2026-04", "the forward record is known until 2026-03-10: there is nothing of 2026-04 yet"),
    ):
        assert ljwx("month", month) == (3, f"ljwx: {said}\n")


def test_the_page_says_all_that_a_stranger_needs_and_loads_nothing(record: MonthRecord, tmp_path: Path) -> None:
    code, told = ljwx("month", "2026-03", "--to", str(tmp_path))
    assert (code, told.splitlines()) == (
        0,
        [
            *(str(tmp_path / f"2026-03.{kind}") for kind in ("html", "json")),
            f"2026-03 is not whole: {2 * len(STOCKS)} questions wait for their outcome.",
        ],
    )
    page = json.loads((tmp_path / "2026-03.json").read_text(encoding="utf-8"))
    html = (tmp_path / "2026-03.html").read_text(encoding="utf-8")
    assert not re.search(r'(?:src|href)="(?!data:)', html)
    assert html.count("data:image/svg+xml;base64,") == 5
    for text in (
        '<meta name="ai-generated" content="true">', "【AI 生成】", "[AI-generated]", RISK_STATEMENT, "未经证实",
        "Not proven", "Simulated, not advice", "Not whole", f"ljwx record verify record.parquet --head {page['head']}",
    ):  # fmt: skip
        assert text in html
    assert (page["ai_generated"], page["risk"]["chinese"]) == (True, RISK_STATEMENT)
    assert [(each["session"], each["state"]) for each in page["sessions"]] == [
        (day.isoformat(), state)
        for day, state in zip(DAYS[2:], ("gap", "counts", "late", "counts", "counts", "counts", "counts"), strict=True)
    ]
    late = {each["session"]: each["late"] for each in page["sessions"]}
    assert (late[str(DAYS[3])], late[str(DAYS[4])], late[str(DAYS[5])]) == (4, len(STOCKS) * 6, 0)
    assert page["head"] == page["sessions"][-1]["digest"]
    kinds = [(each["answerer"], (each["digest"] or "-")[0], each["kind"]) for each in page["answerers"]]
    rules = [(name, "-", "rule") for name in ("class_rates", "logistic")]
    assert kinds == [(MODEL, "d", "base"), (MODEL, "e", "base"), *rules]
    assert {each["state"] for each in page["verdicts"]} <= {"not_shown", "worse"}
    assert {(each["window"]["name"], each["window"]["first"]) for each in page["scores"]} == {
        ("all", "2026-02-26"),
        ("month", "2026-03-01"),
    }


def test_an_index_stands_beside_what_it_would_have_earned(record: MonthRecord, tmp_path: Path) -> None:
    template = (ROOT / "include" / "reports" / "month.html.j2").read_text(encoding="utf-8")
    assert "No index beside it: no level of one is stored" in as_html(month_page(record.hook, "2026-03"), template)
    save_levels(record.hook, record.key, {day: 4000.0 + 10 * at for at, day in enumerate(DAYS)})
    page = month_page(record.hook, "2026-03")
    html = as_html(page, template)
    found = json.loads(as_json(page))["earned"][0]
    assert found["index_code"] == "000300.SH"
    assert found["index"] == pytest.approx([1 + at / 400 for at in range(1, len(DAYS))])
    assert "Index: 000300.SH, from its close of 2026-02-26" in html
    assert "价格指数,不含分红" in html


def test_the_words_about_an_index_are_those_of_all_rows(record: MonthRecord) -> None:
    """The model that came later has an index beside it, and the one before lacks a close."""
    template = (ROOT / "include" / "reports" / "month.html.j2").read_text(encoding="utf-8")
    save_levels(record.hook, record.key, dict.fromkeys(DAYS[5:], 4000.0))
    page = month_page(record.hook, "2026-03")
    html = as_html(page, template)
    assert [each.digest[0] for each in page.earned if each.index and each.digest] == ["e"]
    assert html.count(f"Index: 000300.SH, from its close of {DAYS[5]}") == 1
    assert html.count(f"closes of 000300.SH are not stored, the first of {DAYS[0]}") == 1
    assert html.count("指数:000300.SH,") == 1
    assert "指数为“–”者没有指数可比" in html


def test_the_script_of_the_docs_comes_to_the_numbers_of_the_page(record: MonthRecord, tmp_path: Path) -> None:
    (script,) = SCRIPT.findall((ROOT / "docs" / "how-to.md").read_text(encoding="utf-8"))
    assert sum(bool(line.strip()) for line in script.splitlines()) <= 50
    (tmp_path / "recompute.py").write_text(script, encoding="utf-8")
    assert ljwx("month", "2026-03", "--to", str(tmp_path))[0] == 0
    page: dict[str, Any] = json.loads((tmp_path / "2026-03.json").read_text(encoding="utf-8"))
    ranked = sum(each["rank_ic"] is not None for each in page["scores"])
    assert ranked > 3
    skills = sum(len(each["skills"]) for each in page["scores"])
    assert skills > 6
    for name in ("record.csv", "record.parquet"):
        assert ljwx("export", str(tmp_path / name))[0] == 0
        lines = [line.split() for line in recomputed(tmp_path, name)]
        assert [line for line in lines if line[-1] != "True"] == []
        assert len(lines) == 6 * len(page["scores"]) + with_ece(page) + ranked + 2 * skills


def with_ece(page: dict[str, Any]) -> int:
    return sum(each["ece"] is not None for each in page["scores"])


def recomputed(folder: Path, name: str) -> list[str]:
    """What the script prints, run with nothing of ours on its path."""
    line = [sys.executable, "-I", "recompute.py", name, "2026-03.json"]
    return subprocess.run(line, cwd=folder, check=True, capture_output=True, text=True).stdout.splitlines()


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (("2026-13",), 2, "'2026-13' is no month; write it like 2026-11"),
        (("2026-1",), 2, "is no month"),
        (("2026-03", "--to", "{}/nowhere"), 2, "is no folder"),
        (("2026-03",), 3, "there is no forward record yet"),
    ],
)
def test_a_month_that_cannot_be_told_is_one_line(
    warehouse_url: str, tmp_path: Path, line: tuple[str, ...], code: int, said: str
) -> None:
    found, told = ljwx("month", *(each.format(tmp_path) for each in line))
    assert (found, len(told.strip().splitlines())) == (code, 1)
    assert said in told
