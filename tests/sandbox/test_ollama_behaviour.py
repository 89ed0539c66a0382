"""What the sandbox promises beyond the recordings: restarts, shared blobs, shared engines, the prefix cache, faults."""

from __future__ import annotations

import hashlib
import json
import socket
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import requests
from gguf import GGUFWriter

from ljwx_sandbox.ollama.gguf.info import read_gguf
from ljwx_sandbox.ollama.thinking import THINKING
from support_lazy import Lazy
from support_ollama import BASE, OllamaServer, StartOllama, sandbox_command, sandbox_environment

ollama = Lazy("ollama")
QUICK = {"temperature": 0, "num_predict": 4}
RULES = "".join(f"Rule {number}: when RSI is {number} the market is calm. " for number in range(25))


def create(server: OllamaServer, model: str, **fields: Any) -> list[dict[str, Any]]:
    answer = server.post("create", {"model": model, "from": BASE, **fields})
    return [json.loads(line) for line in answer.text.splitlines()]


def chat(server: OllamaServer, model: str = BASE, text: str = "Say OK.", **fields: Any) -> requests.Response:
    messages = [{"role": "user", "content": text}]
    return server.post("chat", {"model": model, "messages": messages, "stream": False, "options": QUICK, **fields})


@pytest.fixture(params=["ollama_model", "ollama_sandbox"])
def sandbox(request: pytest.FixtureRequest) -> OllamaServer:
    """A sandbox with the language model, and one with a script: what is promised here both keep."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def made(sandbox: OllamaServer, request: pytest.FixtureRequest) -> Any:
    """Names of models that are removed after the test."""
    prefix = hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:8]
    names = [f"test-{prefix}:{letter}" for letter in "abc"]
    yield names
    for name in names:
        sandbox.delete(name)


def test_restart_keeps_models_and_removes_half_written_files(tmp_path: Path, start_ollama: StartOllama) -> None:
    with start_ollama(tmp_path) as server:
        create(server, "kept:1", system="Stay.")
        before = server.get("tags")
    half_written = tmp_path / "blobs" / "partial-xyz"
    half_written.write_bytes(b"half")
    with start_ollama(tmp_path, "--no-base") as server:
        assert server.get("tags") == before
        assert server.post("show", {"model": "kept:1"}).json()["system"] == "Stay."
    assert not half_written.exists()


def test_no_base_starts_without_models(tmp_path: Path, start_ollama: StartOllama) -> None:
    with start_ollama(tmp_path, "--no-base") as server:
        assert server.get("tags") == {"models": []}
        failed = create(server, "x:1")
    assert failed[0] == {"status": "pulling manifest"}
    assert failed[-1]["error"].startswith("pull model manifest: ")


def test_port_in_use_exits_1_with_one_line(tmp_path: Path, programs: ModuleType) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [part if part != "0" else port for part in sandbox_command(tmp_path)]
        ended = programs.run(command, env=sandbox_environment(), capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        f"cannot listen on 127.0.0.1:{port}: Address already in use; choose another --port"
    ]


def test_deleting_a_tag_leaves_shared_blobs_and_removes_the_others(sandbox: OllamaServer, made: list[str]) -> None:
    models = sandbox.models
    assert models is not None
    create(sandbox, made[0], system="Shared by both.")
    create(sandbox, made[1], system="Shared by both.", template="{{ .Prompt }} only in b")
    shared = models / "blobs" / f"sha256-{hashlib.sha256(b'Shared by both.').hexdigest()}"
    own = models / "blobs" / f"sha256-{hashlib.sha256(b'{{ .Prompt }} only in b').hexdigest()}"
    assert shared.exists()
    assert own.exists()
    assert sandbox.delete(made[1]) == 200
    assert shared.exists()
    assert not own.exists()
    assert sandbox.delete(made[0]) == 200
    assert not shared.exists()


def test_models_of_one_gguf_share_one_engine(sandbox: OllamaServer, made: list[str]) -> None:
    create(sandbox, made[0], system="You are A.")
    create(sandbox, made[1], system="You are B.", parameters={"num_ctx": 2048})
    chat(sandbox).raise_for_status()
    loads = sandbox.stats()["loads"]
    for name in (*made[:2], *made[:2]):
        chat(sandbox, name).raise_for_status()
    assert sandbox.stats()["loads"] == loads


def running(server: OllamaServer) -> list[tuple[str, int]]:
    """What is loaded of the base's weights, with its context."""
    models = server.get("ps")["models"]
    return [(each["name"], each["context_length"]) for each in models if each["details"]["family"] == "llama"]


