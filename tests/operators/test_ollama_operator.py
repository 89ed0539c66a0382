from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from ljwx.core.models import BuildSpec, draft_tag
from ljwx.exceptions import BuildFailed, ConfigurationError, ModelMissing, OllamaUnreachable, RefusedRequest
from ljwx.hooks.ollama import OllamaHook
from ljwx.operators.ollama import OllamaOperator
from ljwx_sandbox.ollama.__main__ import base_gguf
from support_ollama import BASE, OllamaServer

NAME = "ljwx-stock:operator-test"
DRAFT = "ljwx-stock-draft:operator-test"
FIELDS: dict[str, Any] = {
    "base": BASE,
    "strategy": "fewshot",
    "system": 'You are an "analyst".\n风险自负',
    "parameters": {"temperature": 0.25, "num_ctx": 2048, "seed": 7},
    "messages": [{"role": "user", "content": "RSI14=80"}, {"role": "assistant", "content": '{"advice":"sell"}'}],
}


@pytest.fixture
def hook(ollama_faulty: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[OllamaHook]:
    """A hook on the shared sandbox; what the test made is removed, and nothing that was there before."""
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", ollama_faulty.connection)
    before = names(ollama_faulty)
    yield OllamaHook()
    ollama_faulty.clear_faults()
    for name in names(ollama_faulty) - before:
        ollama_faulty.delete(name)


def names(server: OllamaServer) -> set[str]:
    return {model["name"] for model in server.get("tags")["models"]}


def operator(folder: Path, fields: dict[str, Any], **arguments: Any) -> OllamaOperator:
    path = folder / "spec.json"
    path.write_text(json.dumps(fields))
    return OllamaOperator(task_id="build", **{"spec_path": str(path), "model": NAME, **arguments})


def told(fields: dict[str, Any]) -> dict[str, Any]:
    """What a create is told of a spec, beside its source."""
    return {key: fields[key] for key in ("system", "parameters", "messages")}


@pytest.fixture
def fields(hook: OllamaHook) -> dict[str, Any]:
    return {**FIELDS, "base_digest": hook.digest(BASE)}


def test_builds_what_the_spec_says_and_returns_ids_only(
    hook: OllamaHook, fields: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = operator(tmp_path, fields).execute({})
    log = capsys.readouterr().out
    assert result == {"model": NAME, "digest": hook.digest(NAME), "built": True}
    shown = hook.show(NAME)
    assert shown.system == fields["system"]
    assert shown.parameters.items() >= fields["parameters"].items()
    assert [{"role": role, "content": content} for role, content in shown.messages] == fields["messages"]
    assert "writing manifest" in log
    assert result["digest"] in log


def test_same_spec_is_recognised_and_not_built_again(
    hook: OllamaHook, fields: dict[str, Any], tmp_path: Path, ollama_faulty: OllamaServer
) -> None:
    first = operator(tmp_path, fields).execute({})
    ollama_faulty.fail_next("create", "status", message="must not be asked")
    assert operator(tmp_path, fields).execute({}) == {**first, "built": False}


def test_changed_spec_builds_another_model(hook: OllamaHook, fields: dict[str, Any], tmp_path: Path) -> None:
    first = operator(tmp_path, fields).execute({})
    changed = {**fields, "system": "Be brief."}
    second = operator(tmp_path, changed, model="ljwx-stock:operator-other").execute({})
    assert second["built"] is True
    assert second["digest"] != first["digest"]
    assert hook.digest(NAME) == first["digest"]


def test_tag_that_holds_something_else_is_built_again(hook: OllamaHook, fields: dict[str, Any], tmp_path: Path) -> None:
    list(hook.create(NAME, base=BASE, system="Something else."))
    assert operator(tmp_path, fields).execute({})["built"] is True
    assert hook.show(NAME).system == fields["system"]


def test_base_that_moved_is_refused(hook: OllamaHook, fields: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(RefusedRequest, match="make a new spec"):
        operator(tmp_path, {**fields, "base_digest": "0" * 64}).execute({})
    assert NAME not in [model.name for model in hook.list()]


def test_a_model_is_built_under_another_tag_which_is_gone_afterwards(
    hook: OllamaHook, fields: dict[str, Any], tmp_path: Path, ollama_faulty: OllamaServer
) -> None:
    assert draft_tag(NAME) == DRAFT
    list(hook.create(DRAFT, base=BASE, system="A killed build left it."))
    before = names(ollama_faulty)
    digest = operator(tmp_path, fields).execute({})["digest"]
    assert names(ollama_faulty) - before == {NAME}
    assert before - names(ollama_faulty) == {DRAFT}
    list(hook.create("operator-other:1", base=BASE, **told(fields)))
    assert hook.digest("operator-other:1") == digest, "the tag that it was built under is no part of a model"


def test_a_build_that_fails_leaves_the_model_that_was_there(
    hook: OllamaHook, fields: dict[str, Any], tmp_path: Path, ollama_faulty: OllamaServer
) -> None:
    """A create from an absent base leaves a shell, on real servers too: here the base goes while it is built."""
    list(hook.create("operator-base:1", base=BASE))
    list(hook.create(NAME, base=BASE, system="It serves."))
    build = operator(tmp_path, {**fields, "base": "operator-base:1", "base_digest": hook.digest("operator-base:1")})
    build._check_sources = lambda spec: ollama_faulty.delete("operator-base:1")  # type: ignore[method-assign]
    build._digest_if_built = lambda spec: None  # type: ignore[method-assign]
    with pytest.raises(BuildFailed, match="pull model manifest"):
        build.execute({})
    assert hook.show(NAME).system == "It serves."
    assert DRAFT not in names(ollama_faulty)


def test_a_shell_that_an_earlier_build_left_is_built_over(
    hook: OllamaHook, fields: dict[str, Any], tmp_path: Path, ollama_faulty: OllamaServer
) -> None:
    with pytest.raises(BuildFailed):
        list(hook.create(NAME, base="nope:1"))
    assert NAME in names(ollama_faulty)
    with pytest.raises(ModelMissing):
        hook.digest(NAME)
    assert operator(tmp_path, fields).execute({})["digest"] == hook.digest(NAME)


def test_error_line_fails_the_task_with_the_servers_words(
    hook: OllamaHook, fields: dict[str, Any], tmp_path: Path, ollama_faulty: OllamaServer
) -> None:
    ollama_faulty.fail_next("create", "error_line", message="no space left on device")
    with pytest.raises(BuildFailed, match="no space left"):
        operator(tmp_path, fields).execute({})
    assert NAME not in [model.name for model in hook.list()]


def test_hang_up_can_be_retried(
    hook: OllamaHook, fields: dict[str, Any], tmp_path: Path, ollama_faulty: OllamaServer
) -> None:
    ollama_faulty.fail_next("create", "hang_up", after=1)
    with pytest.raises(OllamaUnreachable):
        operator(tmp_path, fields).execute({})
    assert operator(tmp_path, fields).execute({})["digest"] == hook.digest(NAME)


def test_model_that_reads_back_otherwise_is_removed_and_the_one_before_it_stays(
    hook: OllamaHook, fields: dict[str, Any], tmp_path: Path, ollama_faulty: OllamaServer
) -> None:
    """A server that says success and makes something else: here it made the model of another request."""
    for name in (NAME, DRAFT):
        list(hook.create(name, base=BASE, system=f"Something else: {name}."))
    ollama_faulty.fail_next("create", "lines", lines=[{"status": "success"}])
    with pytest.raises(BuildFailed, match=r"temperature.*another system prompt"):
        operator(tmp_path, fields).execute({})
    assert DRAFT not in names(ollama_faulty)
    assert hook.show(NAME).system == f"Something else: {NAME}."


def test_server_that_says_success_and_makes_nothing_is_not_believed(
    fields: dict[str, Any], tmp_path: Path, ollama_faulty: OllamaServer
) -> None:
    ollama_faulty.fail_next("create", "lines", lines=[{"status": "success"}])
    with pytest.raises(ModelMissing, match=f"{NAME} was not built, although the server says so"):
        operator(tmp_path, fields).execute({})


def test_percents_are_logged_once_a_step(
    hook: OllamaHook,
    fields: dict[str, Any],
    tmp_path: Path,
    ollama_faulty: OllamaServer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    operator(tmp_path, fields).execute({})
    pulling = [
        {"status": "pulling abc", "digest": "abc", "total": 1000, "completed": done} for done in range(0, 1001, 10)
    ]
    ollama_faulty.delete(NAME)
    ollama_faulty.fail_next("create", "error_line", lines=pulling, message="stopped")
    with pytest.raises(BuildFailed, match="stopped"):
        operator(tmp_path, fields).execute({})
    told = re.findall(r"pulling abc (\d+) %", capsys.readouterr().out)
    assert told == [str(percent) for percent in range(0, 101, 10)]


def test_gguf_file_becomes_a_model(hook: OllamaHook, fields: dict[str, Any], tmp_path: Path) -> None:
    gguf = base_gguf()
    spec = {**fields, "strategy": "lora", "messages": [], "gguf_sha256": hashlib.sha256(gguf.read_bytes()).hexdigest()}
    result = operator(tmp_path, spec, gguf_path=str(gguf)).execute({})
    assert result["built"] is True
    assert hook.show(NAME).weights == spec["gguf_sha256"]
    assert operator(tmp_path, spec, gguf_path=str(gguf)).execute({}) == {**result, "built": False}


def test_gguf_file_that_is_another_one_is_refused(fields: dict[str, Any], tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(b"GGUF other")
    spec = {**fields, "strategy": "lora", "messages": [], "gguf_sha256": "0" * 64}
    with pytest.raises(RefusedRequest, match="sha256"):
        operator(tmp_path, spec, gguf_path=str(other)).execute({})


@pytest.fixture
def other_weights(hook: OllamaHook, tmp_path: Path) -> dict[str, str]:
    """The `files` of a GGUF that the server answers from like the base's, with other digits."""
    path = tmp_path / "other.gguf"
    path.write_bytes(base_gguf().read_bytes() + b"\0" * 32)
    return {"other.gguf": f"sha256:{hook.upload_blob(path)}"}


def test_model_of_other_weights_than_its_bases_is_removed(
    hook: OllamaHook,
    fields: dict[str, Any],
    tmp_path: Path,
    ollama_faulty: OllamaServer,
    other_weights: dict[str, str],
) -> None:
    list(hook.create(DRAFT, files=other_weights, **told(fields)))
    ollama_faulty.fail_next("create", "lines", lines=[{"status": "success"}])
    with pytest.raises(BuildFailed, match=f"weights [0-9a-f]{{64}} instead of {hook.show(BASE).weights}"):
        operator(tmp_path, fields).execute({})
    assert names(ollama_faulty).isdisjoint({NAME, DRAFT})


def test_base_that_is_replaced_during_the_build_fails_it(
    hook: OllamaHook, fields: dict[str, Any], tmp_path: Path, ollama_faulty: OllamaServer
) -> None:
    list(hook.create("operator-base:1", base=BASE))
    build = operator(tmp_path, {**fields, "base": "operator-base:1", "base_digest": hook.digest("operator-base:1")})
    list(hook.create(DRAFT, base="operator-base:1", **told(fields)))
    list(hook.create("operator-base:1", base=BASE, system="Another one by now."))
    with pytest.raises(BuildFailed, match="operator-base:1 was replaced while it was built"):
        build.finish({}, {"error": None})
    assert names(ollama_faulty).isdisjoint({NAME, DRAFT})


def test_server_that_writes_a_gguf_anew_is_not_blamed_for_other_digits_and_builds_each_time(
    hook: OllamaHook,
    fields: dict[str, Any],
    tmp_path: Path,
    ollama_faulty: OllamaServer,
    other_weights: dict[str, str],
) -> None:
    """Ollama 0.33 stores an imported GGUF under digits of its own, so that a model of another file looks the same."""
    gguf = base_gguf()
    spec = {**fields, "strategy": "lora", "messages": [], "gguf_sha256": hashlib.sha256(gguf.read_bytes()).hexdigest()}
    for name in (NAME, "operator-other:1"):
        list(hook.create(name, files=other_weights, **told(spec)))
    older = {"route": "version", "kind": "lines", "lines": [{"version": "0.33.9"}], "times": 100}
    ollama_faulty.play(older)
    result = operator(tmp_path, spec, gguf_path=str(gguf)).execute({})
    assert (result["built"], hook.show(NAME).weights) == (True, spec["gguf_sha256"])
    own_build = {**older, "lines": [{"version": "0.0.0"}]}  # as a server built from source says; it kept the digits
    ollama_faulty.play(own_build)
    assert operator(tmp_path, spec, gguf_path=str(gguf)).execute({})["built"] is False
    for name in (NAME, DRAFT):
        hook.copy("operator-other:1", name)
    ollama_faulty.play(older, {"route": "create", "kind": "lines", "lines": [{"status": "success"}]})
    assert operator(tmp_path, spec, gguf_path=str(gguf)).execute({})["digest"] != result["digest"], "in other digits"


def test_build_leads_to_its_bases_page_and_to_the_report(fields: dict[str, Any], tmp_path: Path) -> None:
    build = operator(tmp_path, fields, report_task_id="write_report")
    key: Any = SimpleNamespace(dag_id="ljwx_model_build", run_id="manual__2026-11-20T12:00:00+00:00")
    assert [(link.name, link.get_link(build, ti_key=key)) for link in build.operator_extra_links] == [
        ("Base model", "https://ollama.com/library/smollm2:135m"),
        (
            "Report",
            "/dags/ljwx_model_build/runs/manual__2026-11-20T12%3A00%3A00%2B00%3A00/tasks/write_report",
        ),
    ]
    build.spec_path = str(tmp_path / "nowhere.json")
    assert build.operator_extra_links[0].get_link(build, ti_key=key) == ""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"strategy": "lora", "messages": [], "gguf_sha256": "0" * 64}, "gguf_path"),
        ({"strategy": ""}, "strategy"),
        ({"examples": ["a sample_id"], "messages": []}, "a question and an answer"),
    ],
)
def test_spec_that_contradicts_itself_is_named(
    fields: dict[str, Any], tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told):
        operator(tmp_path, {**fields, **change}).execute({})


def test_missing_spec_is_named(hook: OllamaHook, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.json"):
        OllamaOperator(task_id="build", spec_path=str(tmp_path / "nowhere.json"), model=NAME).execute({})


def test_wrong_parameter_never_reaches_the_server(hook: OllamaHook, fields: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(RefusedRequest, match="no_such_param"):
        operator(tmp_path, {**fields, "parameters": {"no_such_param": 1}}).execute({})
    assert NAME not in [model.name for model in hook.list()]


def test_arguments_are_templated_and_init_reads_nothing() -> None:
    task = OllamaOperator(task_id="build", spec_path="{{ params.spec }}", model="{{ params.model }}")
    assert set(task.template_fields) == {"spec_path", "model", "gguf_path", "trained", "ollama_conn_id"}
    assert task.spec_path == "{{ params.spec }}"


def test_spec_of_the_tests_is_a_valid_one(fields: dict[str, Any], ollama_faulty: OllamaServer) -> None:
    spec = BuildSpec.model_validate(fields)
    answer = requests.post(f"{ollama_faulty.url}/api/show", json={"model": spec.base}, timeout=60)
    assert answer.status_code == 200
