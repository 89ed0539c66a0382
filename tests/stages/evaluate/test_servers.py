"""Several model servers: they share the questions, and one that cannot be asked is named while the others go on."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from ljwx.exceptions import ConfigurationError, ModelMissing, OllamaTimeout, OllamaUnreachable
from ljwx.hooks.ollama import OllamaHook
from ljwx.operators.ollama import OllamaOperator
from ljwx.services.asking.servers import servers_of
from ljwx.settings import load_settings
from ljwx.stages.evaluate.asking import ask_questions
from ljwx.stages.evaluate.questions import plan_questions
from support_chain import SMALL, Chain, Database
from support_ollama import BASE, OllamaServer, running_sandbox
from support_tasks import TaskRunner

BOTH = {"class_questions": 60, "class_sessions": 2, "servers": ["ollama_default", "ollama_second"]}
SHARED = {**SMALL, "evaluation": SMALL["evaluation"] | BOTH}
WHO = "SELECT server, count(*) AS answers FROM ljwx.class_answers GROUP BY 1 ORDER BY 1"


@pytest.fixture(scope="module")
def second_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OllamaServer]:
    """A second server, with three slots."""
    with running_sandbox(tmp_path_factory.mktemp("second"), "--engine", "scripted", "--parallel", "3") as server:
        yield server


def connection(server: OllamaServer, **extra: float) -> str:
    return json.dumps(json.loads(server.connection) | {"extra": extra})


@pytest.fixture
def second(
    chain_db: Database, chain: Chain, second_server: OllamaServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OllamaServer]:
    """The second server with the chain's model, named beside the first one."""
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_SECOND", connection(second_server, parallel=3))
    built = OllamaOperator(
        task_id="build", model=chain.plan["model"], spec_path=chain.plan["spec_path"], ollama_conn_id="ollama_second"
    ).execute({})
    assert built["digest"] == chain.built["digest"]
    tasks.variables["ljwx_training_config"] = SHARED
    yield second_server
    second_server.clear_faults()


@pytest.fixture
def first(ollama_faulty: OllamaServer) -> Iterator[OllamaServer]:
    """The first server; the tag that planning serves is gone afterwards."""
    yield ollama_faulty
    ollama_faulty.clear_faults()
    ollama_faulty.delete("ljwx-stock:challenger")


def shard_of(tasks: TaskRunner, chain: Chain) -> dict[str, int]:
    """The challenger's questions of classes."""
    return tasks.run(plan_questions, chain.plan["model"], chain.question_set_id)[-1]


def test_servers_share_the_questions_by_how_many_they_answer_at_a_time(
    chain_db: Database, chain: Chain, tasks: TaskRunner, first: OllamaServer, second: OllamaServer
) -> None:
    shard = shard_of(tasks, chain)
    first.play({"route": "chat", "kind": "delay", "seconds": 0.02, "times": 99})
    second.play({"route": "chat", "kind": "delay", "seconds": 0.02, "times": 99})
    tasks.run(ask_questions, shard)
    answered = {row["server"]: row["answers"] for row in chain_db.rows(WHO)}
    assert sum(answered.values()) == shard["questions"]
    assert answered["ollama_second"] > answered["ollama_default"] > 0


def test_full_answers_tell_who_gave_them(
    chain_db: Database, chain: Chain, tasks: TaskRunner, first: OllamaServer, second: OllamaServer
) -> None:
    tasks.run(ask_questions, tasks.run(plan_questions, chain.plan["model"], chain.question_set_id)[0])
    assert set(chain_db.column("SELECT server FROM ljwx.answers")) == {"ollama_default", "ollama_second"}


