"""A look at the champion on a day on which nothing is judged: only what is new is asked, and nothing is decided."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from ljwx.stages.promote.champion import look_at_champion
from support_chain import SMALL, Chain, Database
from support_ollama import OllamaServer
from support_rows import add_alias, add_decision
from support_tasks import TaskRunner

CLASSES = {**SMALL, "evaluation": SMALL["evaluation"] | {"class_questions": 60, "class_sessions": 2}}


@pytest.fixture
def serving(chain_db: Database, chain: Chain, tasks: TaskRunner) -> TaskRunner:
    """The tasks, where the chain's model serves."""
    tasks.variables["ljwx_training_config"] = CLASSES
    number = add_decision(chain_db, chain.plan["model"], "first_champion")
    add_alias(chain_db, chain.plan["model"], promotion_id=number)
    return tasks


def test_the_champion_is_asked_the_classes_of_new_sessions_alone_and_its_line_is_looked_at(
    serving: TaskRunner, chain_db: Database, chain: Chain, ollama_sandbox: OllamaServer
) -> None:
    before = chain_db.state("promotions", "aliases")
    found = serving.run(look_at_champion)
    assert found["model"] == chain.plan["model"]
    assert found["asked"] == chain_db.value("SELECT count(*) FROM ljwx.class_answers") > 0
    assert (found["proven"], chain_db.column("SELECT proven FROM ljwx.lines")) == (False, [False])
    assert chain_db.column("SELECT kind FROM ljwx.question_sets WHERE kind = 'classes'") == ["classes"]
    requests = ollama_sandbox.stats()["requests"]
    assert serving.run(look_at_champion) == found | {"asked": 0}
    assert ollama_sandbox.stats()["requests"] == requests
    assert chain_db.state("promotions", "aliases") == before


def test_without_a_champion_or_after_a_rollback_nothing_is_looked_at(
    chain_db: Database, tasks: TaskRunner, chain: Chain
) -> None:
    tasks.variables["ljwx_training_config"] = CLASSES
    with pytest.raises(AirflowSkipException, match="nothing to look at yet"):
        tasks.run(look_at_champion)
    add_alias(chain_db, chain.plan["model"], promotion_id=add_decision(chain_db, chain.plan["model"], "first_champion"))
    with pytest.raises(AirflowSkipException, match="put a champion back"):
        tasks.run(look_at_champion, params={"rollback": "worse"})
    assert chain_db.counts()["evaluations"] == 0


@pytest.mark.parametrize("none", [{"class_questions": 0}, {"top_logprobs": 0}])
def test_where_no_class_is_asked_the_task_is_skipped_and_says_so(
    serving: TaskRunner, chain: Chain, none: dict[str, int]
) -> None:
    serving.variables["ljwx_training_config"] = {**CLASSES, "evaluation": CLASSES["evaluation"] | none}
    with pytest.raises(AirflowSkipException, match="counts for the champion"):
        serving.run(look_at_champion)
