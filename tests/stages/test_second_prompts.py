"""The second version of the prompts through every stage, from the dataset to the champion's answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ljwx.cli.app import app
from ljwx.core.abstention import QUESTIONS, abstention
from ljwx.core.evaluations import Faithfulness
from ljwx.core.tasks import TASKS
from ljwx.exceptions import BuildFailed
from ljwx.operators.ollama import OllamaOperator
from ljwx.services.ask import ask_champion
from ljwx.stages.build.plan import plan_build
from ljwx.stages.build.verification import verify_model
from ljwx.stages.evaluate.asking import ask_questions
from ljwx.stages.evaluate.questions import freeze_questions, plan_questions
from ljwx.stages.promote.decision import decide_promotion
from ljwx.stages.promote.report import write_report
from ljwx.stages.samples.dataset import build_dataset
from support_chain import SMALL, Database
from support_ollama import OllamaServer
from support_script import Script
from support_tasks import TaskRunner

RUN = "manual__second"


@pytest.mark.parametrize("version", ["v2", "v3", "v4"])
def test_a_dataset_a_model_its_answers_and_what_people_see_of_them(
    version: str,
    market_db: Database,
    tasks: TaskRunner,
    data_folder: Path,
    ollama_faulty: OllamaServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", ollama_faulty.connection)
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    monkeypatch.setenv("AIRFLOW__LOGGING__LOGGING_LEVEL", "ERROR")
    tasks.variables["ljwx_training_config"] = settings(version)
    dataset_id = tasks.run(build_dataset)
    card = json.loads((data_folder / "datasets" / dataset_id / "card.json").read_text(encoding="utf-8"))
    assert (card["prompt_version"], card["prompt_is_frozen"], card["fact_groups"]) == (version, True, ["technical"])
    lines = (data_folder / "datasets" / dataset_id / "train.jsonl").read_text(encoding="utf-8").splitlines()
    first = json.loads(lines[0])["messages"][1]["content"].splitlines()[0]
    assert first.split()[-1].isascii() == (version == "v2"), "the instruction, or the stock and its limit"
    assert sum('{\\"abstain\\"' in line.rpartition('"role":"assistant"')[2] for line in lines) == card["without_facts"]
    assert len(lines) == card["by_split"]["train"] + card["without_facts"]
    assert card["without_facts"] / len(lines) == pytest.approx(0.02, abs=0.002)

    plan = tasks.run(plan_build, run_id=RUN)
    built = OllamaOperator(task_id="build", model=plan["model"], spec_path=plan["spec_path"]).execute({})
    tasks.run(verify_model, plan, built, run_id=RUN)
    checks = market_db.value("SELECT verified FROM ljwx.models")
    assert [each["valid"] for each in checks["answers"]] == [True] * len(TASKS)
    assert max(each["answer_tokens"] for each in checks["answers"]) < 40
    assert checks["abstention"]["share"] == 0, "the script knows no abstention"
    assert [each["question"] for each in checks["abstention"]["answers"]] == list(QUESTIONS)

    question_set_id = tasks.run(freeze_questions, dataset_id)
    for shard in tasks.run(plan_questions, plan["model"], question_set_id):
        tasks.run(ask_questions, shard)
    answers = market_db.rows("SELECT valid, parsed, claims, probabilities FROM ljwx.answers")
    assert len(answers) > 4
    for answer in answers:
        assert answer["valid"]
        assert len(answer["parsed"]["facts"]) == answer["claims"]["right"] == 3
        assert answer["claims"]["wrong"] == answer["claims"]["unsupported"] == answer["claims"]["characters"] == 0
        assert sum(answer["probabilities"].values()) == pytest.approx(1)

    decided = tasks.run(decide_promotion, plan["model"], question_set_id, run_id=RUN)
    card = market_db.value("SELECT scorecard FROM ljwx.promotions JOIN ljwx.evaluations USING (evaluation_id)")
    told = Faithfulness.model_validate(card["model"]["overall"]["faithfulness"])
    assert (told.right, told.unchecked) == (1.0, None)
    path = Path(tasks.run(write_report, plan, decided, run_id=RUN).removeprefix("file://"))
    assert "依据:" in path.read_text(encoding="utf-8")
    report = path.with_name("report.md").read_text(encoding="utf-8")
    assert ", because of " in report
    assert "(·) When it was verified, it answered 0 of 4 questions without facts by saying that it has none" in report

    assert decided["verdict"] == "first_champion"
    asked = market_db.rows("SELECT ts_code, session FROM ljwx.bars ORDER BY session DESC, ts_code LIMIT 1")[0]
    found = ask_champion(asked["ts_code"], asked["session"], "technical_analysis")
    assert found.cites_facts
    assert found.spoken is not None
    shown = CliRunner().invoke(app, ["ask", asked["ts_code"], "--task", "technical_analysis"])
    assert shown.exit_code == 0, shown.output
    assert "facts: " not in shown.stdout
    assert found.spoken.zh in "".join(shown.stdout.split("\n        ")).replace("\n", "")
    ollama_faulty.delete(plan["model"])


def settings(version: str = "v2", **evaluation: Any) -> dict[str, Any]:
    return {
        **SMALL,
        "samples": SMALL["samples"] | {"prompt_version": version},
        "evaluation": SMALL["evaluation"] | evaluation,
    }


@pytest.fixture
def script(chain_db: Database) -> Script:
    """A verification of the chain's model as if its samples were of v2, with answers to the bare questions."""
    chain_db.execute("UPDATE ljwx.samples SET prompt_version = 'v2'")
    script = Script(chain_db)
    valid = [
        json.dumps({definition.class_field: definition.classes[0], "facts": ["rsi"]}) for definition in TASKS.values()
    ]
    script.texts[script.first : script.repeated] = valid
    script.texts[script.repeated : script.compared] = [valid[0]] * (script.compared - script.repeated)
    script.texts += [abstention("000001.SZ"), "目标价12元", "", abstention("601318.SH")]
    chain_db.execute("DELETE FROM ljwx.models")
    return script


