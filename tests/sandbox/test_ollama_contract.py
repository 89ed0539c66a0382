"""The server is held to answers recorded from a real Ollama of its version, which for the sandbox is 0.34.

Each loosened comparison is named with its reason, and so is each case in which 0.33 answers otherwise: everything else
the sandbox answers as both do.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from ljwx_sandbox.ollama.__main__ import base_gguf
from support_ollama import ROOT, OllamaServer

FOLDER = ROOT.parent / "shared" / "ollama-contract"
Recording = dict[str, dict[str, Any]]
"""The cases by name."""


def recording_of(version: str) -> Recording:
    path = FOLDER / f"ollama-{version}.json"
    return {case["name"]: case for case in json.loads(path.read_text())["cases"]} if path.exists() else {}


OLDER, NEWER = recording_of("0.33"), recording_of("0.34")
DIFFERENT = {
    "create_files_stream": "0.33 writes an imported GGUF anew: one more line, and a layer of other digits",
    "create_from_stream": "the layer of other digits",
    "create_quantize": "0.33 still quantizes some weights, and refuses these in other words, with status 500",
    "tags": "models of the layer have other digests; the order is that of the last change",
    "show": "the layer of other digits, and parameters in another order",
    "ps": "the model's digest, as in tags",
}
"""Where 0.33 answers otherwise than 0.34, which is what the sandbox speaks."""
LEFT_OUT: dict[str, str] = {}
LOOSENED = {
    "version": "each server has its own number",
    "blob_post_digest_mismatch": "the recorded bytes are not known: ours, with their own digest",
    "tags": "the recorded server also held models that no recorded case makes: compared are the ones made here",
    "show": "model_info and tensors are elided in the recording (their sizes are kept); parameters have no order",
    "create_files_missing_blob": "the path is the server's own folder",
    "create_from_missing_offline": "the registry's name is elided, the resolver's words vary; with internet it pulls",
    "chat_bad_schema": "the runner's words vary from build to build: its JSON is read",
    "chat_overlong_truncate_false": "words as above",
    "chat_nostream": "the words depend on the CPU's arithmetic: counts and keys are compared",
    "chat_stream": "words as above; the recording elides the middle lines",
    "chat_length_limit": "words as above",
    "chat_schema": "words as above: the answer must be of the schema; its token count may differ",
    "chat_format_json": "words as above: a finished answer must be JSON; its token count may differ",
    "chat_logprobs": "the values depend on the CPU's arithmetic: tokens and bytes are compared, values within 0.2",
    "chat_overlong_default": "the recorded prompt is elided, words after a cut are arbitrary: the count is compared",
    "generate_nostream": "words as above: the context's prompt part is compared",
    "ps": "what is loaded, how large and how long depends on what ran before: keys of each entry are compared",
}
BYTES = b"these are no model weights"
DIGEST = hashlib.sha256(BYTES).hexdigest()
RECORDED_DIGEST = "e997afd18e5f6be004fc193aed2c90291e68ab2c7599a62538c935b7fca6ab0f"
BODIES = {"create_empty_body": b"", "create_bad_json": b"{bad json"}
MADE = ("c:base", "c:built", "c:bad", "c:unk", "c:badrole", "c:copy", "c:x")

pytestmark = pytest.mark.skipif(not NEWER, reason="no recordings beside the repository")


def play(server: OllamaServer, case: dict[str, Any]) -> requests.Response:
    request = case["request"]
    body, sent = request["body"], {}
    if body == "<bytes>":
        sent = {"data": BODIES.get(case["name"], BYTES)}
    elif body is not None:
        if isinstance(body.get("messages"), str):
            body = {**body, "messages": [{"role": "user", "content": "word " * 6000}]}
        sent = {"data": json.dumps(body).replace(RECORDED_DIGEST, DIGEST)}
    path = request["path"].replace(RECORDED_DIGEST, DIGEST)
    return requests.request(request["method"], server.url + path, timeout=300, **sent)


def recording_for(version: str) -> Recording:
    """The recording of a server's version; a build that has no number of its own is taken for the newer one."""
    numbers = re.match(r"(\d+)\.(\d+)", version)
    assert numbers is not None
    return OLDER if (0, 0) < tuple(map(int, numbers.groups())) < (0, 34) else NEWER


@pytest.fixture(scope="module")
def recording(ollama_server: OllamaServer) -> Recording:
    """The recording of the server's version."""
    return recording_for(ollama_server.get("version")["version"])


