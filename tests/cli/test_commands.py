"""Each command as a person types it: what it prints, what it exits with, and that it says why when it cannot."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from ljwx import __version__
from ljwx.cli.app import app
from ljwx.core.promotions.reasons import Reason
from ljwx.hooks.warehouse import WarehouseHook
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import Chain, Database, answer_next
from support_ollama import OllamaServer
from support_rows import add_alias, add_decision, add_evaluation, add_model
from support_tasks import TaskRunner
from support_tushare import TushareServer

Run = Callable[..., Result]
RISK = "仅供研究,不构成投资建议"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    monkeypatch.setenv("AIRFLOW__LOGGING__LOGGING_LEVEL", "ERROR")

    def invoke(*words: str, code: int = 0) -> Result:
        done = CliRunner().invoke(app, words)
        assert done.exit_code == code, (done.exception, done.output)
        return done

    return invoke


@pytest.fixture
def crowned(chain_db: Database, chain: Chain) -> Database:
    """The chain's model is the champion."""
    model = chain.plan["model"]
    add_alias(chain_db, model, promotion_id=add_decision(chain_db, model, "first_champion"))
    return chain_db


def one_line(result: Result) -> str:
    (line,) = result.stderr.splitlines()
    assert line.startswith("ljwx: ")
    return line


def validation_sample(db: Database) -> dict[str, Any]:
    (row,) = db.rows(
        "SELECT sample_id, ts_code, session, snapshot::text AS snapshot, answer::text AS answer FROM ljwx.samples "
        "JOIN ljwx.dataset_samples USING (sample_id) WHERE split = 'validation' AND task = 'investment_advice' "
        "ORDER BY sample_id LIMIT 1"
    )
    return row


def test_help_tells_every_command_in_both_languages_and_the_exit_codes(run: Run) -> None:
    told = run("--help").stdout
    for command in (
        "ask",
        "report",
        "compare",
        "lineage",
        "rollback",
        "doctor",
        "audit",
        "config",
        "migrate",
        "record",
        "sessions",
        "serve",
        "token",
    ):
        assert f"\n  {command} " in told
        page = run(command, "--help").stdout
        assert any("\u4e00" <= sign <= "\u9fff" for sign in page), command
    assert "3 not found" in " ".join(told.split())
    assert run("--version").stdout == f"ljwx {__version__}\n"


def test_an_answer_is_about_the_very_snapshot_the_samples_are_made_of(run: Run, crowned: Database) -> None:
    sample = validation_sample(crowned)
    told = json.loads(run("ask", sample["ts_code"], "--date", str(sample["session"]), "--json").stdout)
    assert told["snapshot"] == json.loads(sample["snapshot"])
    assert (told["session"], told["task"]) == (str(sample["session"]), "investment_advice")
    assert told["answer"]["valid"]
    assert told["answer"]["label"] in {"buy", "hold", "sell"}
    assert sum(told["answer"]["probabilities"].values()) == pytest.approx(1)
    assert RISK in told["risk_statement"]


def test_it_is_told_when_ranks_are_among_few_stocks_and_no_industry_is_where_the_model_learned_none(
    run: Run, crowned: Database, ollama_faulty: OllamaServer
) -> None:
    """Industries were first seen today: the samples that the champion was made from have none."""
    sample = validation_sample(crowned)
    crowned.execute("UPDATE ljwx.instruments SET first_seen = '2025-01-01'")
    stocks = crowned.value("SELECT count(*) FROM ljwx.current_bars WHERE session = %s", sample["session"])
    question = ("ask", sample["ts_code"], "--date", str(sample["session"]), "--task", "investment_advice")
    answer_next(ollama_faulty, sample["answer"], sample["answer"])
    assert f"note    ranks are among {stocks} stocks, and not the whole market's" in run(*question).stdout
    told = json.loads(run(*question, "--json").stdout)
    assert (told["market_stocks"], told["snapshot"]["industry"]) == (stocks, "未知")


