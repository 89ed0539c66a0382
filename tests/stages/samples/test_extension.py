"""A fifth task goes through the stage with its definition and its prompt text, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ljwx.core.evaluations import ScoredAnswer, score
from ljwx.core.tasks import DEFAULT_TASKS
from ljwx.core.tasks.definition import TaskDefinition
from ljwx.exceptions import ConfigurationError
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.full import read_answer
from ljwx.stages.evaluate.questions import freeze_questions
from ljwx.stages.samples.dataset import build_dataset
from support_chain import Database
from support_fifth_task import NAME, PROMPT, fifth_task
from support_tasks import TaskRunner

__all__ = ["fifth_task"]

FIVE = {
    "samples": {
        "tasks": [*DEFAULT_TASKS, NAME],
        "max_train": 60,
        "max_validation": 12,
        "max_test": 12,
        "min_market_stocks": 10,
    },
    "evaluation": {"questions": 20, "class_questions": 0},
    "gate": {"min_questions": 4},
}


@pytest.fixture
def includes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of included files that stand in for the packaged ones; it has none yet."""
    folder = tmp_path / "include"
    (folder / "prompts" / "v1").mkdir(parents=True)
    monkeypatch.setenv("LJWX_INCLUDE", str(folder))
    monkeypatch.setenv("LJWX_DATA", str(tmp_path / "data"))
    return folder


def test_its_samples_are_stored_exported_and_asked_about(
    market_db: Database, tasks: TaskRunner, includes: Path, tmp_path: Path, fifth_task: TaskDefinition
) -> None:
    (includes / "prompts" / "v1" / f"{NAME}.txt").write_text(PROMPT, encoding="utf-8")
    tasks.variables["ljwx_training_config"] = FIVE
    dataset_id = tasks.run(build_dataset)
    stored = market_db.value("SELECT count(*) FROM ljwx.samples WHERE task = %s", NAME)
    assert stored > 60
    card = json.loads((tmp_path / "data" / "datasets" / dataset_id / "card.json").read_text(encoding="utf-8"))
    assert sum(card["by_task_and_class"][NAME].values()) == stored
    trained = (tmp_path / "data" / "datasets" / dataset_id / "train.jsonl").read_text(encoding="utf-8")
    assert trained.count("最大回撤,深浅如何") == 60

    question_set_id = tasks.run(freeze_questions, dataset_id)
    answers = market_db.rows(
        "SELECT q.sample_id, s.task, s.answer::text AS answer "
        "FROM ljwx.questions q JOIN ljwx.samples s USING (sample_id) WHERE question_set_id = %s",
        question_set_id,
    )
    assert sum(row["task"] == NAME for row in answers) == 4
    given = [ScoredAnswer(row["sample_id"], True, _label(row["task"], row["answer"])) for row in answers]
    candidates = WarehouseHook().question_candidates(dataset_id, "validation")
    asked = {answer.sample_id for answer in given}
    questions = [question for question in candidates if question.sample_id in asked]
    assert score(questions, given).tasks[NAME].accuracy == 1


def _label(task: str, text: str) -> str:
    return str(read_answer(task, text, cut=False).label)


def test_without_its_prompt_text_the_stage_says_which_file_is_missing(
    market_db: Database, tasks: TaskRunner, includes: Path, fifth_task: TaskDefinition
) -> None:
    tasks.variables["ljwx_training_config"] = FIVE
    with pytest.raises(ConfigurationError, match=rf"there is no file 'v1/{NAME}\.txt'"):
        tasks.run(build_dataset)