@pytest.fixture(scope="module")
def answers(ollama_server: OllamaServer, recording: Recording) -> Iterator[dict[str, Any]]:
    """Every case played in the recorded order, on a server that has the base weights as a blob."""
    gguf = base_gguf()
    digest = hashlib.sha256(gguf.read_bytes()).hexdigest()
    with gguf.open("rb") as file:
        requests.post(f"{ollama_server.url}/api/blobs/sha256:{digest}", data=file, timeout=300).raise_for_status()
    before = tags_of(ollama_server)
    try:
        yield {name: play(ollama_server, case) for name, case in recording.items()}
    finally:
        for model in MADE:
            ollama_server.delete(model)
    assert tags_of(ollama_server) == before, "what the cases made is gone"


def tags_of(server: OllamaServer) -> set[str]:
    return {tag["name"] for tag in server.get("tags")["models"]}


def lines_of(answer: requests.Response) -> list[Any]:
    return [json.loads(line) for line in answer.text.splitlines()]


def shape(value: Any) -> Any:
    """Types instead of values that differ from run to run."""
    if isinstance(value, dict):
        return {key: "<varies>" if re.search(r"_(at|duration)$", key) else shape(item) for key, item in value.items()}
    return [shape(item) for item in value] if isinstance(value, list) else value


def without(value: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: item for key, item in shape(value).items() if key not in keys}


@pytest.mark.parametrize("name", NEWER)
def test_status_and_content_type_are_the_recorded_ones(
    answers: dict[str, Any], recording: Recording, name: str
) -> None:
    answer, recorded = answers[name], recording[name]["response"]
    assert answer.status_code == recorded["status"]
    if answer.text:
        got = answer.headers["content-type"].partition(";")[0]
        assert got == recorded["content_type"].partition(";")[0]


@pytest.mark.parametrize("name", [name for name in NEWER if name not in {**LOOSENED, **LEFT_OUT}])
def test_body_is_the_recorded_one(answers: dict[str, Any], recording: Recording, name: str) -> None:
    answer, recorded = answers[name], recording[name]["response"]["lines"]
    if isinstance(recorded, str):
        assert answer.text == recorded
    else:
        assert shape(lines_of(answer)) == shape(recorded)


@pytest.fixture
def recorded(recording: Recording) -> Any:
    """The lines that were recorded of a case."""
    return lambda name: list(recording[name]["response"]["lines"])


@pytest.mark.parametrize("name", OLDER)
def test_an_older_server_answers_the_same_but_for_the_named_cases(name: str) -> None:
    older, newer = OLDER[name], NEWER[name]
    assert newer["request"] == older["request"]
    assert (shape(newer["response"]) != shape(older["response"])) is (name in DIFFERENT)


@pytest.mark.parametrize(
    ("version", "older"),
    [("0.33.2", True), ("0.33.0-rc2", True), ("0.9.1", True), ("0.34.0", False), ("1.2.0", False), ("0.0.0", False)],
)
def test_a_server_is_held_to_the_recording_of_its_version(version: str, older: bool) -> None:
    assert recording_for(version) is (OLDER if older else NEWER)


def test_every_loosened_case_is_a_recorded_one() -> None:
    assert {*LOOSENED, *LEFT_OUT, *DIFFERENT} <= NEWER.keys()


def test_version_is_a_number(answers: dict[str, Any]) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", answers["version"].json()["version"])


def test_digest_mismatch_names_both_digests(answers: dict[str, Any], recorded: Any) -> None:
    want = recorded("blob_post_digest_mismatch")[0]["error"].replace(RECORDED_DIGEST, DIGEST)
    assert answers["blob_post_digest_mismatch"].json() == {"error": want}


def test_a_missing_blob_is_told_by_its_path(answers: dict[str, Any], recorded: Any) -> None:
    got, want = lines_of(answers["create_files_missing_blob"]), recorded("create_files_missing_blob")
    assert got[:-1] == want[:-1]
    assert re.fullmatch(r"open \S+ no such file or directory", got[-1]["error"])
    assert got[-1]["error"].partition("/blobs/")[2] == want[-1]["error"].partition("/blobs/")[2]


def test_an_absent_base_is_asked_of_the_registry(answers: dict[str, Any], recorded: Any) -> None:
    got, want = lines_of(answers["create_from_missing_offline"]), recorded("create_from_missing_offline")
    assert got[:-1] == want[:-1]
    assert re.match(r"pull model manifest: Get \"https://\S+/v2/library/no-such-model/manifests/1b\"", got[-1]["error"])


@pytest.mark.parametrize("name", ["chat_bad_schema", "chat_overlong_truncate_false"])
def test_the_runners_refusal_is_passed_on_as_json(answers: dict[str, Any], recorded: Any, name: str) -> None:
    got, want = (json.loads(line["error"])["error"] for line in (answers[name].json(), recorded(name)[0]))
    assert without(got, "message") == without(want, "message")