@pytest.mark.parametrize(
    ("proven", "told"),
    [
        (None, "not asked: whether it is any better than chance was not asked when it was decided on."),
        (False, "unproven: nothing shows yet that it ranks stocks better than chance does"),
        (True, "proven: on the sessions counted it ranked stocks better than chance does"),
    ],
)
def test_answer_and_report_say_whether_the_champion_was_shown_to_be_any_good(
    run: Run, crowned: Database, ollama_faulty: OllamaServer, proven: bool | None, told: str
) -> None:
    sample = validation_sample(crowned)
    crowned.execute("UPDATE ljwx.promotions SET proven = %s", proven)
    answer_next(ollama_faulty, sample["answer"], sample["answer"])
    question = ("ask", sample["ts_code"], "--date", str(sample["session"]), "--task", "investment_advice")
    assert f"proof   {told}" in run(*question).stdout
    assert json.loads(run(*question, "--json").stdout)["proven"] is proven
    assert f"            {told}" in run("report").stdout
    assert json.loads(run("report", "--json").stdout)["aliases"][0]["proven"] is proven


def test_the_report_tells_what_the_newest_decision_weighed(run: Run, crowned: Database) -> None:
    weighed = {
        "session": "2026-03-20", "looks": 3, "lines": 2, "alpha": 0.01, "spent": 0.018, "error_rate": 0.05,
        "error_sessions": 250, "compared": [
            {"rival": "none", "measure": "rank_ic", "task": None, "sessions": 40, "raw": 0.051, "shrunken": 0.031,
             "low": -0.02, "high": 0.12, "smallest": 0.09, "confirmed": False, "waiting": False},
        ],
    }  # fmt: skip
    assert "look number" not in run("report").stdout
    crowned.execute("UPDATE ljwx.promotions SET proven = false, evidence = %s", json.dumps(weighed))
    told = run("report").stdout
    assert "look number 3; 2 lines began to challenge in 250 sessions, 1.80% of an error rate of 5% given" in told
    assert [word in told for word in ("0.051", "0.031", "-0.020", "0.120", "0.090", "not enough")] == [True] * 6


def test_a_champion_made_from_features_of_the_version_before_is_asked_as_before(
    run: Run, crowned: Database, ollama_faulty: OllamaServer
) -> None:
    sample = validation_sample(crowned)
    spec = "UPDATE ljwx.datasets SET spec = jsonb_set(spec, '{feature_version}', %s)"
    crowned.execute(spec, '"1"')
    answer_next(ollama_faulty, sample["answer"])
    asked = ("ask", sample["ts_code"], "--date", str(sample["session"]), "--json")
    assert json.loads(run(*asked).stdout)["snapshot"] == json.loads(sample["snapshot"])
    crowned.execute(spec, '"0"')
    assert "only features of version 2 are computed here" in one_line(run(*asked, code=2))


@pytest.mark.parametrize("universe", ['["000001.SZ"]', '{"index": "000300.SH"}'])
def test_it_is_told_when_the_model_was_made_of_other_stocks(
    run: Run, crowned: Database, ollama_faulty: OllamaServer, universe: str
) -> None:
    sample = validation_sample(crowned)
    crowned.execute("UPDATE ljwx.datasets SET spec = jsonb_set(spec, '{universe}', %s::jsonb)", universe)
    crowned.execute(
        "INSERT INTO ljwx.index_members (index_code, session, ts_code, revision, run_key) "
        "SELECT '000300.SH', %s, '000001.SZ', 1, min(run_key) FROM ljwx.runs", sample["session"],
    )  # fmt: skip
    note = "note    the model's samples are of other stocks than this one"
    for stock, told in ((sample["ts_code"], sample["ts_code"] != "000001.SZ"), ("000001.SZ", False)):
        answer_next(ollama_faulty, sample["answer"])
        question = ("ask", stock, "--date", str(sample["session"]), "--task", "investment_advice")
        assert (note in run(*question).stdout) == told
    assert sample["ts_code"] != "000001.SZ"


