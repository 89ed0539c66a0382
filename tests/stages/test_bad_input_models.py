"""What server, build or answer can do wrong, case by case: one clear error, no wrong model, nothing lost.

Every case goes over HTTP through the real operator, tasks and hook. What the gate makes of bad evidence is tested with
the stages `evaluations` and `promotions`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from ljwx.exceptions import BuildFailed, ModelMissing, OllamaTimeout, OllamaUnreachable, RefusedRequest
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.operators.ollama import OllamaOperator, OllamaPullOperator
from ljwx.services.asking.full import Prompted, ReadAnswer, ask, read_answer
from ljwx.services.asking.servers import servers_of
from ljwx.settings import load_settings
from ljwx.stages.build.plan import plan_build
from ljwx.stages.build.verification import verify_model
from ljwx.stages.evaluate.asking import ask_all
from ljwx.stages.evaluate.questions import plan_questions
from support_chain import SMALL, Chain, Database, answer_next
from support_ollama import BASE, OllamaServer
from support_rows import add_alias, add_model
from support_tasks import TaskRunner

NAME = "ljwx-stock:bad-input"
WRITTEN = ("models", "evaluations", "answers", "promotions", "aliases")


def fault(route: str, kind: str, served: int = 0, **fields: Any) -> list[dict[str, Any]]:
    """A fault of a route, after so many requests that are served as ever."""
    well = {"route": route, "kind": "delay", "seconds": 0, "times": served}
    return [well, {"route": route, "kind": kind, **fields}]


@dataclass(frozen=True)
class Build:
    """A build that goes wrong.

    :param made: whether a model of this name is on the server afterwards; None where its own speed decides.
    """

    name: str
    faults: list[dict[str, Any]]
    error: type[Exception]
    says: str
    made: bool | None = False


PARSING = {"status": "parsing GGUF"}
BUILDS = [
    Build("server down before create", fault("tags", "hang_up"), OllamaUnreachable, "is it running"),
    Build("server down when create is asked", fault("create", "hang_up"), OllamaUnreachable, "running", made=None),
    Build("server down during create", [{"route": "create", "kind": "hang_up", "after": 1}], OllamaUnreachable,
          "no complete answer", made=None),
    Build("server down after create", fault("show", "hang_up", served=1), OllamaUnreachable, "running"),
    Build("stream half closed", fault("create", "lines", lines=[PARSING]), OllamaUnreachable, "before its last line"),
    Build("error line at once", fault("create", "error_line", message="disk full"), BuildFailed, "disk full"),
    Build("error line after progress", fault("create", "error_line", message="disk full", lines=[PARSING]),
          BuildFailed, "disk full"),
    Build("error that is no text", fault("create", "lines", lines=[{"error": {"code": 5}}]), BuildFailed, "'code': 5"),
    Build("progress of another form", fault("create", "lines", lines=[{"status": ["parsing"]}]), OllamaUnreachable,
          "otherwise than Ollama"),
    Build("bytes that are no number", fault("create", "lines", lines=[{"status": "x", "total": "all"}]),
          OllamaUnreachable, "'all'"),
    Build("success, and nothing made", fault("create", "lines", lines=[{"status": "success"}]), ModelMissing, NAME),
    Build("create refused", fault("create", "status", status=400, message="invalid model name"), RefusedRequest,
          "invalid model name"),
    Build("server in trouble", fault("create", "status", status=503, message="busy"), OllamaUnreachable, "busy"),
    Build("gateway gives up", fault("create", "status", status=504, message="timed out"), OllamaTimeout, "timed out"),
    Build("model deleted before it is read back", fault("show", "status", served=1, status=404, message="model gone"),
          ModelMissing, "model gone"),
    Build("read back as nothing", fault("show", "lines", served=1, lines=[{}]), BuildFailed, "another system prompt"),
    Build("read back in another form", fault("show", "lines", served=1, lines=[{"messages": ["a"]}]),
          OllamaUnreachable, "otherwise than Ollama"),
    Build("list of models is null", fault("tags", "lines", lines=[{"models": None}]), OllamaUnreachable, "TypeError"),
    Build("list without the base", fault("tags", "lines", lines=[{"models": []}]), ModelMissing, BASE),
]  # fmt: skip


@pytest.fixture
def hook(ollama_faulty: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[OllamaHook]:
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", ollama_faulty.connection)
    yield OllamaHook()
    ollama_faulty.clear_faults()
    ollama_faulty.delete(NAME)


@pytest.fixture
def build(hook: OllamaHook, tmp_path: Path) -> Callable[[], dict[str, Any]]:
    """Builds a small model as a new task would, each time it is called."""
    path = tmp_path / "spec.json"
    fields = {"base": BASE, "base_digest": hook.digest(BASE), "strategy": "prompt", "system": "Be brief."}
    path.write_text(json.dumps(fields | {"parameters": {"temperature": 0}}))
    return lambda: OllamaOperator(task_id="build", spec_path=str(path), model=NAME).execute({})


@pytest.mark.parametrize("case", BUILDS, ids=lambda case: case.name)
def test_build_that_goes_wrong_fails_clearly_and_the_next_one_makes_the_model(
    hook: OllamaHook, build: Callable[[], dict[str, Any]], ollama_faulty: OllamaServer, case: Build
) -> None:
    requests.put(f"{ollama_faulty.url}/_sandbox/faults", json=case.faults, timeout=60).raise_for_status()
    with pytest.raises(case.error, match=case.says) as failed:
        build()
    assert type(failed.value) is case.error
    assert len(str(failed.value).splitlines()) == 1
    ollama_faulty.clear_faults()
    made = NAME in [model.name for model in hook.list()]
    assert case.made in (made, None)
    result = build()
    assert (result["digest"], result["built"]) == (hook.digest(NAME), not made)
    assert hook.show(NAME).system == "Be brief."


def test_two_builds_at_once_make_one_model(hook: OllamaHook, build: Callable[[], dict[str, Any]]) -> None:
    with ThreadPoolExecutor(2) as threads:
        results = [future.result() for future in [threads.submit(build) for _ in range(2)]]
    assert {result["digest"] for result in results} == {hook.digest(NAME)}
    assert hook.show(NAME).system == "Be brief."


def test_base_that_is_deleted_between_pull_and_build_is_missing_by_name(
    hook: OllamaHook, build: Callable[[], dict[str, Any]], tmp_path: Path
) -> None:
    spec = json.loads((tmp_path / "spec.json").read_text())
    hook.copy(BASE, "bad-base:1")
    digest = OllamaPullOperator(task_id="pull", model="bad-base:1").execute({})
    (tmp_path / "spec.json").write_text(json.dumps(spec | {"base": "bad-base:1", "base_digest": digest}))
    hook.delete("bad-base:1")
    with pytest.raises(ModelMissing, match="bad-base:1"):
        build()


@contextmanager
def answering(body: bytes, status: int = 200, **headers: str) -> Iterator[str]:
    """A server that gives every request these bytes, and closes; told is its connection."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"ollama://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True)
