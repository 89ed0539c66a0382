"""A trained model is built from its weights, shown to be what is served, and refused with the true reason."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ljwx.core.models import BuildSpec
from ljwx.core.training.comparison import Said, compare, shares
from ljwx.core.training.recipe import TrainingRecipe
from ljwx.core.training.result import Prompt
from ljwx.core.verification import Findings
from ljwx.exceptions import BuildFailed, ConfigurationError
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.operators.ollama import OllamaOperator
from ljwx.services.lineage import trace
from ljwx.stages.build.plan import plan_build
from ljwx.stages.build.serving import Serving, hidden
from ljwx.stages.build.training import prepare_training
from ljwx.stages.build.verification import verify_model
from support_chain import SMALL, UNPLAYED, Chain, Database, answer_next
from support_ollama import BASE, ROOT, OllamaServer
from support_tasks import TaskRunner
from support_trained import TRAINED, UNTRAINED, WHOLE, settings, spec_of, train


@pytest.fixture
def plan(chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer) -> Iterator[dict[str, str]]:
    """A planned training; nothing of it is left."""
    tasks.variables["ljwx_training_config"] = settings(ollama_faulty, SMALL)
    made = tasks.run(plan_build)
    yield made
    shutil.rmtree(chain.data / "training", ignore_errors=True)
    for path in (chain.data / "specs").glob("*.json"):
        if str(path) != chain.plan["spec_path"]:
            path.unlink()
    ollama_faulty.delete(made["model"])


def build(plan: dict[str, str], trained: dict[str, Any]) -> dict[str, Any]:
    return OllamaOperator(
        task_id="build", model=plan["model"], spec_path=plan["spec_path"], trained=trained
    ).execute({})  # fmt: skip


def made(runner: TaskRunner, plan: dict[str, str], **changed: Any) -> dict[str, Any]:
    """Train and build; `changed` is laid over the proof."""
    return build(plan, train(runner.run(prepare_training, plan), spec_of(plan), **changed))


def test_what_is_made_of_a_file_has_the_template_stop_words_and_licence_of_its_base(
    plan: dict[str, str], tasks: TaskRunner
) -> None:
    hook = OllamaHook()
    list(hook.create("licensed:1", base=BASE, license="Apache-2.0"))
    built = made(tasks, plan)
    shown, base = hook.show(plan["model"]), hook.show(BASE)
    assert (shown.template, shown.parameters["stop"]) == (base.template, base.parameters["stop"])
    assert (shown.messages, shown.license) == ((), base.license)
    assert hook.show("licensed:1").license == "Apache-2.0"
    hook.delete("licensed:1")
    assert (built["built"], shown.weights) == (True, spec_weights(plan))
    assert shown.weights != base.weights


def spec_weights(plan: dict[str, str]) -> str:
    from ljwx.stages.build.trained import read_trained

    training = spec_of(plan).training
    assert training is not None
    return read_trained(training).result.merged.sha256


def test_a_served_model_that_is_the_trained_one_is_verified_and_its_weights_are_kept_by_digest(
    plan: dict[str, str], tasks: TaskRunner, chain_db: Database, ollama_faulty: OllamaServer
) -> None:
    built = made(tasks, plan)
    answer_next(ollama_faulty, WHOLE, WHOLE)
    assert tasks.run(verify_model, plan, built) == plan["model"]
    (row,) = chain_db.rows("SELECT * FROM ljwx.models JOIN ljwx.trainings USING (recipe_id)")
    assert row["model"] == plan["model"]
    assert row["gguf_sha256"] == row["spec"]["gguf_sha256"] == spec_weights(plan)
    assert (row["finished_at"] - row["started_at"]).total_seconds() == 60
    assert row["result"]["losses"] == [[1, 2.0], [2, 1.0], [3, pytest.approx(0.667, abs=1e-3)]]
    served = row["verified"]["served"]
    assert (served["prompts"], served["other_prompts"], served["reason"]) == (2, 0, None)
    assert served["largest_difference"] < 1e-9 < 0.5 < served["served_from_base"]
    (first, *_) = trace(plan["model"]).made_from
    assert (first.kind, first.name, first.facts["weights"]) == ("training", row["recipe_id"], row["gguf_sha256"])
    assert [node.name for node in first.made_from] == [row["dataset_id"]]
    line = chain_db.value("SELECT recipe FROM ljwx.lines WHERE strategy = 'lora'")
    assert line["settings"]["trainer"] == "0.1.0"
    assert "training" not in line


@pytest.mark.parametrize(
    ("changed", "code", "text"),
    [
        ({"ids": [1, 2, 3]}, "other_prompts", "2 of 2 prompts become other tokens"),
        ({"ids": [1, 2, 3], "mass": 0.1}, "other_prompts", "2 of 2 prompts become other tokens"),
        ({"mass": 0.1}, "hardly_trained", "was hardly trained: in 2 of 2 prompts its answer need not be a class"),
        ({"base": TRAINED}, "nothing_trained", "training changed nothing"),
        ({"trained": UNTRAINED, "base": TRAINED}, "base_served", "answers with the weights of its base"),
    ],
)
def test_what_is_not_the_trained_model_is_refused_with_the_reason(
    plan: dict[str, str], tasks: TaskRunner, chain_db: Database, changed: dict[str, Any], code: str, text: str
) -> None:
    built = made(tasks, plan, **changed)
    with pytest.raises(BuildFailed, match=text):
        tasks.run(verify_model, plan, built)
    promotion = chain_db.value("SELECT promotion_id FROM ljwx.promotions WHERE verdict = 'refused'")
    told = WarehouseHook().decision(promotion)
    assert told is not None
    assert told.training is not None
    assert told.training["gguf_sha256"] == spec_weights(plan)
    assert (told.served or {}).get("reason", code) == code
    assert (told.served is None) == ("mass" in changed)
    reasons = chain_db.value("SELECT reasons FROM ljwx.promotions WHERE verdict = 'refused'")
    assert [reason["code"] for reason in reasons if not reason["favourable"]] == [code]


@pytest.mark.parametrize(
    ("served", "base", "problem"),
    [
        ((0.005, 0.009), (0.2, 0.4), None),  # the base is not asked
        ((0.02, 0.057), (0.016, 0.062), None),  # as llama.cpp computes SmolLM2-135M, whose output matrix has 8 bits
        ((0.02, 0.057), (0.0, 0.0), "differs by up to 0.057, where 0.01 is allowed"),
        ((0.019, 0.059), (0.017, 0.0484), None),  # 20 prompts: the worst one of either tells little
        ((0.002, 0.03), (0.001, 0.006), "differs by up to 0.030, where 0.022 is allowed"),
        ((0.04, 0.057), (0.016, 0.062), "by up to 0.057, where 0.1 is allowed, by 0.040 on average"),
        ((0.06, 0.09), (0.2, 0.4), "by up to 0.090, where 0.1 is allowed, by 0.060 on average"),
        ((0.02, 0.12), (0.02, 0.4), "differs by up to 0.120, where 0.1 is allowed"),
    ],
)
def test_a_servers_own_arithmetic_is_allowed_for_by_what_it_makes_of_the_untouched_base(
    served: tuple[float, float], base: tuple[float, float], problem: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def moved(classes: dict[str, float], by: tuple[float, float], at: int) -> dict[str, float]:
        """Most prompts differ by the first number, one by the second."""
        much = by[1] if at == 1 else by[0]
        return {"up": classes["up"] - much, "flat": classes["flat"] + much, "down": classes["down"]}

    known = {"mass": 1.0, "trained": TRAINED, "base": UNTRAINED}
    prompts = [Prompt.model_construct(ids=(at,), **known) for at in range(200)]
    monkeypatch.setattr(Serving, "_asked", lambda _, at, prompt: Said(prompt.ids, moved(prompt.trained, served, at)))
    monkeypatch.setattr(Serving, "_classes", lambda _, model, prompt: moved(prompt.base, base, prompt.ids[0]))
    recipe = TrainingRecipe.model_construct(output="F16")
    spec = BuildSpec.model_construct(base=BASE, training=recipe)
    found = Findings({})
    serving = Serving(OllamaHook(), "proven:1", spec, prompts, 64, found)
    if problem is None:
        serving.check_weights()
    else:
        with pytest.raises(BuildFailed, match=problem):
            serving.check_weights()
    assert (found.served or {})["reason"] == (None if problem is None else "weights_differ")


@pytest.mark.parametrize(
    ("mass", "least", "most"),
    [
        (1.0, 0.01, 0.0),
        (0.82, 0.08, 0.0),  # 18 likelier tokens that are no class would have more than the 0.18 that is left
        (0.82, 0.01, 0.01 / 0.82),  # 18 of 0.01 are as likely as this class, which has no more then
        (0.1, 0.1, 0.05 / 0.1),
        (0.0, 0.1, 1.0),
    ],
)
def test_a_class_can_be_hidden_by_what_the_classes_leave_and_no_more(mass: float, least: float, most: float) -> None:
    prompt = Prompt.model_construct(mass=mass, trained={"up": 0.9 - least, "flat": 0.1, "down": least})
    assert hidden(prompt) == pytest.approx(most)


def test_weights_that_are_neither_the_trained_nor_the_bases_are_called_other_ones(
    plan: dict[str, str], tasks: TaskRunner, ollama_faulty: OllamaServer
) -> None:
    built = made(tasks, plan, trained={"up": 0.9, "flat": 0.05, "down": 0.05})
    itself = {**UNPLAYED, "route": "generate", "times": 4}
    base = {"response": "x", "done": True, "logprobs": [{"token": " a", "logprob": -0.1}]}
    ollama_faulty.play(itself, {"route": "generate", "kind": "lines", "lines": [base], "times": 2})
    with pytest.raises(BuildFailed, match="has other weights than were trained: a class"):
        tasks.run(verify_model, plan, built)


@pytest.mark.parametrize("done_reason", ["stop", "length"], ids=["end of the answer", "part of a character"])
def test_a_base_whose_token_has_no_text_in_a_class_place_is_taken_at_the_trainers_word(
    plan: dict[str, str], tasks: TaskRunner, ollama_faulty: OllamaServer, done_reason: str
) -> None:
    built = made(tasks, plan, trained={"up": 0.9, "flat": 0.05, "down": 0.05})
    itself = {**UNPLAYED, "route": "generate", "times": 4}
    ended = {"response": "", "done": True, "done_reason": done_reason}
    ollama_faulty.play(itself, {"route": "generate", "kind": "lines", "lines": [ended], "times": 2})
    with pytest.raises(BuildFailed, match="has other weights than were trained: a class"):
        tasks.run(verify_model, plan, built)


def test_a_model_that_ends_its_answer_in_a_class_place_has_other_weights(
    plan: dict[str, str], tasks: TaskRunner, ollama_faulty: OllamaServer
) -> None:
    built = made(tasks, plan)
    ended = {"route": "generate", "kind": "lines", "lines": [{"response": "", "done": True, "done_reason": "stop"}]}
    tokens = {**UNPLAYED, "route": "generate"}
    ollama_faulty.play(*[tokens, ended] * 2, {**ended, "times": 2})
    with pytest.raises(BuildFailed, match=r"has other weights than were trained: a class's probability .* up to 0\.99"):
        tasks.run(verify_model, plan, built)


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (('{"direction":"up","confid', '{"direction":'), "2 of 2 answers of .* are cut: its stop words"),
        ((None, None), "2 of 2 answers of .* are cut"),
    ],
)
def test_answers_that_a_stop_word_cuts_refuse_the_model(
    plan: dict[str, str], tasks: TaskRunner, ollama_faulty: OllamaServer, texts: tuple[str, ...], problem: str
) -> None:
    built = made(tasks, plan)
    answer_next(ollama_faulty, *texts)
    with pytest.raises(BuildFailed, match=problem):
        tasks.run(verify_model, plan, built)


def test_answers_without_an_end_refuse_the_model(
    plan: dict[str, str], tasks: TaskRunner, ollama_faulty: OllamaServer
) -> None:
    built = made(tasks, plan)
    endless = {"model": "x", "done": True, "done_reason": "length", "message": {"content": WHOLE}, "eval_count": 384}
    ollama_faulty.play({"route": "chat", "kind": "lines", "lines": [endless], "times": 2})
    with pytest.raises(BuildFailed, match=r"2 of 2 answers of .* do not end within 384 tokens"):
        tasks.run(verify_model, plan, built)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ({"response": "", "done": True}, "does not say which tokens it makes of a prompt"),
        ({"response": "x", "done": True, "context": [1, 2], "prompt_eval_count": 1}, "gives no log-probabilities"),
    ],
)
def test_a_server_that_tells_too_little_decides_nothing(
    plan: dict[str, str],
    tasks: TaskRunner,
    chain_db: Database,
    ollama_faulty: OllamaServer,
    line: dict[str, Any],
    problem: str,
) -> None:
    built = made(tasks, plan)
    ollama_faulty.play({"route": "generate", "kind": "lines", "lines": [line], "times": 9})
    with pytest.raises(ConfigurationError, match=problem):
        tasks.run(verify_model, plan, built)
    assert chain_db.value("SELECT count(*) FROM ljwx.promotions") == 0


def test_a_model_is_not_built_without_its_weights(plan: dict[str, str], tasks: TaskRunner) -> None:
    with pytest.raises(ConfigurationError, match="is made of trained weights, and none were trained: see train_model"):
        build(plan, {"job": None, "gguf_sha256": None})
    trained = train(tasks.run(prepare_training, plan), spec_of(plan))
    with pytest.raises(ConfigurationError, match=r"no GGUF file at /nowhere/merged.gguf"):
        build(plan, trained | {"job": "/nowhere"})


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("result.json", "{", "result.json is no result of a training"),
        ("result.json", '{"version": "0.1.0"}', "result.json is no result of a training: merged: Field required"),
        ("proof.json", "[]", "proof.json is no proof of a training"),
        ("proof.json", '{"prompts": []}', "holds no prompt whose answer has a class"),
        ("proof.json", None, "proof.json cannot be read: .*clear train_model to train anew"),
    ],
)
def test_a_result_that_cannot_be_read_decides_nothing(
    plan: dict[str, str], tasks: TaskRunner, chain_db: Database, file: str, text: str | None, problem: str
) -> None:
    built = made(tasks, plan)
    training = spec_of(plan).training
    assert training is not None
    (path,) = Path(plan["spec_path"]).parents[1].rglob(f"{training.recipe_id}/{file}")
    path.unlink() if text is None else path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=problem):
        tasks.run(verify_model, plan, built)
    assert chain_db.value("SELECT count(*) FROM ljwx.promotions") == 0


def test_the_champions_adapter_is_gone_on_with_where_it_fits(
    plan: dict[str, str], tasks: TaskRunner, chain_db: Database, chain: Chain, ollama_faulty: OllamaServer
) -> None:
    built = made(tasks, plan)
    answer_next(ollama_faulty, WHOLE, WHOLE)
    model = tasks.run(verify_model, plan, built)
    tasks.variables["ljwx_training_config"] = settings(ollama_faulty, SMALL, start="champion", rank=8)
    assert spec_of(tasks.run(plan_build)).training.start is None, "there is no champion yet"  # type: ignore[union-attr]
    chain_db.execute(
        "INSERT INTO ljwx.aliases (alias, model, digest) SELECT 'champion', model, digest FROM ljwx.models "
        "WHERE model = %s", model,
    )  # fmt: skip
    assert spec_of(tasks.run(plan_build)).training.start is None, "its rank is another"  # type: ignore[union-attr]
    tasks.variables["ljwx_training_config"] = settings(ollama_faulty, SMALL, start="champion")
    after = tasks.run(plan_build)
    training = spec_of(after).training
    assert training is not None
    assert training.start is not None
    first = spec_of(plan).training
    assert first is not None
    assert training.start.recipe_id == first.recipe_id != training.recipe_id
    job = json.loads((Path(tasks.run(prepare_training, after)["job"]) / "job.json").read_text(encoding="utf-8"))
    assert job["start"]["sha256"] == training.start.adapter_sha256
    assert job["start"]["path"].endswith(f"{first.recipe_id}/adapter/adapter_model.safetensors")
    tasks.variables["ljwx_training_config"] = settings(ollama_faulty, SMALL, start="champion", epochs=2)
    chain_db.execute('UPDATE ljwx.datasets SET proof = proof || \'{"max_label_end": {"train": "2026-03-19"}}\'')
    assert spec_of(tasks.run(plan_build)).training.start is None, "it has seen what is for validation now"  # type: ignore[union-attr]


CASES = [
    (TRAINED, TRAINED, UNTRAINED), (TRAINED, UNTRAINED, UNTRAINED), (UNTRAINED, UNTRAINED, UNTRAINED),
    ({"up": 0.6, "down": 0.4}, {"up": 0.58, "down": 0.42}, {"up": 0.2, "down": 0.8}),
    ({"up": 0.502, "down": 0.498}, {"up": 0.498, "down": 0.502}, {"up": 0.2, "down": 0.8}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_product_and_the_trainer_compare_by_the_same_rules(
    case: tuple[dict[str, float], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "training"))
    from ljwx_training import compare as trainers

    mine = compare(*([Said((1,), each)] for each in case), tolerance=0.01)
    theirs = trainers.compare(*([trainers.Said((1,), each)] for each in case), tolerance=0.01)
    assert vars(mine) == vars(theirs) | {"mean_difference": mine.mean_difference}


def test_classes_that_share_their_first_token_part_at_the_next_one() -> None:
    forks = [
        ({"b": ("bullish", "bearish"), "n": ("neutral",)}, {"b": 0.3, "n": 0.3, "x": 0.4}),
        ({"ull": ("bullish",), "ear": ("bearish",)}, {"ull": 0.6}),
    ]
    assert shares(forks) == {"bullish": 0.5, "bearish": 0.0, "neutral": 0.5}