def test_a_claim_that_the_snapshot_does_not_hold_is_named(
    run: Run, crowned: Database, ollama_faulty: OllamaServer
) -> None:
    sample = validation_sample(crowned)
    wrong = json.loads(sample["answer"]) | {"analysis": "RSI6为12345.6,5日涨幅99.9%,业绩翻倍"}
    answer_next(ollama_faulty, json.dumps(wrong, ensure_ascii=False))
    asked = ("--task", "investment_advice")
    told = run("ask", sample["ts_code"].lower(), "--date", f"{sample['session']:%Y%m%d}", *asked).stdout
    assert "wrong   RSI6 12345.6: the snapshot has" in told
    assert "        not checked: 业绩翻倍\n" in told
    assert "\nchecked " not in told
    assert RISK in told
    answer_next(ollama_faulty, json.dumps(json.loads(sample["answer"]), ensure_ascii=False))
    told = run("ask", sample["ts_code"], "--date", str(sample["session"]), *asked).stdout
    assert re.search(
        r"^checked [1-9]\d* numbers and readings of the answer, all are the snapshot's", told, re.MULTILINE
    )


def test_an_answer_that_does_not_parse_is_shown_raw_and_fails(
    run: Run, crowned: Database, ollama_faulty: OllamaServer
) -> None:
    answer_next(ollama_faulty, "我看好它")
    sample = validation_sample(crowned)
    question = ("ask", sample["ts_code"], "--date", str(sample["session"]), "--task", "investment_advice")
    done = run(*question, code=1)
    assert "raw     我看好它" in done.stdout
    assert "not valid (not_the_schema); nothing was made up in its place" in one_line(done)


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("999999.SZ",), 3, "no stock '999999.SZ' is known; codes look like 000001.SZ"),
        (
            ("000001.SZ", "--date", "2999-01-01"),
            3,
            "nothing is known of 2999-01-01 yet; the last complete session is 2026",
        ),
        (
            ("000001.SZ", "--date", "1999-01-01"),
            3,
            "the warehouse begins with 2025-09-01; nothing is known of 1999-01-01",
        ),
        (("000001.SZ", "--date", "2025-09-02"), 3, "has too few unbroken sessions up to 2025-09-02"),
    ],
)
def test_what_cannot_be_answered_ends_with_one_line(
    run: Run, crowned: Database, words: tuple[str, ...], code: int, why: str
) -> None:
    assert why in one_line(run("ask", *words, code=code))


def test_a_suspended_stock_is_said_to_be_suspended(run: Run, crowned: Database) -> None:
    stock, session = next(
        iter(
            crowned.rows(
                "SELECT s.ts_code, s.session FROM ljwx.suspensions s JOIN ljwx.ingest_days d USING (session) "
                "WHERE kind = 'S' AND timing IS NULL AND NOT EXISTS (SELECT FROM ljwx.current_bars b "
                "WHERE b.ts_code = s.ts_code AND b.session = s.session) AND session > '2025-12-01' LIMIT 1"
            )
        )
    ).values()
    why = one_line(run("ask", stock, "--date", str(session), code=3))
    assert f"{stock} did not trade on {session}, it was suspended; its last bar is of " in why


def test_a_bar_that_is_not_there_is_not_said_to_be_a_suspension(run: Run, crowned: Database) -> None:
    sample = validation_sample(crowned)
    stock, session = sample["ts_code"], str(sample["session"])
    crowned.execute("DELETE FROM ljwx.suspensions WHERE ts_code = %s", stock)
    crowned.execute("DELETE FROM ljwx.bars WHERE ts_code = %s AND session = %s", stock, session)
    why = one_line(run("ask", stock, "--date", session, code=3))
    assert f"no bar of {stock} is stored on {session}; its last bar is of " in why
    crowned.execute(
        "INSERT INTO ljwx.quarantine (session, ts_code, reasons, raw, raw_sha256, run_key) "
        "VALUES (%s, %s, '{high_below_low}', '{}', 'x', 1)", session, stock,
    )  # fmt: skip
    why = one_line(run("ask", stock, "--date", session, code=3))
    assert f"the row of {stock} on {session} is in ljwx.quarantine (high_below_low)" in why


def test_before_any_session_is_complete_it_says_what_to_run(run: Run, crowned: Database) -> None:
    for table in ("complete_days", "ingest_days"):
        crowned.execute(f"DELETE FROM ljwx.{table}")
    assert "no complete session in the warehouse yet; run ljwx_daily_ingest" in one_line(
        run("ask", "000001.SZ", code=3)
    )