class Body:
    """Bytes where an answer of the server belongs."""

    name: str
    body: bytes
    says: str
    headers: dict[str, str] = field(default_factory=dict)


BODIES = [
    Body("page of a proxy", b"<html>Bad gateway</html>", "no JSON"),
    Body("no bytes", b"", "no JSON"),
    Body("half an object", b'{"version": "0.3', "no JSON"),
    Body("a list", b"[1, 2]", "no JSON object"),
    Body("not UTF-8", b'{"version": "\xff\xfe"}', "no JSON"),
    Body("deeper than can be read", b'{"version": ' + b"[" * 100_000, "no JSON"),
    Body("half closed", b'{"version": "0.34.0"', "no complete answer", {"Content_Length": "400"}),
    Body("half a chunk", b"ff\r\n{", "no complete answer", {"Transfer_Encoding": "chunked"}),
    Body("gzip that is none", b"{}", "no complete answer", {"Content_Encoding": "gzip"}),
]


@pytest.mark.parametrize("case", BODIES, ids=lambda case: case.name)
def test_bytes_that_are_no_answer_are_unreachable_whatever_was_asked(
    monkeypatch: pytest.MonkeyPatch, case: Body
) -> None:
    with answering(case.body, **case.headers) as connection:
        monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", connection)
        hook = OllamaHook()
        asked: list[Callable[[], Any]] = [
            hook.version,
            lambda: hook.chat(BASE, [{"role": "user", "content": "a"}]),
            lambda: hook.show(BASE),
        ]
        for verb in asked:
            with pytest.raises(OllamaUnreachable, match=case.says):
                verb()
        assert hook.test_connection()[0] is False


ADVICE: dict[str, Any] = {
    "advice": "buy",
    "probability": {"buy": 0.5, "hold": 0.3, "sell": 0.2},
    "reasons": ["MACD多头"],
    "analysis": "MACD多头",
    "note": "不构成投资建议",
}
TEXT = json.dumps(ADVICE, ensure_ascii=False)


def changed(**fields: Any) -> str:
    return json.dumps(ADVICE | fields, ensure_ascii=False)


