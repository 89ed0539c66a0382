"""The forward record from its stage: who is asked what, and what is kept when something goes wrong."""

from __future__ import annotations

import json
import logging
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from ljwx.exceptions import ConfigurationError, RecordUnfinished
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.operators.ollama import OllamaOperator
from ljwx.services.asking.classes import ClassAnswer
from ljwx.services.asking.full import Prompted
from ljwx.services.asking.servers import Server
from ljwx.stages.forward import asking
from ljwx.stages.forward.asking import ask_session
from ljwx.stages.forward.opening import open_session
from ljwx.stages.forward.sealing import seal_session
from support_chain import LAST, SMALL, Chain, Database, RunScript
from support_forward import at, stop_clock
from support_night import (
    GONE,
    NOTHING_LEFT,
    RULES,
    SESSION,
    TASKS,
    answered,
    by_answerer,
    settings,
    skipped,
    written,
)
from support_ollama import BASE, OllamaServer, running_sandbox
from support_rows import add_alias, add_decision, add_model
from support_tasks import TaskRunner

# apprise imports the module where Python still has it.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def test_models_base_and_rules_answer_every_task_of_the_most_traded_stocks(
    record: TaskRunner, chain: Chain, chain_db: Database
) -> None:
    assert answered(record) == {"questions": 9, "answers": 18}
    assert by_answerer() == dict.fromkeys((chain.plan["model"], BASE, *RULES), 9)
    asked = chain_db.column(
        "SELECT ts_code FROM ljwx.current_bars WHERE session > %s GROUP BY 1 ORDER BY sum(amount) DESC LIMIT 3",
        chain_db.value("SELECT DISTINCT session FROM ljwx.ingest_days ORDER BY 1 DESC OFFSET 20 LIMIT 1"),
    )
    assert {(each.ts_code, each.task) for each in written()} == {(code, task) for code in asked for task in TASKS}
    for each in written():
        assert each.probabilities is not None
        assert set(each.probabilities) == set(each.classes)
        assert sum(each.probabilities.values()) == pytest.approx(1)
    (line,) = chain_db.column("SELECT line_id FROM ljwx.models")
    digests = {each.answerer: (each.digest, each.line_id) for each in written()}
    assert digests[chain.plan["model"]] == (chain.built["digest"], line)
    assert digests[BASE] == (chain_db.value("SELECT base_digest FROM ljwx.models"), None)
    assert digests["logistic"] == (None, None)


def test_the_snapshot_that_was_asked_about_is_the_dataset_s(record: TaskRunner, chain_db: Database) -> None:
    answered(record)
    assert len({each.snapshot_sha256 for each in written()}) == 3
    stored = chain_db.column("SELECT DISTINCT snapshot_sha256 FROM ljwx.samples WHERE session = %s", SESSION)
    assert {each.snapshot_sha256 for each in written()} & set(stored)


def test_rules_say_class_rates_and_the_class_that_came_true_last(record: TaskRunner, chain: Chain) -> None:
    answered(record)
    rates = WarehouseHook().class_rates(chain.dataset_id)
    said = {rule: [each for each in written() if each.answerer == rule] for rule in RULES}
    assert all(each.probabilities == pytest.approx(rates[each.task]) for each in said["class_rates"])
    assert all(sorted(each.probabilities.values()) == [0.0, 0.0, 1.0] for each in said["persistence"])  # type: ignore[union-attr]
    of_direction = [each.probabilities for each in said["logistic"] if each.task == "price_direction"]
    assert of_direction[0] != of_direction[1]