def test_bars_that_wait_for_their_features_are_not_told(run: Run, crowned: Database) -> None:
    """A bar is corrected between ingest_bars and compute_features."""
    sample = validation_sample(crowned)
    stock, session = sample["ts_code"], sample["session"]
    crowned.execute("UPDATE ljwx.bars SET superseded_at = now() WHERE session = %s AND superseded_at IS NULL", session)
    why = one_line(run("ask", stock, "--date", str(session), code=3))
    assert f"bars from {session} on wait for their features; let compute_features of ljwx_daily_ingest run" in why
    before = crowned.value("SELECT max(session) FROM ljwx.ingest_days WHERE complete AND session < %s", session)
    assert json.loads(run("ask", stock, "--json").stdout)["session"] == str(before)
    crowned.execute("TRUNCATE ljwx.feature_marks")
    assert "bars from 2025-09-01 on wait" in one_line(run("ask", stock, code=3))


def test_a_stock_that_is_delisted_or_not_yet_listed_is_said_to_be(run: Run, crowned: Database) -> None:
    crowned.execute("DELETE FROM ljwx.bars WHERE ts_code = '000001.SZ'")
    crowned.execute("UPDATE ljwx.instruments SET delist_date = '2026-01-05' WHERE ts_code = '000001.SZ'")
    assert "000001.SZ was delisted on 2026-01-05" in one_line(run("ask", "000001.SZ", code=3))
    crowned.execute(
        "UPDATE ljwx.instruments SET delist_date = NULL, list_date = '2026-12-01' WHERE ts_code = '000001.SZ'"
    )
    assert "000001.SZ was listed on 2026-12-01, after 2026-" in one_line(run("ask", "000001.SZ", code=3))


def test_a_renamed_code_answers_for_its_own_days_and_names_the_new_one_for_later(run: Run, crowned: Database) -> None:
    for table in ("bars", "features"):
        crowned.execute(
            f"UPDATE ljwx.{table} SET ts_code = '001001.SZ' WHERE ts_code = '000001.SZ' AND session >= '2026-03-16'"
        )
    crowned.execute(
        "INSERT INTO ljwx.instruments (ts_code, revision, name, industry, market, exchange, list_date, run_key) "
        "SELECT '001001.SZ', 1, name, industry, market, exchange, list_date, run_key "
        "FROM ljwx.instruments WHERE ts_code = '000001.SZ'"
    )
    crowned.execute(
        "UPDATE ljwx.instruments SET delist_date = '2026-03-16', end_reason = 'renamed', renamed_to = '001001.SZ' "
        "WHERE ts_code = '000001.SZ'"
    )
    said = "000001.SZ is 001001.SZ since 2026-03-16; ask about that, or about an earlier day"
    assert said in one_line(run("ask", "000001.SZ", code=3))
    for words, code in ((("001001.SZ",), "001001.SZ"), (("000001.SZ", "--date", "2026-03-13"), "000001.SZ")):
        assert json.loads(run("ask", *words, "--json").stdout)["snapshot"]["ts_code"] == code


def test_without_a_champion_it_says_what_to_run(run: Run, chain_db: Database) -> None:
    assert "there is no champion yet; run ljwx_model_build" in one_line(run("ask", "000001.SZ", code=3))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("ask", "000001.SZ", "--task", "fortune"), "'fortune' is no task"),
        *(
            (("ask", "000001.SZ", "--date", day), f"'{day}' is no day; write it like 2026-06-30 or 20260630")
            for day in ("soon", "2026-1-15", "2026063", "2026-02-30", "2026-0630", "٢٠٢٦٠٦٣٠", " 2026-06-30", "")
        ),
        (("report", "--newest", "0"), "should be greater than or equal to 1"),
        (("sessions", "refresh", "--source", "stars"), "'stars' is no source"),
        (("ask",), "Missing argument"),
    ],
)
def test_wrong_use_ends_with_2(run: Run, crowned: Database, words: tuple[str, ...], why: str) -> None:
    assert why in " ".join(run(*words, code=2).stderr.split())