def unload(server: OllamaServer, model: str = BASE) -> Any:
    """End the runner of a model's weights."""
    return server.post("chat", {"model": model, "messages": [], "keep_alive": 0, "stream": False}).json()


@pytest.fixture
def unloaded(sandbox: OllamaServer) -> OllamaServer:
    """The sandbox, with nothing of the base's weights loaded."""
    assert unload(sandbox)["done_reason"] == "unload"
    assert running(sandbox) == []
    return sandbox


def test_a_runner_is_listed_once_under_the_model_that_loaded_it(unloaded: OllamaServer, made: list[str]) -> None:
    create(unloaded, made[0], system="You are A.")
    create(unloaded, made[1], system="You are B.")
    for name in (*made[:2], BASE):
        chat(unloaded, name).raise_for_status()
        assert running(unloaded) == [(made[0], 4096)]


def test_other_options_of_the_runner_load_it_anew_under_the_model_that_wants_them(
    unloaded: OllamaServer, made: list[str]
) -> None:
    create(unloaded, made[0], parameters={"num_ctx": 100_000, "temperature": 0.5})
    create(unloaded, made[1], parameters={"num_ctx": 2048})
    chat(unloaded).raise_for_status()
    for name, context in ((made[0], 8192), (made[1], 2048), (BASE, 4096)):
        chat(unloaded, name).raise_for_status()
        assert running(unloaded) == [(name, context)], "of the 100,000 the weights take 8,192"
    chat(unloaded, options={**QUICK, "num_thread": 1}).raise_for_status()
    chat(unloaded, made[1], options={**QUICK, "num_ctx": 4096, "num_thread": 1}).raise_for_status()
    assert running(unloaded) == [(BASE, 4096)]


def test_unloading_one_model_unloads_all_that_share_its_weights(unloaded: OllamaServer, made: list[str]) -> None:
    create(unloaded, made[0], system="You are A.")
    chat(unloaded).raise_for_status()
    assert running(unloaded) == [(BASE, 4096)]
    unload(unloaded, made[0])
    assert running(unloaded) == []


def test_a_deleted_model_stays_loaded_and_listed(unloaded: OllamaServer, made: list[str]) -> None:
    create(unloaded, made[0], system="You are A.")
    chat(unloaded, made[0]).raise_for_status()
    assert unloaded.delete(made[0]) == 200
    assert running(unloaded) == [(made[0], 4096)]
    chat(unloaded).raise_for_status()
    assert running(unloaded) == [(made[0], 4096)]


def test_a_shared_prefix_is_computed_once_even_when_models_alternate(sandbox: OllamaServer, made: list[str]) -> None:
    create(sandbox, made[0], system=f"You are A. {RULES}")
    create(sandbox, made[1], system=f"You are B. {RULES}")
    for name in made[:2]:
        chat(sandbox, name, "RSI is 3.").raise_for_status()
    before = sandbox.stats()
    sizes = [chat(sandbox, name, "RSI is 9.").json()["prompt_eval_count"] for name in (*made[:2], made[0])]
    computed = sandbox.stats()["prompt_tokens"] - before["prompt_tokens"]
    assert min(sizes) > 300
    assert computed < 0.1 * sum(sizes)


def test_without_the_prompt_cache_every_prompt_is_computed_whole(tmp_path: Path, start_ollama: StartOllama) -> None:
    with start_ollama(tmp_path, "--no-prompt-cache") as server:
        sizes = [chat(server).json()["prompt_eval_count"] for _ in range(2)]
        assert server.stats()["prompt_tokens"] == sum(sizes)
        assert server.stats()["cached_tokens"] == 0