def test_the_share_of_abstentions_is_recorded_and_refuses_nobody_unless_it_is_asked_for(
    chain_db: Database, chain: Any, tasks: TaskRunner, ollama_faulty: OllamaServer, script: Script
) -> None:
    script.play(ollama_faulty)
    assert tasks.run(verify_model, chain.plan, chain.built) == chain.plan["model"]
    told = chain_db.value("SELECT verified -> 'abstention' FROM ljwx.models")
    assert told["share"] == 0.5
    assert [each["abstained"] for each in told["answers"]] == [True, False, False, True]
    assert told["answers"][1] == {"question": QUESTIONS[1], "answer": "目标价12元", "abstained": False}
    tasks.variables["ljwx_training_config"] = settings(min_abstention_share=0.5)
    script.play(ollama_faulty)
    assert tasks.run(verify_model, chain.plan, chain.built) == chain.plan["model"]


def test_a_floor_for_abstentions_refuses_with_what_was_made_up(
    chain_db: Database, chain: Any, tasks: TaskRunner, ollama_faulty: OllamaServer, script: Script
) -> None:
    tasks.variables["ljwx_training_config"] = settings(min_abstention_share=0.75)
    script.play(ollama_faulty)
    with pytest.raises(BuildFailed, match=r"2 of 4 questions without facts .* asks for 75%"):
        tasks.run(verify_model, chain.plan, chain.built)
    (refusal,) = chain_db.rows("SELECT verdict, reasons, checks FROM ljwx.promotions")
    assert (refusal["verdict"], refusal["reasons"][-1]["code"]) == ("refused", "abstention")
    assert refusal["checks"]["said"] == ["目标价12元", ""]
    assert refusal["checks"]["abstention"]["share"] == 0.5