def test_the_champion_gone_from_the_server_is_a_failure_that_names_it(
    run: Run, crowned: Database, ollama_sandbox: OllamaServer
) -> None:
    crowned.execute("ALTER TABLE ljwx.promotions DROP CONSTRAINT promotions_challenger_fkey")
    for table in ("aliases", "evaluations"):
        crowned.execute(f"ALTER TABLE ljwx.{table} DROP CONSTRAINT {table}_model_fkey")
    crowned.execute("UPDATE ljwx.models SET model = 'ljwx-stock:gone'")
    crowned.execute("UPDATE ljwx.aliases SET model = 'ljwx-stock:gone'")
    sample = validation_sample(crowned)
    why = one_line(run("ask", sample["ts_code"], "--date", str(sample["session"]), code=1))
    assert "ModelMissing" in why
    assert "ljwx-stock:gone" in why


def test_a_name_that_stands_for_another_model_by_now_is_not_asked(
    run: Run, crowned: Database, chain: Chain, ollama_faulty: OllamaServer
) -> None:
    crowned.execute("UPDATE ljwx.aliases SET digest = repeat('0', 64)")
    ollama_faulty.fail_next("chat", "status", message="must not be asked")
    sample = validation_sample(crowned)
    why = one_line(run("ask", sample["ts_code"], "--date", str(sample["session"]), code=1))
    assert f"{chain.plan['model']} on {ollama_faulty.url} is another model by now" in why


def test_the_report_lists_the_champion_and_the_builds(run: Run, crowned: Database, chain: Chain) -> None:
    told = run("report").stdout
    assert f"champion    {chain.plan['model']}" in told
    assert RISK in told
    found = json.loads(run("report", "--json").stdout)
    assert [build["model"] for build in found["builds"]] == [chain.plan["model"]]
    assert found["builds"][0]["verdict"] == "first_champion"
    assert found["unfinished"] == []


def test_the_champion_keeps_its_score_in_the_report_when_it_was_asked_again_as_a_rival(
    run: Run, crowned: Database, chain: Chain
) -> None:
    for question_set, card in (
        (chain.question_set_id, {"model": {"overall": {"n": 240, "accuracy": 0.5}}}),
        ("later", None),
    ):
        crowned.execute(
            "INSERT INTO ljwx.question_sets (question_set_id, dataset_id, run_key) SELECT %s, dataset_id, run_key "
            "FROM ljwx.question_sets ON CONFLICT DO NOTHING", question_set,
        )  # fmt: skip
        add_evaluation(crowned, chain.plan["model"], question_set, scorecard=card)
    (build,) = json.loads(run("report", "--json").stdout)["builds"]
    assert build["overall"] == {"n": 240, "accuracy": 0.5}
    assert re.search(r"first_champion\s+-\s+-\s+240\s", run("report").stdout)


def test_a_model_that_failed_its_verification_is_told_with_the_reason_and_its_report(
    run: Run, chain_db: Database, chain: Chain
) -> None:
    model = chain.plan["model"]
    reasons = [
        Reason(code="examples", text="It shows no foreign examples.", favourable=True),
        Reason(code="repeated", text="It answers in two ways.", favourable=False),
    ]
    decision = WarehouseHook().save_refusal(chain_db.value("SELECT run_key FROM ljwx.models"), model, reasons, {})
    chain_db.execute("UPDATE ljwx.models SET verified = NULL")
    told = run("report").stdout
    assert re.search(rf"{model} .* refused ", told)
    assert f"{model} failed its verification: It answers in two ways." in told
    assert f"its report: reports/{model.replace(':', '-')}/{decision}" in told
    assert "There is no champion yet" in told
    (node,) = json.loads(run("lineage", model, "--json").stdout)["used_by"]
    assert (node["verdict"], node["because"]) == ("refused", "It answers in two ways.")
    for change, why in (
        ("verified = '{}'", "it has passed since"),
        ("verified = NULL, created_at = now()", "it was deleted and is built anew"),
    ):
        chain_db.execute(f"UPDATE ljwx.models SET {change}")
        (build,) = json.loads(run("report", "--json").stdout)["builds"]
        assert (build["verdict"], build["refused_for"]) == (None, None), why


def test_a_task_that_wrote_and_did_not_finish_is_in_the_report(run: Run, crowned: Database) -> None:
    crowned.execute("UPDATE ljwx.runs SET finished_at = NULL, started_at = now() WHERE task_id = 'build_dataset'")
    assert "tests.build_dataset" in run("report").stdout