ANSWERS = {
    "nothing": "",
    "blanks": "   ",
    "prose": "我看好这只股票",
    "null": "null",
    "a list": "[]",
    "the object in a list": f"[{TEXT}]",
    "prose behind": f"{TEXT} 以上。",
    "prose before": f"答案是{TEXT}",
    "twice": f"{TEXT}{TEXT}",
    "a code block": f"```json\n{TEXT}\n```",
    "cut": TEXT[:-1],
    "Chinese comma": TEXT.replace(",", "，"),
    "Chinese colon": TEXT.replace(":", "："),
    "Chinese quotes": TEXT.replace('"', "“"),
    "single quotes": TEXT.replace('"', "'"),
    "comma at the end": TEXT.replace("}", ",}"),
    "NaN": TEXT.replace("0.5", "NaN"),
    "Infinity": TEXT.replace("0.5", "Infinity"),
    "a number of 400 digits": TEXT.replace("0.5", "9" * 400),
    "probabilities above 1": changed(probability={"buy": 0.9, "hold": 0.9, "sell": 0.9}),
    "probabilities as texts": changed(probability={"buy": "0.5", "hold": 0.3, "sell": 0.2}),
    "probabilities of other classes": changed(probability={"up": 0.5, "flat": 0.3, "down": 0.2}),
    "another class": changed(advice="strong buy"),
    "class in Chinese": changed(advice="买入"),
    "class in capitals": changed(advice="BUY"),
    "no class": changed(advice=None),
    "two classes": changed(advice=["buy", "hold"]),
    "the class of another task": changed(advice="up"),
    "a field too many": changed(confidence=1),
    "a field too few": json.dumps({name: value for name, value in ADVICE.items() if name != "note"}),
    "another note": changed(note="稳赚"),
    "no reasons": changed(reasons=[]),
    "invented reason": changed(reasons=["内幕消息"]),
    "prose without end": changed(analysis="涨" * 10_000),
    "NUL in the prose": changed(analysis="a\0b"),
    "NUL itself": TEXT.replace("MACD", "\0"),
    "escape sequence": changed(analysis="\x1b[31m买入"),
    "line feed": changed(analysis="买入\n卖出"),
    "C1 control": changed(analysis="a\x85b"),
    "half of a pair": TEXT.replace("MACD", "\ud83d"),
    "escaped half of a pair": TEXT.replace("MACD", r"\ud83d"),
    "byte order mark": f"\ufeff{TEXT}",
    "deeply nested": TEXT.replace('["MACD多头"]', "[" * 2000 + "]" * 2000),
}


@pytest.mark.parametrize("text", ANSWERS.values(), ids=ANSWERS.keys())
def test_answer_that_breaks_the_schema_is_invalid_and_has_no_class(text: str) -> None:
    assert read_answer("investment_advice", text, cut=False) == ReadAnswer(False, None, None, None, "not_the_schema")


def test_answer_to_another_task_is_invalid() -> None:
    assert read_answer("price_direction", TEXT, cut=False).valid is False


def test_every_bad_answer_is_stored_as_it_came_and_stops_nothing(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer
) -> None:
    """Each is the answer to one question; what PostgreSQL cannot hold in a text is kept escaped."""
    warehouse, ollama, settings = WarehouseHook(), OllamaHook(), load_settings(SMALL)
    shards = tasks.run(plan_questions, chain.plan["model"], chain.question_set_id)
    evaluation_id = shards[0]["evaluation_id"]
    stored = next(q for q in warehouse.questions(chain.question_set_id) if q.question.task == "investment_advice")
    asked = Prompted.of(stored)
    query = "SELECT sample_id FROM ljwx.samples WHERE task = 'investment_advice' ORDER BY 1 LIMIT %s"
    told = dict(zip(chain_db.column(query, len(ANSWERS)), ANSWERS.values(), strict=True))
    answer_next(ollama_faulty, *told.values())
    for sample_id in told:
        answer = ask(ollama, chain.plan["model"], replace(asked, sample_id=sample_id), settings)
        warehouse.save_answer(evaluation_id, answer)
    stored = {
        row["sample_id"]: row["raw"]
        for row in chain_db.rows(
            "SELECT sample_id, raw FROM ljwx.answers WHERE NOT valid AND label IS NULL AND evaluation_id = %s",
            evaluation_id,
        )
    }
    escaped = str.maketrans({"\0": r"\x00", "\ud83d": r"\ud83d"})
    assert stored == {sample_id: text.translate(escaped) for sample_id, text in told.items()}