def test_own_messages_come_before_the_requests(sandbox: OllamaServer, made: list[str]) -> None:
    alone = chat(sandbox).json()["prompt_eval_count"]
    examples = [{"role": "user", "content": "One?"}, {"role": "assistant", "content": "Two."}]
    create(
        sandbox,
        made[0],
        messages=examples,
        template="{{ range .Messages }}[{{ .Role }}:{{ .Content }}]{{ end }}",
    )
    answer = sandbox.post("generate", {"model": made[0], "prompt": "x", "stream": False, "options": QUICK}).json()
    raw = sandbox.post(
        "generate", {"model": BASE, "prompt": "[user:One?][assistant:Two.][user:x]", "raw": True, "stream": False,
                     "options": QUICK},
    ).json()  # fmt: skip
    assert answer["prompt_eval_count"] == raw["prompt_eval_count"]
    assert answer["response"] == raw["response"]
    assert alone > 0


def test_temperature_0_answers_the_same_twice_and_a_seed_repeats(sandbox: OllamaServer) -> None:
    warm = {"temperature": 1.5, "seed": 11, "num_predict": 8}
    for options in (QUICK, warm):
        first, second = (chat(sandbox, options=options).json()["message"]["content"] for _ in range(2))
        assert first == second


def test_schema_bounds_the_answer(sandbox: OllamaServer) -> None:
    kinds = ["买入", "hold", "sell"]
    schema = {"type": "object", "properties": {"advice": {"type": "string", "enum": kinds}}, "required": ["advice"]}
    answer = chat(sandbox, format=schema, options={"temperature": 0, "num_predict": 40}).json()
    assert json.loads(answer["message"]["content"])["advice"] in kinds
    assert answer["done_reason"] == "stop"


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"format": "yaml"}, 500, 'invalid format: "\\"yaml\\""; expected "json" or a valid JSON Schema object'),
        ({"options": {"temperature": "hot"}}, 500, 'option "temperature" must be of type float32'),
        ({"model": "nope:1"}, 404, "model 'nope:1' not found"),
        ({"model": ""}, 400, "model is required"),
        ({"model": "no name!"}, 400, "model is required"),
        ({"keep_alive": "soon"}, 400, 'time: invalid duration "soon"'),
        ({"top_logprobs": 21}, 400, "top_logprobs must be between 0 and 20"),
        ({"tools": [{"type": "function"}]}, 400, f'"{BASE}" does not support tools'),
    ],
)
def test_wrong_chat_is_refused(sandbox: OllamaServer, fields: dict[str, Any], status: int, error: str) -> None:
    answer = chat(sandbox, **fields)
    assert (answer.status_code, answer.json()) == (status, {"error": error})


@pytest.mark.parametrize("schema", [{"type": "nonsense"}, {"properties": {"a": {"type": "text"}}}, {"$ref": "#/no"}])
def test_wrong_schema_is_refused_with_the_runners_json(sandbox: OllamaServer, schema: dict[str, Any]) -> None:
    answer = chat(sandbox, format=schema)
    assert answer.status_code == 400
    inner = json.loads(answer.json()["error"])["error"]
    assert inner["type"] == "invalid_request_error"
    assert "JSON schema conversion failed" in inner["message"]


def test_overlong_prompt_is_cut_by_default_and_refused_with_truncate_false(sandbox: OllamaServer) -> None:
    options = {"num_ctx": 512, "num_predict": 2}
    cut = chat(sandbox, text="word " * 3000, options=options)
    assert cut.json()["prompt_eval_count"] < 512
    refused = chat(sandbox, text="word " * 3000, options=options, truncate=False)
    assert refused.status_code == 400
    inner = json.loads(refused.json()["error"])["error"]
    assert (inner["type"], inner["n_ctx"]) == ("exceed_context_size_error", 512)
    assert inner["n_prompt_tokens"] > 3000