def test_a_model_leads_to_its_bars_and_a_sample_to_its_model(run: Run, crowned: Database, chain: Chain) -> None:
    tree = json.loads(run("lineage", chain.plan["model"], "--json").stdout)
    dataset = next(node for node in tree["made_from"] if node["kind"] == "dataset")
    assert dataset["name"] == chain.dataset_id
    bars = [node for node in dataset["made_from"] if node["kind"] == "bars"]
    assert sum(node["rows"] for node in bars) == crowned.value(
        "SELECT count(*) FROM ljwx.current_bars WHERE session BETWEEN %s AND %s", dataset["from"], dataset["to"]
    )
    assert {node["made_from"][0]["name"].split("[")[0] for node in bars} == {"tests.ingest_bars"}
    assert [node["verdict"] for node in tree["used_by"] if node["kind"] == "decision"] == ["first_champion"]

    sample = validation_sample(crowned)["sample_id"]
    back = json.loads(run("lineage", sample[:12], "--json").stdout)
    assert back["name"] == sample
    assert {"kind": "dataset", "name": chain.dataset_id, "split": "validation"} in back["used_by"]
    forward = json.loads(run("lineage", chain.dataset_id, "--json").stdout)
    assert chain.plan["model"] in {node["name"] for node in forward["used_by"]}
    assert "├── made from" in run("lineage", chain.dataset_id).stdout


@pytest.mark.parametrize(
    "name", ["ljwx-stock:nothing", "20200101-000000000000", "deadbeef", "x", "2026-06-30/000001.SZ/price_direction"]
)
def test_a_name_of_nothing_is_not_found(run: Run, crowned: Database, name: str) -> None:
    why = one_line(run("lineage", name, code=3))
    assert why == (
        f"ljwx: no model, dataset or sample is called '{name}'; `ljwx report` lists the models and datasets; "
        "a bar is called 2026-06-30/000001.SZ, an answer of the forward record 2026-06-30/000001.SZ/TASK/MODEL"
    )


def rival(db: Database, chain: Chain, right: int) -> None:
    """Two models that answered the chain's questions: the champion all of them rightly, the other `right` of them."""
    add_model(db, "ljwx-stock:rival")
    for model in (chain.plan["model"], "ljwx-stock:rival"):
        evaluation = add_evaluation(db, model, chain.question_set_id)
        db.execute(
            "INSERT INTO ljwx.answers (evaluation_id, sample_id, raw, valid, label, latency_s, prompt_tokens, "
            "answer_tokens) SELECT %s, sample_id, '', true, CASE WHEN %s OR position < %s THEN label ELSE 'none' END, "
            "1, 1, 1 FROM ljwx.questions JOIN ljwx.samples USING (sample_id) WHERE question_set_id = %s",
            evaluation, model == chain.plan["model"], right, chain.question_set_id,
        )  # fmt: skip


def test_two_models_are_compared_on_what_both_answered(run: Run, crowned: Database, chain: Chain) -> None:
    rival(crowned, chain, right=1)
    found = json.loads(run("compare", chain.plan["model"], "ljwx-stock:rival", "--json").stdout)
    overall = found["parts"][0]
    assert (overall["part"], overall["questions"], overall["first"], overall["second"]) == ("overall", 4, 1.0, 0.25)
    assert (overall["difference"], overall["low"], overall["high"]) == (0.75, None, None)
    measured = {(each["measure"], each["task"]): each for each in found["measures"]}
    assert {task for _, task in measured} == {"investment_advice", "risk_assessment", "price_direction"}
    assert all(measured["brier", task]["first"] == 0 for _, task in measured)
    told = run("compare", chain.plan["model"], "ljwx-stock:rival").stdout
    assert "resampled in blocks of sessions" in one_paragraph(told)
    assert "ranking and proper scores" in told
    assert (found["rivals"], found["record"]) == ([], [])


def one_paragraph(told: str) -> str:
    return " ".join(told.split())