def test_a_server_that_lacks_the_model_is_named_and_the_other_is_asked(
    chain_db: Database,
    chain: Chain,
    tasks: TaskRunner,
    first: OllamaServer,
    second: OllamaServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    second.delete(chain.plan["model"])
    shard = shard_of(tasks, chain)
    with caplog.at_level(logging.WARNING):
        tasks.run(ask_questions, shard)
    assert [row["server"] for row in chain_db.rows(WHO)] == ["ollama_default"]
    assert f"ollama_second is not asked: model '{chain.plan['model']}' is not on {second.url}" in caplog.text


def test_a_server_on_which_the_name_stands_for_another_model_is_not_asked(
    chain_db: Database,
    chain: Chain,
    tasks: TaskRunner,
    first: OllamaServer,
    second: OllamaServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert second.post("copy", {"source": BASE, "destination": chain.plan["model"]}).ok
    shard, asked = shard_of(tasks, chain), second.stats()["requests"]
    with caplog.at_level(logging.WARNING):
        tasks.run(ask_questions, shard)
    assert "ollama_second is not asked:" in caplog.text
    assert f"{chain.plan['model']} on {second.url} is another model by now" in caplog.text
    assert second.stats()["requests"] == asked
    second.delete(chain.plan["model"])


def test_a_model_that_no_server_has_stops_the_planning(
    chain_db: Database, chain: Chain, tasks: TaskRunner, first: OllamaServer, second: OllamaServer
) -> None:
    chain_db.execute("UPDATE ljwx.models SET digest = repeat('0', 64)")
    with pytest.raises(ModelMissing, match=r"is another model by now: .*, not 0000"):
        shard_of(tasks, chain)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "hang_up", "after": 0},
        {"kind": "status", "status": 500, "message": "CUDA error"},
        {"kind": "delay", "seconds": 3.0},
    ],
    ids=["hangs up", "fails", "hangs"],
)
def test_what_a_server_that_is_lost_half_way_has_not_answered_the_other_one_does(
    chain_db: Database,
    chain: Chain,
    tasks: TaskRunner,
    first: OllamaServer,
    second: OllamaServer,
    fault: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_SECOND", connection(second, parallel=3, chat_timeout=0.5))
    shard = shard_of(tasks, chain)
    first.play({"route": "chat", "kind": "delay", "seconds": 0.02, "times": 99})
    second.play(*[{"route": "chat", "kind": "delay", "seconds": 0}] * 6, {"route": "chat", **fault, "times": 3})
    with caplog.at_level(logging.WARNING):
        tasks.run(ask_questions, shard)
    assert chain_db.counts()["class_answers"] == shard["questions"]
    assert [record.getMessage().split(":")[0] for record in caplog.records if "no more" in record.getMessage()] == [
        "ollama_second answers no more"
    ]


def test_when_all_are_lost_the_answers_stay_and_the_next_try_asks_the_rest(
    chain_db: Database, chain: Chain, tasks: TaskRunner, first: OllamaServer, second: OllamaServer
) -> None:
    shard = shard_of(tasks, chain)
    gone = {"route": "chat", "kind": "status", "status": 503, "message": "server busy", "times": 9}
    first.play(*[{"route": "chat", "kind": "delay", "seconds": 0}] * 2, gone)
    second.play(*[{"route": "chat", "kind": "delay", "seconds": 0}] * 6, gone)
    with pytest.raises(OllamaUnreachable, match="server busy"):
        tasks.run(ask_questions, shard)
    kept = chain_db.state("class_answers")["class_answers"]
    assert len(kept) == 8
    first.clear_faults()
    second.clear_faults()
    tasks.run(ask_questions, shard, again=True)
    assert chain_db.counts()["class_answers"] == shard["questions"]
    assert set(kept) < set(chain_db.state("class_answers")["class_answers"])


def test_a_single_server_that_hangs_is_the_tasks_own_error(
    chain_db: Database, chain: Chain, tasks: TaskRunner, first: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", connection(first, chat_timeout=3))
    alone = SMALL["evaluation"] | {"class_questions": 60, "class_sessions": 2}
    tasks.variables["ljwx_training_config"] = {**SMALL, "evaluation": alone}
    shard = shard_of(tasks, chain)
    first.play({"route": "chat", "kind": "delay", "seconds": 0}, {"route": "chat", "kind": "delay", "seconds": 6})
    with pytest.raises(OllamaTimeout, match=f"{first.url} did not answer in time"):
        tasks.run(ask_questions, shard)
    assert chain_db.counts()["class_answers"] == 1


def test_a_server_that_is_named_but_not_defined_is_refused(chain_db: Database) -> None:
    settings = load_settings({"evaluation": {"servers": ["ollama_default", "ollama_nowhere"]}})
    with pytest.raises(ConfigurationError, match="connection ollama_nowhere is not defined; create one of type ollama"):
        servers_of(settings)


def test_a_server_is_asked_one_question_at_a_time_unless_its_connection_says_more(
    chain_db: Database, first: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [server.slots for server in servers_of(load_settings({}))] == [1]
    for given, slots in ((4, 4), ("2", 2), ("", 1)):
        monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", connection(first, parallel=given))  # type: ignore[arg-type]
        assert [server.slots for server in servers_of(load_settings({}))] == [slots]


@pytest.mark.parametrize("given", [0, -1, 2.5, "many", True, 1000])
def test_a_number_of_slots_that_is_none_is_refused(
    given: object, first: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", connection(first, parallel=given))  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="'ollama_default': parallel is a whole number from 1 to 256, not"):
        _ = OllamaHook().settings