def test_cut_drops_the_oldest_messages_and_keeps_system_and_newest(sandbox: OllamaServer) -> None:
    long = [{"role": "user", "content": "word " * 400}, {"role": "assistant", "content": "Yes."}]
    ends = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say OK."}]
    options = {**QUICK, "num_ctx": 256}
    body = {"model": BASE, "stream": False, "options": options}
    cut = sandbox.post("chat", {**body, "messages": [ends[0], *long, ends[1]]}).json()
    kept = sandbox.post("chat", {**body, "messages": [ends[0], long[1], ends[1]]}).json()
    assert cut["prompt_eval_count"] == kept["prompt_eval_count"]
    assert cut["message"] == kept["message"]


def test_keep_alive_0_unloads_after_the_answer(unloaded: OllamaServer, made: list[str]) -> None:
    create(unloaded, made[0], system="Short.")
    chat(unloaded, made[0]).raise_for_status()
    assert running(unloaded) == [(made[0], 4096)]
    chat(unloaded, made[0], keep_alive=0).raise_for_status()
    assert running(unloaded) == []


def test_upload_is_checked_and_a_broken_gguf_is_an_error_line(sandbox: OllamaServer) -> None:
    content = f"GGUF but nothing more {time.time_ns()}".encode()
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    url = f"{sandbox.url}/api/blobs"
    assert requests.head(f"{url}/{digest}", timeout=30).status_code == 404
    for status in (201, 200):
        assert requests.post(f"{url}/{digest}", data=content, timeout=30).status_code == status
    answer = sandbox.post("create", {"model": "broken:1", "files": {"a.gguf": digest}})
    assert answer.status_code == 200
    assert json.loads(answer.text.splitlines()[-1]) == {"error": "supplied file was not in GGUF format"}


def test_a_blob_of_another_digest_is_refused_and_stays_under_its_own(sandbox: OllamaServer) -> None:
    content = f"of another digest {time.time_ns()}".encode()
    url, digest = f"{sandbox.url}/api/blobs", f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert requests.post(f"{url}/sha256:{'0' * 64}", data=content, timeout=30).status_code == 400
    assert requests.head(f"{url}/{digest}", timeout=30).status_code == 200
    assert requests.head(f"{url}/sha256:{'0' * 64}", timeout=30).status_code == 404


def test_names_are_compared_without_case_host_and_library(sandbox: OllamaServer, made: list[str]) -> None:
    create(sandbox, made[0].upper(), system="Any case.")
    for prefix in ("", "library/", "registry.ollama.ai/library/", "Registry.Ollama.AI/Library/"):
        name = f"{prefix}{made[0]}"
        assert sandbox.post("show", {"model": name}).json()["system"] == "Any case."
        assert chat(sandbox, name).json()["model"] == name
    create(sandbox, made[0], system="The same model.")
    listed = [model["name"] for model in sandbox.get("tags")["models"]]
    assert [name for name in listed if name.lower() == made[0]] == [made[0].upper()]
    other = f"hf.co/someone/{made[1]}"
    sandbox.post("copy", {"source": made[0], "destination": other}).raise_for_status()
    assert other in [model["name"].lower() for model in sandbox.get("tags")["models"]]
    assert sandbox.post("show", {"model": made[1]}).status_code == 404
    assert sandbox.delete(other) == sandbox.delete(f"LIBRARY/{made[0]}") == 200


@pytest.mark.parametrize(
    ("route", "status", "error"),
    [
        ("show", 400, "invalid model name"),
        ("create", 400, "invalid model name"),
        ("generate", 404, "model 'no name!' not found"),
        ("copy", 400, 'source "no name!" is invalid'),
    ],
)
def test_what_is_no_name_is_refused_as_each_route_does(
    sandbox: OllamaServer, route: str, status: int, error: str
) -> None:
    body = {"model": "no name!", "source": "no name!", "destination": "x", "from": BASE}
    answer = sandbox.post(route, body)
    assert (answer.status_code, answer.json()) == (status, {"error": error})
    assert sandbox.delete("no name!") == 400


