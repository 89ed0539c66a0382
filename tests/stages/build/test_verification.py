"""What a model has to show before it becomes a candidate."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ljwx.core.tasks import TASKS
from ljwx.core.verification import context_problem, special_tokens
from ljwx.exceptions import (
    BadData,
    BuildFailed,
    ConfigurationError,
    ModelMissing,
    OllamaUnreachable,
    PromptTooLong,
)
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.operators.ollama import OllamaOperator
from ljwx.settings import load_settings
from ljwx.stages.build.plan import plan_build
from ljwx.stages.build.verification import verify_model
from ljwx.stages.evaluate.asking import ask_questions
from ljwx.stages.evaluate.questions import plan_questions
from support_chain import SMALL, Chain, Database
from support_ollama import BASE, OllamaServer
from support_script import Script
from support_tasks import TaskRunner


def test_a_verified_model_cites_its_dataset_spec_and_digest(
    chain_db: Database, chain: Chain, ollama_sandbox: OllamaServer
) -> None:
    (row,) = chain_db.rows("SELECT * FROM ljwx.models")
    tag = next(tag for tag in ollama_sandbox.get("tags")["models"] if tag["name"] == row["model"])
    assert row["digest"] == tag["digest"].removeprefix("sha256:")
    assert (row["model"], row["dataset_id"]) == (chain.plan["model"], chain.dataset_id)
    canonical = json.dumps(row["spec"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(canonical.encode()).hexdigest() == row["spec_sha256"]


def test_a_verified_model_belongs_to_the_line_of_its_recipe(chain_db: Database, chain: Chain) -> None:
    (row,) = chain_db.rows("SELECT strategy, spec, line_id FROM ljwx.models")
    (line,) = chain_db.rows("SELECT line_id, strategy, recipe, closed_at FROM ljwx.lines")
    assert (line["line_id"], line["strategy"], line["closed_at"]) == (row["line_id"], row["strategy"], None)
    taken = {"messages": [], "examples": [], "gguf_sha256": None}
    assert line["recipe"] == row["spec"] | taken | {"settings": {}}


def test_a_language_model_built_from_the_same_plan_is_the_same_and_passes_every_check(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_model: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", ollama_model.connection)
    chain_db.execute("DELETE FROM ljwx.models")
    built = OllamaOperator(task_id="build", model=chain.plan["model"], spec_path=chain.plan["spec_path"]).execute({})
    assert built["digest"] == chain.built["digest"]
    assert tasks.run(verify_model, chain.plan, built) == chain.plan["model"]
    checks = chain_db.value("SELECT verified FROM ljwx.models")
    assert [answer["task"] for answer in checks["answers"] if answer["valid"]] == list(TASKS)
    assert checks["differs_from_base_on"]
    assert 0 < max(answer["prompt_tokens"] for answer in checks["answers"]) < checks["context"] == 4096
    tasks.run(ask_questions, tasks.run(plan_questions, built["model"], chain.question_set_id)[0] | {"questions": 1})
    (answer,) = chain_db.rows("SELECT valid, probabilities, prompt_tokens, answer_tokens FROM ljwx.answers")
    assert answer["valid"]
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    assert min(answer["prompt_tokens"], answer["answer_tokens"]) > 0
    for name in (built["model"], "ljwx-stock:challenger"):
        ollama_model.delete(name)


def test_the_checks_are_recorded_with_their_times_tokens_and_context(chain_db: Database, chain: Chain) -> None:
    checks = chain_db.value("SELECT verified FROM ljwx.models")
    valid = [answer for answer in checks["answers"] if answer["valid"]]
    assert [answer["task"] for answer in valid] == list(TASKS)
    assert min(answer["latency_s"] for answer in checks["answers"]) > 0
    assert checks["first_token_s"] > 0
    assert 0 < max(answer["prompt_tokens"] for answer in checks["answers"]) < checks["context"] == 4096
    assert checks["differs_from_base_on"]
    sample_ids = [answer["sample_id"] for answer in checks["answers"]]
    splits = chain_db.column("SELECT split FROM ljwx.dataset_samples WHERE sample_id = ANY(%s)", sample_ids)
    assert set(splits) == {"validation"}


@pytest.fixture
def script(chain_db: Database) -> Script:
    script = Script(chain_db)
    chain_db.execute("DELETE FROM ljwx.models")
    return script


def test_a_model_that_passes_every_check_becomes_a_candidate(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer, script: Script
) -> None:
    script.play(ollama_faulty)
    assert tasks.run(verify_model, chain.plan, chain.built) == chain.plan["model"]
    assert (
        chain_db.value("SELECT verified -> 'differs_from_base_on' ->> 0 FROM ljwx.models") == "请用一句话介绍你自己。"
    )


def test_a_verification_says_what_it_is_doing_before_each_answer(
    chain_db: Database,
    chain: Chain,
    tasks: TaskRunner,
    ollama_faulty: OllamaServer,
    script: Script,
    caplog: pytest.LogCaptureFixture,
) -> None:
    script.texts.insert(script.first, "我看好")  # the first answer to the first task is not valid
    script.play(ollama_faulty)
    with caplog.at_level("INFO", "ljwx.stages.build"):
        tasks.run(verify_model, chain.plan, chain.built)
    model, asking = chain.plan["model"], "Asking for a valid answer: task"
    others = [f"{asking} {at} of 4, {task}, question 1 of at most 3" for at, task in enumerate(TASKS, 1) if at > 1]
    assert [line for line in caplog.messages if not line.startswith("The first token came after")] == [
        f"Loading {model}, and waiting for the first token of its first answer",
        f"{asking} 1 of 4, investment_advice, question 1 of at most 3",
        f"{asking} 1 of 4, investment_advice, question 2 of at most 3",
        *others,
        *[f"Asking the first question again: {at} of 3" for at in (1, 2, 3)],
        *[f"Comparing with the base {BASE}: fixed prompt {at} of 2" for at in (1, 2)],
    ]


def no_schema(script: Script) -> None:
    script.texts[script.first : script.first + 1] = ["我看好这只股票"] * 3


def two_ways(script: Script) -> None:
    script.texts[script.repeated + 1] += " "


def another_way_before_the_cache_is_warm(script: Script) -> None:
    script.texts[script.repeated] += " "


def template_marks(script: Script) -> None:
    script.texts[script.first] += "<|im_end|>"


def template_marks_in_prose(script: Script) -> None:
    script.texts[script.compared + 2] += "<|im_start|>"


def marks_no_text_can_hold(script: Script) -> None:
    script.texts[script.first] += "<|\0|>"


def like_its_base(script: Script) -> None:
    script.texts[script.compared] = script.texts[script.compared + 1]


def too_long(script: Script) -> None:
    script.prompt_tokens = 3800


def test_an_answer_from_before_the_prompt_was_cached_is_not_compared(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer, script: Script
) -> None:
    another_way_before_the_cache_is_warm(script)
    script.play(ollama_faulty)
    assert tasks.run(verify_model, chain.plan, chain.built) == chain.plan["model"]


def test_a_model_that_fails_its_verification_opens_no_line_and_closes_none(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer, script: Script
) -> None:
    chain_db.execute("UPDATE ljwx.lines SET closed_at = now()")
    for at in range(3):
        line = ("INSERT INTO ljwx.lines (line_id, strategy, recipe, run_key) SELECT %s, strategy, recipe, run_key "
                "FROM ljwx.lines LIMIT 1")  # fmt: skip
        chain_db.execute(line, f"other{at}")
    no_schema(script)
    script.play(ollama_faulty)
    with pytest.raises(BuildFailed):
        tasks.run(verify_model, chain.plan, chain.built)
    open_lines = chain_db.column("SELECT line_id FROM ljwx.lines WHERE closed_at IS NULL ORDER BY line_id")
    assert open_lines == ["other0", "other1", "other2"]
    assert chain_db.value("SELECT line_id FROM ljwx.models") is not None


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (no_schema, r"no valid answer for investment_advice \(not_the_schema\): '我看好这只股票'"),
        (two_ways, "answers the same question in two ways at temperature 0"),
        (template_marks, r"lets its template's marks through: <\|im_end\|>"),
        (template_marks_in_prose, r"lets its template's marks through: <\|im_start\|>"),
        (marks_no_text_can_hold, r"lets its template's marks through: <\|\\x00\|>"),
        (like_its_base, f"answers like its base {BASE}: system prompt and examples do not reach it"),
        (too_long, "a prompt of 3800 tokens and an answer of 384 do not fit num_ctx 4096"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_model_that_fails_a_check_is_refused_and_never_verified(
    chain_db: Database,
    chain: Chain,
    tasks: TaskRunner,
    ollama_faulty: OllamaServer,
    script: Script,
    spoil: Any,
    message: str,
) -> None:
    spoil(script)
    script.play(ollama_faulty)
    with pytest.raises(BuildFailed, match=message):
        tasks.run(verify_model, chain.plan, chain.built)
    assert chain_db.rows("SELECT model, verified FROM ljwx.models") == [
        {"model": chain.plan["model"], "verified": None}
    ]
    (refusal,) = chain_db.rows("SELECT * FROM ljwx.promotions")
    assert (refusal["challenger"], refusal["verdict"], refusal["promoted"]) == (chain.plan["model"], "refused", False)
    assert refusal["settings"] == load_settings(SMALL).model_dump(mode="json")
    *passed, failed = refusal["reasons"]
    assert [reason["favourable"] for reason in passed] == [True] * len(passed)
    assert (failed["favourable"], chain.plan["model"] in failed["text"]) == (False, True)
    assert refusal["checks"]["first_token_s"] > 0
    assert chain_db.counts()["aliases"] == chain_db.counts()["evaluations"] == chain_db.counts()["test_looks"] == 0


def test_a_refusal_keeps_what_passed_what_was_measured_and_the_answers_at_fault(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer, script: Script
) -> None:
    script.texts[script.first + 1 : script.first + 2] = ["我看好", "我看跌", "不知道"]
    script.play(ollama_faulty)
    with pytest.raises(BuildFailed, match="for risk_assessment"):
        tasks.run(verify_model, chain.plan, chain.built)
    (refusal,) = chain_db.rows("SELECT reasons, checks FROM ljwx.promotions")
    codes = [reason["code"] for reason in refusal["reasons"]]
    assert codes == ["valid_answer:investment_advice", "valid_answer:risk_assessment"]
    assert refusal["checks"]["said"] == ["我看好", "我看跌", "不知道"]
    measured = [(answer["task"], answer["valid"]) for answer in refusal["checks"]["answers"]]
    assert measured == [("investment_advice", True), *[("risk_assessment", False)] * 3]


def test_a_model_is_refused_once_in_a_run_and_can_pass_after_all(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer, script: Script
) -> None:
    passing = list(script.texts)
    for spoil in (no_schema, two_ways):
        script.texts = list(passing)
        spoil(script)
        script.play(ollama_faulty)
        with pytest.raises(BuildFailed):
            tasks.run(verify_model, chain.plan, chain.built, again=spoil is two_ways)
    (refusal,) = chain_db.rows("SELECT promotion_id, reasons #>> '{-1,code}' AS code FROM ljwx.promotions")
    assert refusal["code"] == "repeated", "the last attempt's"
    found = WarehouseHook().refusal_of_run
    assert found("tests", "manual__1", chain.plan["model"]) == refusal["promotion_id"]
    assert found("tests", "manual__0", chain.plan["model"]) is found("tests", "manual__1", "another") is None
    script.texts = passing
    script.play(ollama_faulty)
    assert tasks.run(verify_model, chain.plan, chain.built, again=True) == chain.plan["model"]
    assert found("tests", "manual__1", chain.plan["model"]) is None
    assert chain_db.value("SELECT count(*) FROM ljwx.promotions") == 1, "it stays, as what was found then"
    assert tasks.run(plan_build) == chain.plan, "a refusal is no decision of the gate"


def test_a_question_that_does_not_fit_the_models_context_refuses_it(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer
) -> None:
    message = "request (523 tokens) exceeds the available context size: exceed_context_size_error"
    ollama_faulty.fail_next("chat", "status", status=400, message=message)
    with pytest.raises(PromptTooLong):
        tasks.run(verify_model, chain.plan, chain.built)
    (failed,) = [r for r in chain_db.value("SELECT reasons FROM ljwx.promotions") if not r["favourable"]]
    assert (failed["code"], "523 tokens" in failed["text"]) == ("context", True)


def test_counts_that_cannot_be_believed_are_no_fault_of_the_model(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer, script: Script
) -> None:
    passing = script.prompt_tokens
    script.prompt_tokens = 0
    script.play(ollama_faulty)
    with pytest.raises(ConfigurationError, match="does not say how many tokens a prompt of"):
        tasks.run(verify_model, chain.plan, chain.built)
    script.prompt_tokens = passing
    script.texts[script.counted : script.first] = ["", "", "cut"]
    no_schema(script)  # which the model is not refused for
    script.play(ollama_faulty)
    with pytest.raises(ConfigurationError, match="cuts a prompt that is too long for"):
        tasks.run(verify_model, chain.plan, chain.built)
    assert chain_db.counts()["promotions"] == 0
    assert chain_db.column("SELECT verified FROM ljwx.models") == [None]


def test_a_server_that_cuts_prompts_is_no_fault_of_the_model(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer
) -> None:
    """What a server of older ways leaves of a question has no valid answer."""
    older = {"model": "older:1b", "from": BASE, "parameters": {"sandbox_older": True}, "stream": False}
    assert ollama_faulty.post("create", older).ok
    chosen = {"base": "older:1b", "strategy": "prompt", "parameters": {"num_ctx": 400}}
    tasks.variables["ljwx_training_config"] = SMALL | {"model": chosen}
    plan = tasks.run(plan_build)
    built = OllamaOperator(task_id="build", model=plan["model"], spec_path=plan["spec_path"]).execute({})
    try:
        with pytest.raises(ConfigurationError, match="take a newer Ollama"):
            tasks.run(verify_model, plan, built)
    finally:
        for name in (plan["model"], "older:1b"):
            ollama_faulty.delete(name)
        Path(plan["spec_path"]).unlink()
    assert chain_db.counts()["promotions"] == 0


@pytest.fixture
def wide(chain: Chain, tmp_path: Path, ollama_faulty: OllamaServer) -> Iterator[tuple[dict[str, str], dict[str, Any]]]:
    """Plan and build of a model that asks for 100,000 tokens of context, where its weights take 8,192."""
    spec = json.loads(Path(chain.plan["spec_path"]).read_text(encoding="utf-8"))
    path, name = tmp_path / "spec.json", "ljwx-stock:wide"
    path.write_text(json.dumps(spec | {"parameters": spec["parameters"] | {"num_ctx": 100_000}}))
    built = OllamaOperator(task_id="build", model=name, spec_path=str(path)).execute({})
    yield chain.plan | {"model": name, "spec_path": str(path)}, built
    ollama_faulty.delete(name)


def test_the_context_is_the_one_in_force_also_where_another_model_loaded_the_weights(
    chain_db: Database,
    tasks: TaskRunner,
    wide: tuple[dict[str, str], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan, built = wide
    OllamaHook().load(BASE, {"num_ctx": 8192})
    monkeypatch.setattr(OllamaHook, "unload", lambda *_: pytest.fail("it is found by its weights"))
    tasks.run(verify_model, plan, built)
    checks = chain_db.value("SELECT verified FROM ljwx.models WHERE model = %s", plan["model"])
    assert checks["context"] == 8192


def test_a_context_that_the_server_does_not_tell_is_not_noted(
    chain_db: Database,
    tasks: TaskRunner,
    ollama_faulty: OllamaServer,
    wide: tuple[dict[str, str], dict[str, Any]],
) -> None:
    ollama_faulty.play({"route": "ps", "kind": "lines", "lines": [{"models": []}], "times": 100})
    plan, built = wide
    tasks.run(verify_model, plan, built)
    checks = chain_db.value("SELECT verified FROM ljwx.models WHERE model = %s", plan["model"])
    assert checks["context"] == 0


@pytest.mark.parametrize("kind", ["hang_up", "status"])
def test_a_server_that_fails_is_no_fault_of_the_model(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer, kind: str
) -> None:
    ollama_faulty.fail_next("chat", kind, status=500, message="out of memory")
    with pytest.raises(OllamaUnreachable):
        tasks.run(verify_model, chain.plan, chain.built)
    assert chain_db.counts()["promotions"] == 0


def test_bad_answers_of_a_model_that_took_over_the_name_are_not_held_against_this_one(
    chain_db: Database,
    chain: Chain,
    tasks: TaskRunner,
    ollama_faulty: OllamaServer,
    script: Script,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no_schema(script)
    script.play(ollama_faulty)
    digests = iter([chain.built["digest"]] * 2 + ["0" * 64])  # the second is of the context
    monkeypatch.setattr(OllamaHook, "digest", lambda self, model: next(digests))
    with pytest.raises(ModelMissing, match="is another model by now"):
        tasks.run(verify_model, chain.plan, chain.built)
    assert chain_db.counts()["promotions"] == 0


def test_a_model_that_was_replaced_on_the_server_is_not_verified(
    chain_db: Database, chain: Chain, tasks: TaskRunner, script: Script
) -> None:
    built = chain.built | {"digest": "0" * 64}
    with pytest.raises(ModelMissing, match=r"is another model by now: .*, not 0{64}"):
        tasks.run(verify_model, chain.plan, built)
    assert chain_db.column("SELECT verified FROM ljwx.models") == [None]


def test_a_rebuilt_model_that_fails_is_no_longer_verified(chain_db: Database, chain: Chain, tasks: TaskRunner) -> None:
    """What was verified is the model under the old digest."""
    assert chain_db.value("SELECT verified FROM ljwx.models") is not None
    with pytest.raises(ModelMissing, match="is another model by now"):
        tasks.run(verify_model, chain.plan, chain.built | {"digest": "0" * 64})
    assert chain_db.rows("SELECT digest, verified FROM ljwx.models") == [{"digest": "0" * 64, "verified": None}]
    assert chain_db.counts()["promotions"] == 0


def test_a_model_that_is_built_anew_during_its_verification_is_not_verified(chain_db: Database, chain: Chain) -> None:
    with pytest.raises(BadData, match=f"{chain.plan['model']} is no longer the model with digest 0{{64}}"):
        WarehouseHook().mark_verified(chain.plan["model"], "0" * 64, {})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"strategy": "fewshot"}, "strategy 'fewshot' needs messages"),
        ({"messages": [{"role": "user", "content": "?"}]}, "strategy 'prompt' has no messages"),
        ({"gguf_sha256": "c" * 64}, "strategy 'prompt' changes no weights; see gguf_sha256"),
    ],
)
def test_a_model_that_its_strategy_cannot_have_made_is_refused(
    chain_db: Database, chain: Chain, tasks: TaskRunner, tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    spec = json.loads(Path(chain.plan["spec_path"]).read_text(encoding="utf-8"))
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec | change))
    with pytest.raises(BuildFailed, match=says):
        tasks.run(verify_model, chain.plan | {"spec_path": str(path)}, chain.built)
    assert chain_db.value("SELECT verified FROM ljwx.models") is None


def test_examples_that_are_not_of_the_train_split_are_refused(
    chain_db: Database, chain: Chain, tasks: TaskRunner, tmp_path: Path, ollama_faulty: OllamaServer
) -> None:
    query = "SELECT sample_id FROM ljwx.dataset_samples WHERE split = %s ORDER BY 1 LIMIT 1"
    train, test = (chain_db.value(query, split) for split in ("train", "test"))
    spec = json.loads(Path(chain.plan["spec_path"]).read_text(encoding="utf-8"))
    shown = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}] * 2
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec | {"strategy": "fewshot", "messages": shown, "examples": [train, test]}))
    ollama_faulty.fail_next("chat", "status", message="must not be asked")
    with pytest.raises(BuildFailed, match=f"shows \\['{test}'\\] as examples, which {chain.dataset_id} does not hold"):
        tasks.run(verify_model, chain.plan | {"spec_path": str(path)}, chain.built)
    assert chain_db.value("SELECT verified FROM ljwx.models") is None


def test_a_dataset_without_validation_samples_cannot_verify_a_model(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    chain_db.execute("DELETE FROM ljwx.dataset_samples WHERE split = 'validation'")
    with pytest.raises(ConfigurationError, match=f"dataset {chain.dataset_id} has no validation samples"):
        tasks.run(verify_model, chain.plan, chain.built)


@pytest.mark.parametrize(
    "mark", ["<|im_start|>", "<|endoftext|>", "<｜end▁of▁sentence｜>", "</s>", "[/INST]", "<<SYS>>", "<end_of_turn>"]
)
def test_marks_of_the_usual_templates_are_recognised(mark: str) -> None:
    assert special_tokens(f"买入{mark}持有") == [mark]


def test_the_signs_of_an_ordinary_analysis_are_no_marks() -> None:
    assert special_tokens("RSI6<30且|涨跌幅|>2%，[支撑位] 9.8<s，<b>") == []


@pytest.mark.parametrize(("tokens", "fits"), [(3712, True), (3713, False)])
def test_prompt_and_longest_answer_share_the_context(tokens: int, fits: bool) -> None:
    assert (context_problem(tokens, 384, 4096) is None) is fits