def test_endless_answer_is_cut_and_invalid(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer
) -> None:
    """The model would go on; the server stops it at num_predict and says so."""
    asked = Prompted.of(WarehouseHook().questions(chain.question_set_id)[0])
    line = {
        "model": "x", "done": True, "done_reason": "length", "eval_count": 384, "prompt_eval_count": 9,
        "message": {"role": "assistant", "content": '{"advice":"' + "买" * 384},
    }  # fmt: skip
    ollama_faulty.fail_next("chat", "lines", lines=[line])
    answer = ask(OllamaHook(), chain.plan["model"], asked, load_settings(SMALL))
    assert (answer.valid, answer.reason, answer.answer_tokens) == (False, "cut_at_num_predict", 384)


CHATS = {
    "server down": (fault("chat", "hang_up"), OllamaUnreachable),
    "runner dies": (fault("chat", "error_line", message="llama runner process has terminated"), OllamaUnreachable),
    "model deleted meanwhile": (fault("chat", "status", status=404, message="model 'x' not found"), ModelMissing),
    "no message": (fault("chat", "lines", lines=[{"model": "x", "done": True}]), OllamaUnreachable),
    "two objects": (fault("chat", "lines", lines=[{"done": False}, {"done": True}]), OllamaUnreachable),
    "not in time": (fault("chat", "status", status=504, message="timed out"), OllamaTimeout),
}


@pytest.mark.parametrize(("faults", "error"), CHATS.values(), ids=CHATS.keys())
def test_question_without_an_answer_fails_the_task_and_is_asked_again(
    chain_db: Database,
    chain: Chain,
    tasks: TaskRunner,
    ollama_faulty: OllamaServer,
    faults: list[dict[str, Any]],
    error: type[Exception],
) -> None:
    """What the server says is no answer of the model: it never counts as a wrong one."""
    shards = tasks.run(plan_questions, chain.plan["model"], chain.question_set_id)
    evaluation_id, settings = shards[0]["evaluation_id"], load_settings(SMALL)
    requests.put(f"{ollama_faulty.url}/_sandbox/faults", json=faults, timeout=60).raise_for_status()
    with pytest.raises(error):
        ask_all(WarehouseHook(), servers_of(settings), settings, evaluation_id)
    assert chain_db.value("SELECT count(*) FROM ljwx.answers") == 0
    answer_next(ollama_faulty, *[TEXT] * 4)
    assert ask_all(WarehouseHook(), servers_of(settings), settings, evaluation_id) == 4


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        (fault("tags", "hang_up"), OllamaUnreachable),
        (fault("tags", "lines", lines=[{"error": "unavailable"}]), OllamaUnreachable),
        (fault("tags", "lines", lines=[{"models": []}]), ModelMissing),
    ],
    ids=["server down", "error with status 200", "no models"],
)
def test_plan_without_a_server_writes_nothing(
    chain_db: Database,
    chain: Chain,
    tasks: TaskRunner,
    ollama_faulty: OllamaServer,
    faults: list[dict[str, Any]],
    error: type[Exception],
) -> None:
    before = chain_db.state(*WRITTEN)
    requests.put(f"{ollama_faulty.url}/_sandbox/faults", json=faults, timeout=60).raise_for_status()
    with pytest.raises(error):
        tasks.run(plan_build)
    assert chain_db.state(*WRITTEN) == before
    ollama_faulty.clear_faults()
    assert tasks.run(plan_build) == chain.plan


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        (fault("tags", "lines", lines=[{"models": []}]), ModelMissing),
        (fault("chat", "hang_up"), OllamaUnreachable),
        (fault("chat", "error_line", message="out of memory"), OllamaUnreachable),
        (fault("chat", "status", status=404, message="model 'x' not found"), ModelMissing),
    ],
    ids=["model deleted after the build", "server down", "error in the stream", "model deleted meanwhile"],
)
def test_verification_without_a_server_leaves_no_candidate(
    chain_db: Database,
    chain: Chain,
    tasks: TaskRunner,
    ollama_faulty: OllamaServer,
    faults: list[dict[str, Any]],
    error: type[Exception],
) -> None:
    requests.put(f"{ollama_faulty.url}/_sandbox/faults", json=faults, timeout=60).raise_for_status()
    with pytest.raises(error):
        tasks.run(verify_model, chain.plan, chain.built)
    assert chain_db.column("SELECT verified FROM ljwx.models") == [None]


def test_champion_that_is_gone_from_the_server_is_named_and_nothing_is_asked(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    gone = "ljwx-stock:gone"
    add_alias(chain_db, add_model(chain_db, gone), digest="0" * 64)
    untouched = ("answers", "promotions", "aliases", "models")
    before = chain_db.state(*untouched)
    with pytest.raises(ModelMissing, match=gone):
        tasks.run(plan_questions, chain.plan["model"], chain.question_set_id)
    assert chain_db.state(*untouched) == before