def test_ends_of_lines_are_kept(sandbox: OllamaServer, made: list[str]) -> None:
    texts = {"system": "One.\r\nTwo.\r\n", "template": "{{ .System }}\r\n{{ .Prompt }}", "license": "a\r\nb"}
    create(sandbox, made[0], **texts)
    shown = sandbox.post("show", {"model": made[0]}).json()
    assert {name: shown[name] for name in texts} == texts


@pytest.mark.parametrize("route", ["embed", "embeddings"])
def test_a_chat_model_has_no_embeddings(sandbox: OllamaServer, route: str) -> None:
    answer = sandbox.post(route, {"model": BASE, "input": "x", "prompt": "x"})
    assert (answer.status_code, answer.json()["error"].partition(".")[0]) == (
        501, "This server does not support embeddings",
    )  # fmt: skip
    assert sandbox.post(route, {"model": "nope:1", "input": "x"}).status_code == 404


def test_a_create_from_an_absent_base_leaves_a_shell_also_over_another_model(
    sandbox: OllamaServer, made: list[str]
) -> None:
    create(sandbox, made[0], system="It was here.")
    for name in made[:2]:
        assert "error" in create(sandbox, name, **{"from": "nope:1"})[-1]
    listed = {model["name"]: model for model in sandbox.get("tags")["models"]}
    for name in made[:2]:
        assert (listed[name]["size"], listed[name]["details"]["format"]) == (127, "")
        assert sandbox.post("show", {"model": name}).status_code == chat(sandbox, name).status_code == 404
    create(sandbox, made[0], system="It is here again.")
    assert sandbox.post("show", {"model": made[0]}).json()["system"] == "It is here again."
    assert sandbox.delete(made[1]) == 200


def test_a_limit_of_0_tokens_is_no_limit_and_the_answer_has_no_end(ollama_sandbox: OllamaServer) -> None:
    options = {**QUICK, "num_predict": 0, "num_ctx": 512}
    answer = chat(ollama_sandbox, options=options).json()
    assert answer["prompt_eval_count"] + answer["eval_count"] == 512
    assert answer["done_reason"] == "length"


def test_work_ends_with_the_client(ollama_model: OllamaServer) -> None:
    """One engine answers one request at a time: the next one would wait for an answer that nobody reads."""
    before = ollama_model.stats()["requests"]
    endless = {"model": BASE, "messages": [{"role": "user", "content": "x"}], "options": {"num_predict": 0}}
    for stream in (True, False):
        with pytest.raises(requests.Timeout):
            requests.post(f"{ollama_model.url}/api/chat", json={**endless, "stream": stream}, timeout=(5, 0.01))
    chat(ollama_model).raise_for_status()
    assert ollama_model.stats()["requests"] == before + 1


def test_template_it_does_not_know_is_refused(sandbox: OllamaServer, made: list[str]) -> None:
    assert "template error" in create(sandbox, made[0], template="{{ range .Messages }}")[-1]["error"]


def test_faults_play_once(ollama_faulty: OllamaServer) -> None:
    ollama_faulty.fail_next("version", "status", status=503, message="busy")
    answer = requests.get(f"{ollama_faulty.url}/api/version", timeout=60)
    assert (answer.status_code, answer.json()) == (503, {"error": "busy"})
    assert "version" in ollama_faulty.get("version")
    ollama_faulty.fail_next("chat", "error_line", message="out of memory")
    assert chat(ollama_faulty).json() == {"error": "out of memory"}


@pytest.mark.parametrize("after", [0, 1])
def test_hang_up_breaks_the_connection(ollama_faulty: OllamaServer, after: int) -> None:
    ollama_faulty.fail_next("chat", "hang_up", after=after)
    with pytest.raises(requests.RequestException):
        chat(ollama_faulty, stream=True).content  # noqa: B018 - reading it is what fails


def test_slow_answer_tells_its_lines_first_and_is_then_the_real_one(
    ollama_faulty: OllamaServer, made: list[str]
) -> None:
    pulling = [{"status": "pulling abc", "total": 2, "completed": done} for done in (1, 2)]
    ollama_faulty.fail_next("create", "slow", lines=pulling, seconds=0.05)
    began = time.monotonic()
    told = create(ollama_faulty, made[0], system="Short.")
    assert time.monotonic() - began >= 0.05 * len(told)
    assert (told[:2], told[-1]) == (pulling, {"status": "success"})
    assert made[0] in [model["name"] for model in ollama_faulty.get("tags")["models"]]


