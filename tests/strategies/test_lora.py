"""The strategy `lora`: the recipe of a training, and the job that is written from it."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from ljwx.core.models import BuildSpec
from ljwx.core.tasks import TASKS
from ljwx.core.training.settings import LoraSettings
from ljwx.exceptions import ConfigurationError
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.stages.build.plan import plan_build
from ljwx.stages.build.training import prepare_training
from ljwx.strategies.lora.samples import splits_of
from support_chain import SMALL, Chain, Database
from support_ollama import BASE, ROOT, OllamaServer
from support_tasks import TaskRunner


@pytest.fixture(autouse=True)
def _own_files(chain: Chain) -> Iterator[None]:
    """Leave no spec and no job in the folder that others audit."""
    yield
    shutil.rmtree(chain.data / "training", ignore_errors=True)
    for path in (chain.data / "specs").glob("*.json"):
        if str(path) != chain.plan["spec_path"]:
            path.unlink()


def asked(ollama: OllamaServer, **lora: Any) -> dict[str, Any]:
    """Settings of a small training."""
    chosen = {"max_samples": 12, "max_validation": 8, "proof": 6, "ollama_models": str(ollama.models), **lora}
    return SMALL | {"model": SMALL["model"] | {"strategy": "lora", "lora": chosen}}


def spec_of(plan: dict[str, str]) -> BuildSpec:
    return BuildSpec.model_validate_json(Path(plan["spec_path"]).read_text(encoding="utf-8"))


def planned(runner: TaskRunner, ollama: OllamaServer, **lora: Any) -> dict[str, str]:
    runner.variables["ljwx_training_config"] = asked(ollama, **lora)
    return runner.run(plan_build)


def test_the_recipe_names_the_base_the_samples_and_what_a_file_does_not_inherit(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_sandbox: OllamaServer
) -> None:
    plan = planned(tasks, ollama_sandbox)
    spec, shown = spec_of(plan), OllamaHook().show(BASE)
    assert spec.training is not None
    assert spec.training.base_gguf == shown.weights
    assert (spec.template, spec.parameters["stop"]) == (shown.template, shown.parameters["stop"])
    assert (spec.parameters["num_ctx"], spec.messages, spec.gguf_sha256) == (4096, (), None)
    assert plan["model"].startswith("ljwx-stock:20260")
    assert planned(tasks, ollama_sandbox) == plan, "the same settings and samples are the same model"
    assert planned(tasks, ollama_sandbox, proof=9, max_samples=12) == plan, "the proof decides nothing about weights"
    assert planned(tasks, ollama_sandbox, rank=8)["model"] != plan["model"]


def test_the_job_holds_rows_base_and_prompts_by_path_and_digest(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_sandbox: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(tasks, ollama_sandbox)
    prepared = tasks.run(prepare_training, plan)
    folder, recipe = Path(prepared["job"]), spec_of(plan).training
    assert recipe is not None
    assert (prepared["recipe"], folder) == (recipe.recipe_id, chain.data / "training" / recipe.recipe_id)
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    for entry in (*job["train"], *job["validation"], job["base"]):
        assert hashlib.sha256((folder / entry["path"]).read_bytes()).hexdigest() == entry["sha256"]
    rows = [json.loads(line) for line in (folder / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    exported = Path(chain_db.value("SELECT folder FROM ljwx.datasets")) / "train.jsonl"
    known = {
        line["messages"][1]["content"]: line
        for line in map(json.loads, exported.read_text(encoding="utf-8").splitlines())
    }
    assert len(rows) == 12
    for row in rows:
        mine = known[row["messages"][1]["content"]]
        assert (row["messages"], row["weight"]) == (mine["messages"], mine["weight"])
        assert sum(row["target"].values()) == pytest.approx(1, abs=1e-4)
    fields = [next(iter(json.loads(row["messages"][-1]["content"]))) for row in rows[:4]]
    assert sorted(fields) == sorted(TASKS[task].class_field for task in TASKS)
    (row,) = chain_db.rows("SELECT * FROM ljwx.trainings")
    assert (row["recipe_id"], row["dataset_id"], row["gguf_sha256"]) == (recipe.recipe_id, chain.dataset_id, None)
    monkeypatch.syspath_prepend(str(ROOT / "training"))
    from ljwx_training.job import read_job
    from ljwx_training.recipe import VERSION

    read = read_job(folder)
    assert recipe.trainer == VERSION
    assert (read.base.sha256, read.proof, len(read.prompts)) == (recipe.base_gguf, 6, len(TASKS))
    assert read.prompts[0].messages[0].content == spec_of(plan).system
    sys.modules.pop("ljwx_training", None)


def test_each_way_to_soften_the_targets_is_a_recipe_of_its_own(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_sandbox: OllamaServer
) -> None:
    rows, recipes = dict[str, str](), set[str]()
    for way in ("class_rates", "logistic", "logistic_cv"):
        prepared = tasks.run(prepare_training, planned(tasks, ollama_sandbox, soft_targets=way))
        rows[way] = (Path(prepared["job"]) / "train.jsonl").read_text(encoding="utf-8")
        recipes.add(prepared["recipe"])
    assert len(recipes) == 3
    assert len(set(rows.values())) == 3, "what is wanted of the classes differs"


def test_training_is_stopped_by_the_end_of_the_train_split_and_never_sees_the_validation_split(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_sandbox: OllamaServer
) -> None:
    folder = Path(tasks.run(prepare_training, planned(tasks, ollama_sandbox))["job"])
    exported = Path(chain_db.value("SELECT folder FROM ljwx.datasets")) / "train.jsonl"
    of_train, looked_at = (
        {json.loads(line)["messages"][1]["content"] for line in path.read_text(encoding="utf-8").splitlines()}
        for path in (exported, folder / "validation.jsonl")
    )
    assert len(looked_at) == 8
    assert looked_at <= of_train, "what training saw, the model is made from"
    whole = LoraSettings(max_validation=10_000)
    splits = splits_of(WarehouseHook(), chain.dataset_id, whole, seed=7, before=None)
    told = chain_db.rows(
        "SELECT s.sample_id, s.session, s.label_end, d.split "
        "FROM ljwx.samples s JOIN ljwx.dataset_samples d USING (sample_id)"
    )
    given: dict[str, list[dict[str, Any]]] = {}
    for name, frame in (("train", splits.seen), ("validation", splits.validation)):
        names = set(frame["sample_id"])
        given[name] = [row for row in told if row["sample_id"] in names]
        assert {row["split"] for row in given[name]} == {"train"}
    looked_from = min(row["session"] for row in given["validation"])
    sessions = sorted({row["session"] for row in told if row["split"] == "train"})
    assert sessions.index(looked_from) == len(sessions) - -(-len(sessions) // 10)
    assert max(row["label_end"] for row in given["train"]) < looked_from
    learned_until = max(row["session"] for row in given["train"])
    between = "SELECT count(*) FROM ljwx.sessions WHERE session > %s AND session < %s"
    purge = chain_db.value("SELECT (spec ->> 'horizon')::integer + 1 FROM ljwx.datasets")
    assert chain_db.value(between, learned_until, looked_from) >= purge


def test_what_begins_alike_is_trained_and_looked_at_together(chain_db: Database, chain: Chain) -> None:
    some = LoraSettings(max_samples=40, max_validation=12)
    splits = splits_of(WarehouseHook(), chain.dataset_id, some, seed=7, before=None, together=True)
    assert (len(splits.train), len(splits.validation)) == (40, 12)
    for frame in (splits.train, splits.validation):
        about = frame.select("ts_code", "session").rows()
        assert len([key for key, _ in groupby(about)]) == len(set(about)) < len(about)
    apart = splits_of(WarehouseHook(), chain.dataset_id, some, seed=7, before=None)
    assert len(set(apart.train.select("ts_code", "session").rows())) > 20, "usually each is about another one"


def test_a_job_is_written_anew_only_until_its_result_is_there(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_sandbox: OllamaServer
) -> None:
    plan = planned(tasks, ollama_sandbox, rank=4)
    job = Path(tasks.run(prepare_training, plan)["job"]) / "job.json"
    written = job.read_bytes()
    job.unlink()
    tasks.run(prepare_training, plan)
    assert job.read_bytes() == written
    (job.parent / "result.json").write_text("{}", encoding="utf-8")
    job.unlink()
    tasks.run(prepare_training, plan)
    assert not job.exists(), "a training that is done is not prepared"


def test_a_strategy_that_changes_no_weights_has_nothing_to_train(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    with pytest.raises(AirflowSkipException, match="strategy prompt changes no weights"):
        tasks.run(prepare_training, chain.plan)


def test_a_base_that_cannot_be_had_is_refused_before_anything_is_trained(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_sandbox: OllamaServer, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(b"GGUF")
    for lora, problem in (
        ({"ollama_models": str(tmp_path)}, f"is not below {tmp_path}: name its path or URL in model.lora.base_gguf"),
        ({"base_gguf": str(cut)}, "cut.gguf has sha256 .*it is another file, or cut short"),
        ({"base_gguf": str(tmp_path / "no.gguf")}, "no.gguf, the GGUF of smollm2:135m, cannot be read: No such file"),
    ):
        plan = planned(tasks, ollama_sandbox, **lora)
        with pytest.raises(ConfigurationError, match=problem):
            tasks.run(prepare_training, plan)
        assert not (chain.data / spec_of(plan).training.folder / "job.json").exists()  # type: ignore[union-attr]
    plan = planned(tasks, ollama_sandbox, base_gguf="s3://bucket/base.gguf", rank=2)
    assert json.loads((Path(tasks.run(prepare_training, plan)["job"]) / "job.json").read_text())["base"]["path"] == (
        "s3://bucket/base.gguf"
    ), "the trainer checks the digest of what is elsewhere"


@pytest.mark.parametrize(
    ("shown", "problem"),
    [
        ({"model_info": {"general.architecture": "gemma4"}}, "is of architecture gemma4, which `lora` cannot train"),
        ({"modelfile": "FROM somewhere"}, "does not say which weights smollm2:135m has"),
        ({"template": "{{ .Prompt }}"}, "smollm2:135m has no chat template on"),
    ],
)
def test_a_base_that_cannot_be_trained_is_refused_with_the_reason(
    chain_db: Database,
    chain: Chain,
    tasks: TaskRunner,
    ollama_faulty: OllamaServer,
    shown: dict[str, Any],
    problem: str,
) -> None:
    told = ollama_faulty.post("show", {"model": BASE}).json() | shown
    ollama_faulty.play({"route": "show", "kind": "lines", "lines": [told], "times": 9})
    with pytest.raises(ConfigurationError, match=problem):
        planned(tasks, ollama_faulty)


def test_a_dataset_of_other_prompts_or_tasks_is_refused(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_sandbox: OllamaServer
) -> None:
    for made_with, problem in (
        ('{"tasks": ["price_direction"]}', r"was made with samples.tasks \['price_direction'\], and the settings"),
        ('{"prompt_version": "v0"}', "was made with samples.prompt_version v0, and the settings say v1"),
    ):
        chain_db.execute("UPDATE ljwx.datasets SET spec = spec || %s::jsonb", made_with)
        with pytest.raises(ConfigurationError, match=problem):
            planned(tasks, ollama_sandbox)
        chain_db.execute("UPDATE ljwx.datasets SET spec = spec || '{\"tasks\": null}'::jsonb")


def test_a_question_that_leaves_no_room_for_its_answer_is_refused(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_sandbox: OllamaServer
) -> None:
    settings = asked(ollama_sandbox)
    settings["model"]["parameters"] = {"num_ctx": 700}
    settings["evaluation"] = SMALL["evaluation"] | {"num_predict": 400}
    tasks.variables["ljwx_training_config"] = settings
    plan = tasks.run(plan_build)
    with pytest.raises(ConfigurationError, match="num_ctx"):
        tasks.run(prepare_training, plan)