def test_two_models_stand_beside_what_any_model_has_to_beat(run: Run, crowned: Database, chain: Chain) -> None:
    rival(crowned, chain, right=1)
    cards = {
        name: {
            "overall": {"accuracy": 0.9, "calibration": {"brier": brier}},
            "tasks": {
                "price_direction": {"n": 3, "accuracy": 0.5, "rank_ic": {"mean": 0.02}},
                "technical_analysis": {"n": 9, "accuracy": 1.0},
            },
        }
        for name, brier in (("model", 0.6), ("champion", 0.6), ("logistic", 0.64), ("base", 0.7))
    }
    crowned.execute("UPDATE ljwx.evaluations SET scorecard = %s::jsonb", json.dumps(cards))
    found = json.loads(run("compare", chain.plan["model"], "ljwx-stock:rival", "--json").stdout)["rivals"]
    assert [(each["rival"], each["future"], each["rank_ic"], each["brier"]) for each in found] == [
        ("base", 0.5, 0.02, 0.7), ("logistic", 0.5, 0.02, 0.64),
    ]  # fmt: skip
    told = run("compare", chain.plan["model"], "ljwx-stock:rival").stdout
    assert "what any model has to beat" in told
    assert "untuned base" in told


def test_models_without_questions_in_common_are_not_compared(run: Run, crowned: Database, chain: Chain) -> None:
    assert "have no question set in common" in one_line(
        run("compare", chain.plan["model"], chain.plan["model"], code=3)
    )
    assert "no model is called 'x'" in one_line(run("compare", "x", chain.plan["model"], code=3))


def test_the_configuration_in_force_is_file_and_variable_together(run: Run, tasks: TaskRunner) -> None:
    tasks.variables["ljwx_training_config"] = {"gate": {"margin": 0.02}}
    told = json.loads(run("config").stdout)
    assert json.loads(run("config", "--json").stdout) == told
    assert told["gate"]["margin"] == 0.02
    assert told["model"]["base"] == "deepseek-llm:7b"


@pytest.mark.parametrize(
    ("variable", "why"),
    [
        ({"gate": {"margn": 0.02}}, "gate.margn: Extra inputs are not permitted"),
        ({"evaluation": {"questions": "many"}}, "evaluation.questions: Input should be a valid integer"),
        ({"samples": {"horizon": 20}}, "gate.block: 10 is less than samples.horizon = 20"),
        ({"schedules": {"ingest": "19:00"}}, "schedules is read off training_config.json alone"),
        (["gate"], "must be a JSON object of sections, not a list"),
    ],
)
def test_settings_that_cannot_be_meant_end_with_one_line(run: Run, tasks: TaskRunner, variable: Any, why: str) -> None:
    tasks.variables["ljwx_training_config"] = variable
    assert why in one_line(run("config", code=2))


def test_the_audit_exits_with_4_when_something_is_on_one_side_only(crowned: Database, chain: Chain) -> None:
    """Other tests leave specs and tags in the chain's folder and on its server: only what is new counts."""

    def orphans() -> dict[str, str]:
        done = CliRunner().invoke(app, ("audit", "--json"))
        found = {orphan["name"]: orphan["lacks"] for orphan in json.loads(done.stdout)}
        assert done.exit_code == (4 if found else 0)
        return found

    before = orphans()
    crowned.execute("UPDATE ljwx.datasets SET deleted_at = now()")
    after = orphans()
    assert {name: lacks for name, lacks in after.items() if name not in before} == {
        chain.dataset_id: "no row in ljwx.datasets"
    }


def test_the_database_down_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_LJWX_POSTGRES", "postgres://postgres:hidden@127.0.0.1:9/none")
    why = one_line(run("report", code=1))
    assert "the warehouse: " in why
    assert "hidden" not in why


@pytest.fixture
def empty_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The URL of a database without a table."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield postgres.url(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_migrate_brings_an_empty_database_to_the_newest_schema(
    run: Run, monkeypatch: pytest.MonkeyPatch, empty_url: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_LJWX_POSTGRES", empty_url.replace("postgresql://", "postgres://"))
    assert "run `ljwx migrate`" in one_line(run("report", code=2))
    first, again = (json.loads(run("migrate", "--json").stdout) for _ in range(2))
    assert first["before"] is None
    assert again["before"] == again["now"] == first["now"]
    assert "There is no champion yet" in run("report").stdout