def test_models_made_here_are_listed_with_the_recorded_digests(answers: dict[str, Any], recorded: Any) -> None:
    listed = {model["name"]: model for model in answers["tags"].json()["models"]}
    want = {model["name"]: model for model in recorded("tags")[0]["models"] if model["name"] in MADE}
    assert {"c:base", "c:built", "c:bad", "c:unk", "c:badrole"} <= set(want)
    assert {name: without(model, "modified_at") for name, model in listed.items() if name in MADE} == {
        name: without(model, "modified_at") for name, model in want.items()
    }


def test_show_tells_what_the_recording_tells(answers: dict[str, Any], recorded: Any) -> None:
    got, want = answers["show"].json(), recorded("show")[0]
    loose = ("modified_at", "modelfile", "parameters", "model_info", "tensors")
    assert without(got, *loose) == without(want, *loose)
    assert sorted(got["parameters"].splitlines()) == sorted(want["parameters"].splitlines())
    assert (len(got["model_info"]), len(got["tensors"])) == (32, 272)
    path = re.compile(r"FROM \S*sha256-")
    got_lines, want_lines = (path.sub("FROM sha256-", text["modelfile"]).splitlines() for text in (got, want))
    assert sorted(got_lines) == sorted(want_lines)


@pytest.mark.parametrize("name", ["chat_nostream", "chat_length_limit"])
def test_chat_counts_are_the_recorded_ones(answers: dict[str, Any], recorded: Any, name: str) -> None:
    got, want = answers[name].json(), recorded(name)[0]
    assert without(got, "message") == without(want, "message")
    assert got["message"]["content"]


def test_chat_streams_one_line_a_token_and_a_last_one(answers: dict[str, Any], recorded: Any) -> None:
    got, want = lines_of(answers["chat_stream"]), recorded("chat_stream")
    assert len(got) == want[-1]["eval_count"] + 1
    assert all(line.keys() == want[0].keys() and line["done"] is False for line in got[:-1])
    assert shape(got[-1]) == shape(want[-1])


@pytest.mark.parametrize("name", ["chat_schema", "chat_format_json"])
def test_structured_answer_is_of_its_format(answers: dict[str, Any], recorded: Any, name: str) -> None:
    got, want = answers[name].json(), recorded(name)[0]
    assert got.keys() == want.keys()
    assert got["prompt_eval_count"] == want["prompt_eval_count"]
    if got["done_reason"] == "stop":
        value = json.loads(got["message"]["content"])
        assert isinstance(value, dict)
        if name == "chat_schema":
            assert value["advice"] in ("buy", "hold", "sell")
            assert isinstance(value["confidence"], int | float)


def test_logprobs_are_the_recorded_ones_within_rounding(answers: dict[str, Any], recorded: Any) -> None:
    got, want = answers["chat_logprobs"].json(), recorded("chat_logprobs")[0]
    assert got.keys() == want.keys()
    for ours, theirs in zip(got["logprobs"], want["logprobs"], strict=True):
        assert ours.keys() == theirs.keys()
        assert [(o["token"], o["bytes"]) for o in ours["top_logprobs"]] == [
            (o["token"], o["bytes"]) for o in theirs["top_logprobs"]
        ]
        assert ours["logprob"] == pytest.approx(theirs["logprob"], abs=0.2)


def test_overlong_prompt_is_cut_to_the_recorded_number_of_tokens(answers: dict[str, Any], recorded: Any) -> None:
    got, want = answers["chat_overlong_default"].json(), recorded("chat_overlong_default")[0]
    assert got.keys() == want.keys()
    assert got["prompt_eval_count"] == want["prompt_eval_count"]


def test_generate_returns_the_recorded_prompt_tokens_as_context(answers: dict[str, Any], recorded: Any) -> None:
    got, want = answers["generate_nostream"].json(), recorded("generate_nostream")[0]
    loose = ("response", "context")
    assert without(got, *loose) == without(want, *loose)
    assert got["context"][: got["prompt_eval_count"]] == want["context"][: want["prompt_eval_count"]]


def test_ps_entries_have_the_recorded_keys(answers: dict[str, Any], recorded: Any) -> None:
    got = {model["name"]: model for model in answers["ps"].json()["models"]}
    want = next(model for model in recorded("ps")[0]["models"] if model["name"] == "c:built")
    assert got["c:built"].keys() == want.keys()
    loose = ("size", "expires_at")
    assert without(got["c:built"], *loose) == without(want, *loose)