def test_slow_answer_makes_nothing_for_a_client_that_went(ollama_faulty: OllamaServer, made: list[str]) -> None:
    lines = [{"status": f"pulling {number}"} for number in range(4)]
    ollama_faulty.fail_next("create", "slow", lines=lines, seconds=0.1)
    with ollama_faulty.post("create", {"model": made[0], "from": BASE}, stream=True) as answer:
        assert json.loads(next(answer.iter_lines())) == lines[0]
    time.sleep(1)
    assert made[0] not in [model["name"] for model in ollama_faulty.get("tags")["models"]]


def test_official_client_drives_it(sandbox: OllamaServer, made: list[str]) -> None:
    with ollama.Client(host=sandbox.url) as client:
        progress = client.create(made[0], from_=BASE, system="Be brief.", parameters={"num_ctx": 1024}, stream=True)
        assert [line.status for line in progress][-1] == "success"
        assert client.show(made[0]).parameters is not None
        assert made[0] in [model.model for model in client.list().models]
        asked = [{"role": "user", "content": "Say OK."}]
        whole = client.chat(made[0], messages=asked, options=QUICK, logprobs=True, top_logprobs=1)
        pieces = list(client.chat(made[0], messages=asked, options=QUICK, stream=True))
        assert "".join(piece.message.content or "" for piece in pieces) == whole.message.content
        assert (pieces[-1].done, pieces[-1].eval_count) == (True, whole.eval_count)
        assert whole.logprobs is not None
        assert client.generate(made[0], "Say OK.", options=QUICK).response == whole.message.content
        assert made[0] in [model.model for model in client.ps().models]
        client.copy(made[0], made[1])
        digests = {model.model: model.digest for model in client.list().models}
        assert digests[made[1]] == digests[made[0]]
        client.delete(made[1])
        with pytest.raises(ollama.ResponseError, match="not found"):
            client.show(made[1])


def test_a_model_with_a_place_for_thoughts_thinks_unless_it_is_asked_not_to(
    sandbox: OllamaServer, made: list[str]
) -> None:
    create(sandbox, made[0], template=THINKING)
    create(sandbox, made[1], **{"from": made[0], "system": "Be brief."})
    for name, can in ((BASE, ["completion"]), (made[0], ["completion", "thinking"])):
        assert sandbox.post("show", {"model": name}).json()["capabilities"] == can
        assert next(tag for tag in sandbox.get("tags")["models"] if tag["name"] == name)["capabilities"] == can
    quiet = chat(sandbox, made[1], think=False).json()["message"]
    assert (quiet.keys(), bool(quiet["content"])) == ({"role", "content"}, True)
    for asked in ({}, {"think": True}, {"think": "low"}):
        cut = chat(sandbox, made[1], **asked).json()
        assert (cut["done_reason"], cut["eval_count"], cut["message"]["content"]) == ("length", 4, "")
        assert cut["message"]["thinking"]
    streamed = sandbox.post(
        "chat", {"model": made[1], "messages": [{"role": "user", "content": "Hi."}], "options": QUICK}
    )
    lines = [json.loads(line)["message"] for line in streamed.text.splitlines()]
    assert all(line["thinking"] and not line["content"] for line in lines[:-1])
    assert "thinking" not in lines[-1]
    assert chat(sandbox, made[1], think="a lot").status_code == 400


def test_a_file_that_does_not_tell_its_form_is_of_an_unknown_one(tmp_path: Path) -> None:
    path = tmp_path / "plain.gguf"
    writer = GGUFWriter(path, "llama")
    writer.add_embedding_length(8)
    writer.add_tensor("token_embd.weight", np.zeros((4, 8), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = read_gguf(path)
    assert (found.file_type, found.parameters) == ("unknown", 32)