def test_migrate_says_what_the_role_may_not_do(run: Run, monkeypatch: pytest.MonkeyPatch, empty_url: str) -> None:
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS newcomer")
        connection.execute("CREATE ROLE newcomer LOGIN PASSWORD 'hidden'")
    url = re.sub(r"//[^@]*@", "//newcomer:hidden@", empty_url.replace("postgresql:", "postgres:"))
    monkeypatch.setenv("AIRFLOW_CONN_LJWX_POSTGRES", url)
    why = one_line(run("migrate", code=2))
    assert "the role newcomer may not make the tables (permission denied for database" in why
    assert "hidden" not in why


def test_migrate_leaves_the_tables_of_a_later_version_alone(run: Run, crowned: Database) -> None:
    crowned.execute("UPDATE ljwx.schema_version SET version_num = '9999'")
    why = one_line(run("migrate", code=2))
    assert "not of this version's past" in why
    assert "9999" in why


def test_migrate_without_a_database_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch, empty_url: str) -> None:
    url = empty_url.replace("postgresql:", "postgres:").rpartition("/")[0] + "/nowhere"
    monkeypatch.setenv("AIRFLOW_CONN_LJWX_POSTGRES", url)
    assert 'database "nowhere" does not exist' in one_line(run("migrate", code=1))


@pytest.mark.parametrize(
    ("text", "why"),
    [(None, "No such file or directory"), ("soon\n", "'soon' is not a date"), ("", "holds no session")],
)
def test_sessions_refresh_names_a_list_that_cannot_be_read(
    run: Run, tmp_path: Path, text: str | None, why: str
) -> None:
    path = tmp_path / "sse.txt"
    if text is not None:
        path.write_text(text)
    told = one_line(run("sessions", "refresh", "--file", str(path), code=2))
    assert "the list to replace cannot be read: " in told
    assert why in told


def test_nothing_to_roll_back_to_is_said(run: Run, crowned: Database, chain: Chain) -> None:
    why = one_line(run("rollback", "--reason", "worse", code=3))
    assert why == f"ljwx: nothing to roll back to: {chain.plan['model']} is the first champion"
    assert "a rollback needs a reason" in one_line(run("rollback", "--reason", " ", code=2))
    crowned.execute("DELETE FROM ljwx.aliases")
    assert "nothing to roll back to: there is no champion" in one_line(run("rollback", "--reason", "x", code=3))
    assert crowned.value("SELECT count(*) FROM ljwx.promotions") == 1


def test_a_tag_deleted_by_hand_is_in_the_audit_and_cannot_be_rolled_back_to(
    run: Run, crowned: Database, chain: Chain
) -> None:
    add_alias(crowned, add_model(crowned, "ljwx-stock:gone"), "previous")
    orphans = {each["name"]: each["lacks"] for each in json.loads(run("audit", "--json", code=4).stdout)}
    assert orphans["ljwx-stock:gone"] == "no tag on the model server"
    assert "ModelMissing" in one_line(run("rollback", "--reason", "worse", code=1))
    assert crowned.value("SELECT model FROM ljwx.aliases WHERE alias = 'champion'") == chain.plan["model"]


def test_sessions_refresh_keeps_the_list_when_the_source_refuses(
    run: Run, tmp_path: Path, market: TushareServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", market.connection(token="nobody's"))
    path = tmp_path / "sse.txt"
    path.write_text("# Known through 2026-12-31.\n2026-01-05\n", encoding="utf-8")
    before = path.read_bytes()
    assert "BadToken" in one_line(run("sessions", "refresh", "--source", "trade_cal", "--file", str(path), code=1))
    assert path.read_bytes() == before


def test_it_runs_on_connections_of_the_environment_alone(
    crowned: Database, ollama_sandbox: OllamaServer, tmp_path: Path
) -> None:
    """Airflow's own database does not exist here: neither connections nor the Variable can come from it."""
    sample = validation_sample(crowned)
    words = ("ask", sample["ts_code"], "--date", str(sample["session"]), "--json")
    done = subprocess.run(
        [sys.executable, "-m", "ljwx.cli", *words], capture_output=True, text=True, check=False, timeout=120,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")},
            "AIRFLOW_HOME": str(tmp_path), "AIRFLOW_CONN_LJWX_POSTGRES": crowned.url.replace("postgresql", "postgres"),
            "AIRFLOW_CONN_OLLAMA_DEFAULT": ollama_sandbox.connection,
        },
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["snapshot"]["ts_code"] == sample["ts_code"]