def test_a_model_is_asked_in_the_prompts_that_it_was_taught_and_so_is_its_base(
    record: TaskRunner, chain: Chain, chain_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, ask_class = set(), asking.ask_class

    def noted(server: Server, model: str, prompted: Prompted, *given: Any) -> ClassAnswer:
        asked.add((model, prompted.prompt_version))
        return ask_class(server, model, prompted, *given)

    settings(record, stocks=1, in_full=0)
    monkeypatch.setattr(asking, "ask_class", noted)
    opened = record.run(open_session)
    assert WarehouseHook().forward_batches()[0].spec["prompt_version"] == "v1"
    chain_db.execute("""UPDATE ljwx.datasets SET spec = jsonb_set(spec, '{prompt_version}', '"v2"')""")
    record.run(ask_session, opened)
    assert asked == {(chain.plan["model"], "v2"), (BASE, "v2")}


def test_the_watchlist_and_a_draw_are_asked_in_full(record: TaskRunner, chain_db: Database) -> None:
    least = chain_db.value("SELECT ts_code FROM ljwx.current_bars WHERE session = %s ORDER BY amount LIMIT 1", SESSION)
    settings(record, stocks=2, watchlist=[least, "999999.SZ"])
    answered(record)
    whole = {each.ts_code for each in written() if each.answer is not None}
    assert len({each.ts_code for each in written()}) == 3
    assert least in whole
    assert len(whole) == 2
    assert all(json.loads(each.answer) for each in written() if each.answer is not None)


def test_without_a_verified_model_base_and_rules_answer_alone(
    record: TaskRunner, chain_db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    chain_db.execute("UPDATE ljwx.models SET verified = NULL")
    with caplog.at_level(logging.INFO):
        answered(record)
    assert [text for text in caplog.messages if "the untuned base and the rules answer alone" in text]
    assert set(by_answerer()) == {BASE, *RULES}


def test_a_champion_speaks_for_its_line_where_its_newest_model_was_rejected(
    record: TaskRunner, chain: Chain, chain_db: Database, ollama_sandbox: OllamaServer
) -> None:
    add_alias(chain_db, chain.plan["model"])
    newer = add_model(chain_db, "ljwx-stock:newer")
    add_decision(chain_db, newer)
    answered(record)
    assert set(by_answerer()) == {chain.plan["model"], BASE, *RULES}


def test_the_champion_is_asked_first_and_beside_it_a_newer_model_of_its_line(
    record: TaskRunner, chain: Chain, chain_db: Database, ollama_sandbox: OllamaServer
) -> None:
    champion, newer = chain.plan["model"], "ljwx-stock:newer"
    ollama_sandbox.post("copy", {"source": BASE, "destination": newer})
    digest = chain_db.value("SELECT base_digest FROM ljwx.models")
    try:
        add_model(chain_db, newer, digest=digest)
        add_alias(chain_db, champion)
        settings(record, stocks=1, in_full=0)
        assert answered(record) == {"questions": 3, "answers": 9}
        assert by_answerer() == dict.fromkeys((champion, newer, BASE, *RULES), 3)
        came = "SELECT answerer, line_id FROM ljwx.forward_answers WHERE line_id IS NOT NULL ORDER BY answer_id"
        (line,) = set(chain_db.column("SELECT line_id FROM ljwx.models"))
        assert [(row["answerer"], row["line_id"]) for row in chain_db.rows(came)] == [
            *[(champion, line)] * 3, *[(newer, line)] * 3,
        ]  # fmt: skip
    finally:
        ollama_sandbox.delete(newer)


def test_a_second_run_asks_nothing_and_changes_nothing(
    record: TaskRunner, chain_db: Database, ollama_sandbox: OllamaServer
) -> None:
    answered(record)
    before, chats = chain_db.state("forward_answers", "forward_batches"), ollama_sandbox.stats()
    assert answered(record) == NOTHING_LEFT
    assert chain_db.state("forward_answers", "forward_batches") == before
    assert ollama_sandbox.stats() == chats


def test_killed_it_goes_on_where_it_was_to_the_single_answer(
    record: TaskRunner, chain_db: Database, run_script: RunScript
) -> None:
    session = record.run(open_session)
    script = f"""
import os, signal
from support_chain import running_tasks
from ljwx.stages.forward.asking import ask_session
from ljwx.warehouse.forward import ForwardVerbs
save, count = ForwardVerbs.save_forward_answer, []
def killing(self, *arguments):
    written = save(self, *arguments)
    count.append(written)
    if len(count) == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return written
ForwardVerbs.save_forward_answer = killing
with running_tasks() as (runner, patch):
    runner.variables["ljwx_training_config"] = {record.variables["ljwx_training_config"]!r}
    runner.run(ask_session, {session!r})
"""
    assert run_script(script).returncode == -signal.SIGKILL
    first = chain_db.state("forward_answers")["forward_answers"]
    assert len(first) == 27 + 5
    assert record.run(ask_session, session) == {"questions": 9, "answers": 13}
    assert set(first) < set(chain_db.state("forward_answers")["forward_answers"])


def test_when_all_servers_are_lost_what_came_is_kept_and_asking_goes_on_later(
    record: TaskRunner, chain: Chain, ollama_faulty: OllamaServer
) -> None:
    session = record.run(open_session)
    ollama_faulty.play({"route": "chat", "kind": "delay", "seconds": 0, "times": 4}, GONE)
    with pytest.raises(RecordUnfinished, match=f"no server answers for {chain.plan['model']}, {BASE}"):
        record.run(ask_session, session)
    kept = by_answerer()
    ollama_faulty.clear_faults()
    assert record.run(ask_session, session, again=True)["answers"] == 18 - kept.get(chain.plan["model"], 0)
    assert set(by_answerer().values()) == {9}


def test_shortly_before_the_deadline_lost_servers_are_waited_for_no_more(
    record: TaskRunner, chain_db: Database, ollama_faulty: OllamaServer
) -> None:
    session = record.run(open_session)
    ollama_faulty.play(GONE)
    stop_clock(chain_db.url, at(SESSION, 9, 1, days=3))
    assert record.run(ask_session, session) == NOTHING_LEFT
    assert record.run(seal_session, session, NOTHING_LEFT)
    assert set(by_answerer()) == set(RULES)


def test_of_two_servers_the_other_is_asked_what_a_lost_one_has_not_answered(
    record: TaskRunner, chain: Chain, ollama_faulty: OllamaServer, second: OllamaServer, chain_db: Database
) -> None:
    record.variables["ljwx_training_config"] |= {
        "evaluation": SMALL["evaluation"] | {"servers": ["ollama_default", "ollama_second"]}
    }
    session = record.run(open_session)
    ollama_faulty.play({"route": "chat", "kind": "delay", "seconds": 0, "times": 3}, GONE)
    assert record.run(ask_session, session) == {"questions": 9, "answers": 18}
    who = dict(Counter(chain_db.column("SELECT server FROM ljwx.forward_answers WHERE server IS NOT NULL")))
    assert who["ollama_second"] > who["ollama_default"]


@pytest.fixture
def second(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OllamaServer]:
    with running_sandbox(tmp_path, "--engine", "scripted") as server:
        monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_SECOND", server.connection)
        OllamaOperator(
            task_id="build", model=chain.plan["model"], spec_path=chain.plan["spec_path"],
            ollama_conn_id="ollama_second",
        ).execute({})  # fmt: skip
        yield server


def test_a_tag_that_names_another_model_half_way_says_nothing_more_in_its_name(
    record: TaskRunner, chain_db: Database, ollama_sandbox: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy is what the line's newest model is called; it is replaced by the base after a few answers."""
    copied = "ljwx-stock:copied"
    ollama_sandbox.post("copy", {"source": chain_db.value("SELECT model FROM ljwx.models"), "destination": copied})
    add_model(chain_db, copied)
    save, count = WarehouseHook.save_forward_answer, []

    def replacing(self: WarehouseHook, *arguments: Any) -> Any:
        count.append(arguments[1].answerer)
        if len(count) == 3:
            ollama_sandbox.post("copy", {"source": BASE, "destination": copied})
        return save(self, *arguments)

    monkeypatch.setattr(WarehouseHook, "save_forward_answer", replacing)
    try:
        assert answered(record)["questions"] == 9
        told = by_answerer()
        assert 3 <= told[copied] < 9
        assert told[BASE] == 9
        later = add_model(chain_db, "ljwx-stock:later")
        assert answered(record) == NOTHING_LEFT
        assert later not in by_answerer()
    finally:
        ollama_sandbox.delete(copied)


def test_asking_ends_before_the_deadline_so_that_the_digest_can_leave(
    record: TaskRunner, chain_db: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    session = record.run(open_session)
    save, count = WarehouseHook.save_forward_answer, []

    def later(self: WarehouseHook, *arguments: Any) -> Any:
        count.append(arguments)
        if len(count) == 4:
            stop_clock(chain_db.url, at(SESSION, 6, 0, days=1))
        return save(self, *arguments)

    monkeypatch.setattr(WarehouseHook, "save_forward_answer", later)
    with caplog.at_level(logging.WARNING):
        assert record.run(ask_session, session) == {"questions": 9, "answers": 4}
    assert [text for text in caplog.messages if "5 questions to" in text]
    assert record.run(seal_session, session, NOTHING_LEFT)


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        ("UPDATE ljwx.ingest_days SET complete = false", "no session is complete yet"),
        ("DELETE FROM ljwx.feature_marks", "wait for their features"),
        ("UPDATE ljwx.datasets SET deleted_at = now()", "there is no dataset yet"),
        ("UPDATE ljwx.datasets SET fit = '{}'", "was made before it was kept"),
    ],
    ids=["incomplete", "stale", "no dataset", "no fit"],
)
def test_a_session_that_is_not_whole_is_not_asked_about(
    record: TaskRunner, chain_db: Database, spoilt: str, said: str
) -> None:
    chain_db.execute(spoilt)
    assert said in skipped(record)
    assert WarehouseHook().forward_batches() == []


def test_a_session_whose_deadline_has_passed_is_a_gap_and_one_line(
    record: TaskRunner, chain_db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    stop_clock(chain_db.url, at(SESSION, 9, 15, days=3))
    with caplog.at_level(logging.INFO):
        said = skipped(record)
    assert said == f"{LAST}, the newest complete session, is not asked about: its deadline was 2026-03-23 09:15"
    assert [text for text in caplog.messages if said in text] == [said]
    assert WarehouseHook().forward_batches() == []


def test_a_clock_that_is_behind_opens_nothing(record: TaskRunner, chain_db: Database) -> None:
    stop_clock(chain_db.url, at(SESSION, 10))
    assert "is not over by the clock of the database" in skipped(record)


def test_settings_that_name_no_stock_leave_a_gap(record: TaskRunner, caplog: pytest.LogCaptureFixture) -> None:
    settings(record, stocks=0)
    session = record.run(open_session)
    with caplog.at_level(logging.WARNING):
        assert record.run(ask_session, session) == {"questions": 0, "answers": 0}
    assert [text for text in caplog.messages if "name no stock with a snapshot" in text]
    with pytest.raises(AirflowSkipException, match="it is a gap in the record"):
        record.run(seal_session, session, NOTHING_LEFT)


def test_an_index_without_a_list_in_force_is_named(record: TaskRunner, caplog: pytest.LogCaptureFixture) -> None:
    settings(record, stocks={"index": "000300.SH"}, watchlist=["000001.SZ"])
    with caplog.at_level(logging.WARNING):
        answered(record)
    assert [text for text in caplog.messages if "no list of members of 000300.SH is in force" in text]


def test_asking_about_a_session_that_was_not_opened_says_what_to_do(record: TaskRunner) -> None:
    with pytest.raises(ConfigurationError, match="clear the task open_session"):
        record.run(ask_session, LAST)


def test_cleared_after_its_deadline_nothing_is_asked_about_a_session_that_nobody_had_answered(
    record: TaskRunner, chain_db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    session = record.run(open_session)
    stop_clock(chain_db.url, at(SESSION, 9, 15, days=3))
    with caplog.at_level(logging.WARNING):
        assert record.run(ask_session, session) == {"questions": 0, "answers": 0}
    assert [text for text in caplog.messages if "its deadline has passed" in text]
    assert written() == []
