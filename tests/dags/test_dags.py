"""The contract of every DAG file, read by Airflow's own DagBag."""

from __future__ import annotations

import ast
import importlib
import io
import json
import os
import sys
import tokenize
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule, TriggerRule

from ljwx.exceptions import AirflowFailException, LjwxError
from ljwx.policies import RETRY_POLICY
from ljwx.resources import OLLAMA_POOL, TRAINING_POOL, TUSHARE_POOL

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

FOLDER = Path(__file__).resolve().parents[2] / "dags"
FILES = sorted(FOLDER.glob("*.py"))
DAG_IDS = ["ljwx_cleanup", "ljwx_daily_ingest", "ljwx_forward", "ljwx_model_build", "ljwx_sample_generation"]

HEAVY = {"pandas", "polars", "numpy", "sklearn", "torch", "ta", "tushare", "psycopg", "alembic", "fastapi", "xllamacpp"}
LIGHT_CORE = {
    "ljwx.core",
    "ljwx.core.sessions",
    "ljwx.core.tasks",
    "ljwx.core.models",
    "ljwx.core.model_names",
    "ljwx.core.ollama",
    "ljwx.core.ollama.models",
    "ljwx.core.ollama.replies",
    "ljwx.core.thinking",
    "ljwx.core.training.job",
    "ljwx.core.training",
    "ljwx.core.training.recipe",
    "ljwx.core.training.result",
    "ljwx.core.training.settings",
}
"""Modules of the core that a DAG file may load: they import the standard library and pydantic."""

# Tasks that call a peer whose capacity a pool stands for.
POOLS = {
    "ljwx_daily_ingest.ingest_bars": TUSHARE_POOL,
    "ljwx_forward.ask_session": OLLAMA_POOL,
    "ljwx_forward.look_at_record": OLLAMA_POOL,
    "ljwx_model_build.roll_back_if_asked": OLLAMA_POOL,
    "ljwx_model_build.pull_base": OLLAMA_POOL,
    "ljwx_model_build.plan_build": OLLAMA_POOL,
    "ljwx_model_build.look_at_champion": OLLAMA_POOL,
    "ljwx_model_build.prepare_training": OLLAMA_POOL,
    "ljwx_model_build.train_model": TRAINING_POOL,
    "ljwx_model_build.build_model": OLLAMA_POOL,
    "ljwx_model_build.verify_model": OLLAMA_POOL,
    "ljwx_model_build.plan_questions": OLLAMA_POOL,
    "ljwx_model_build.ask_questions": OLLAMA_POOL,
    "ljwx_model_build.decide_promotion": OLLAMA_POOL,
    "ljwx_cleanup.apply_retention": OLLAMA_POOL,
}

each_dag = pytest.mark.parametrize("dag_id", DAG_IDS)
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)


@pytest.fixture(scope="module")
def bag() -> DagBag:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(str(FOLDER))


def test_all_dags_are_read_without_import_errors_and_one_to_a_file_of_its_name(bag: DagBag) -> None:
    assert bag.import_errors == {}
    assert sorted(bag.dags) == DAG_IDS == [path.stem for path in FILES]
    assert {dag_id: Path(dag.fileloc).stem for dag_id, dag in bag.dags.items()} == {name: name for name in DAG_IDS}


@each_dag
def test_a_dag_has_tags_and_an_owner(bag: DagBag, dag_id: str) -> None:
    assert "ljwx" in bag.dags[dag_id].tags
    assert len(bag.dags[dag_id].tags) > 1
    assert {task.owner for task in bag.dags[dag_id].tasks} == {"ljwx"}


@each_dag
def test_a_dag_is_documented_with_a_title_and_more(bag: DagBag, dag_id: str) -> None:
    lines = (bag.dags[dag_id].doc_md or "").strip().splitlines()
    assert lines[0].startswith("### ")
    assert len(lines[0]) > len("### ") + 10
    assert len([line for line in lines[1:] if line.strip()]) >= 2


@each_dag
def test_a_dag_ends_at_some_time_and_limits_its_runs(bag: DagBag, dag_id: str) -> None:
    dag = bag.dags[dag_id]
    assert dag.dagrun_timeout is not None
    assert timedelta(0) < dag.dagrun_timeout <= timedelta(hours=12)
    assert 1 <= dag.max_active_runs <= 2
    assert not dag.catchup


@each_dag
def test_every_param_says_what_it_is_for(bag: DagBag, dag_id: str) -> None:
    params = {name: bag.dags[dag_id].params.get_param(name) for name in bag.dags[dag_id].params}
    assert [name for name, param in params.items() if not param.description or not param.schema.get("type")] == []


def test_dags_that_are_run_by_hand_have_a_form(bag: DagBag) -> None:
    assert set(bag.dags["ljwx_daily_ingest"].params) == {"start_date", "end_date"}
    assert set(bag.dags["ljwx_cleanup"].params) == {"dry_run"}
    assert set(bag.dags["ljwx_model_build"].params) == {"rollback", "model"}


def test_links_of_the_build_reach_airflows_pages(bag: DagBag) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    read = DagSerialization.from_dict(DagSerialization.to_dict(bag.dags["ljwx_model_build"]))
    assert sorted(read.get_task("build_model").extra_links) == ["Base model", "Report"]
    assert bag.dags["ljwx_model_build"].get_task("build_model").report_task_id in read.task_dict


@each_dag
def test_every_task_retries_by_the_common_policy(bag: DagBag, dag_id: str) -> None:
    tasks = bag.dags[dag_id].tasks
    assert tasks
    assert [task.task_id for task in tasks if not task.retries or task.retry_policy is not RETRY_POLICY] == []


def named_exceptions() -> list[tuple[str, RetryAction]]:
    assert isinstance(RETRY_POLICY, ExceptionRetryPolicy)
    found = []
    for rule in RETRY_POLICY.rules:
        paths = [rule.exception] if isinstance(rule.exception, str | type) else list(rule.exception)
        found += [(path, rule.action) for path in paths]
    return found


def load(path: str) -> Any:
    module, name = path.rsplit(".", 1)
    return getattr(importlib.import_module(module), name)


def test_the_retry_policy_names_exceptions_of_this_package_that_exist() -> None:
    assert named_exceptions()
    assert all(issubclass(load(path), LjwxError) for path, _ in named_exceptions())


def test_the_retry_policy_never_retries_what_retrying_cannot_help() -> None:
    retried = [load(path) for path, action in named_exceptions() if action is RetryAction.RETRY]
    assert [cls for cls in retried if issubclass(cls, AirflowFailException)] == []


def test_every_error_either_fails_at_once_or_has_a_rule() -> None:
    """An exception that is neither would be retried by chance, with the default delay."""
    from ljwx import exceptions

    ruled = {load(path) for path, _ in named_exceptions()} | {exceptions.RateLimited}
    leaves = [
        cls for cls in vars(exceptions).values()
        if isinstance(cls, type) and issubclass(cls, LjwxError)
        and not any(under.__module__ == exceptions.__name__ for under in cls.__subclasses__())
    ]  # fmt: skip
    assert len(leaves) > 10
    assert {cls for cls in leaves if not issubclass(cls, AirflowFailException)} == ruled


@pytest.mark.parametrize(("unit", "seconds"), [("minute", 65.0), ("hour", 3600.0), ("day", 40_000.0)])
def test_a_used_up_limit_is_waited_for_as_long_as_it_takes(unit: str, seconds: float) -> None:
    from ljwx.exceptions import RateLimited

    decision = RETRY_POLICY.evaluate(RateLimited("too often", unit, seconds), try_number=1, max_tries=3)
    assert (decision.action, decision.retry_delay) == (RetryAction.RETRY, timedelta(seconds=seconds))
    assert decision.reason == f"the tier's {unit} is used up"


def test_tasks_that_use_a_peer_are_in_its_pool(bag: DagBag) -> None:
    pools = {f"{dag.dag_id}.{task.task_id}": task.pool for dag in bag.dags.values() for task in dag.tasks}
    assert {name: pool for name, pool in pools.items() if pool != "default_pool"} == POOLS


def test_stages_meet_through_assets(bag: DagBag) -> None:
    from ljwx.assets import BARS, DATASET, FORWARD, MODEL

    outlets = {dag.dag_id: [asset.name for task in dag.tasks for asset in task.outlets] for dag in bag.dags.values()}
    assert outlets == {
        "ljwx_daily_ingest": [BARS.name],
        "ljwx_forward": [MODEL.name, FORWARD.name],
        "ljwx_sample_generation": [DATASET.name],
        "ljwx_model_build": [MODEL.name],
        "ljwx_cleanup": [],
    }
    waits = {
        dag_id: bag.dags[dag_id].timetable.asset_condition
        for dag_id in ("ljwx_sample_generation", "ljwx_forward", "ljwx_model_build")
    }
    assert waits == {"ljwx_sample_generation": BARS, "ljwx_forward": BARS, "ljwx_model_build": DATASET}


def test_the_record_is_asked_before_anything_else_that_waits_for_the_model_servers(bag: DagBag) -> None:
    waits = [task for dag in bag.dags.values() for task in dag.tasks if task.pool == OLLAMA_POOL]
    asking = bag.dags["ljwx_forward"].get_task("ask_session")
    assert asking.priority_weight > 100 * max(task.priority_weight for task in waits if task is not asking)


def test_settled_sessions_lead_to_a_look_and_a_decision_to_a_report(bag: DagBag) -> None:
    dag = bag.dags["ljwx_forward"]
    assert dag.get_task("watch_champion").upstream_task_ids == {"settle_sessions"}
    look = dag.get_task("look_at_record")  # after the watch, whatever became of it: both may move the champion
    assert (look.upstream_task_ids, look.trigger_rule) == ({"watch_champion"}, "all_done")
    assert dag.get_task("report_look").upstream_task_ids == {"look_at_record"}
    assert dag.get_task("write_month").upstream_task_ids == {"settle_sessions"}
    told = dag.get_task("tell_watchlist")  # what nobody sealed is not told
    assert told.upstream_task_ids == {"open_session", "seal_session"}
    assert told.trigger_rule == "all_success"


def test_what_was_answered_is_sealed_when_asking_fails_and_the_run_fails_all_the_same(bag: DagBag) -> None:
    """By the rule it is skipped with its questions, and waits for an asking that is still retried."""
    dag = bag.dags["ljwx_forward"]
    sealing = dag.get_task("seal_session")
    assert sealing.upstream_task_ids == {"open_session", "ask_session"}
    assert sealing.trigger_rule == "all_done_min_one_success"
    assert sealing.retries == dag.get_task("ask_session").retries
    assert dag.get_task("whole").upstream_task_ids == {"ask_session", "seal_session"}


def test_questions_are_asked_by_one_task_a_shard_and_the_decision_waits_for_all(bag: DagBag) -> None:
    dag = bag.dags["ljwx_model_build"]
    asked = dag.get_task("ask_questions")
    assert asked.is_mapped
    assert asked.upstream_task_ids == {"plan_questions"}
    assert dag.get_task("decide_promotion").upstream_task_ids >= {"ask_questions", "verify_model", "freeze_questions"}


def test_every_build_is_reported_on_and_a_failure_still_fails_the_run(bag: DagBag) -> None:
    dag = bag.dags["ljwx_model_build"]
    assert dag.get_task("write_report").trigger_rule == TriggerRule.ALL_DONE
    assert dag.get_task("write_report").upstream_task_ids == {"plan_build", "decide_promotion"}
    assert dag.get_task("whole").upstream_task_ids == {"decide_promotion", "write_report"}
    assert {task.task_id for task in dag.leaves} == {"whole", "look_at_champion"}


def test_the_champion_is_looked_at_where_nothing_is_to_be_built(bag: DagBag) -> None:
    look = bag.dags["ljwx_model_build"].get_task("look_at_champion")
    assert look.upstream_task_ids == {"plan_build"}
    assert look.trigger_rule == TriggerRule.ALL_SKIPPED


@each_file
def test_a_dag_file_is_a_wiring_diagram(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    branches = ast.If | ast.IfExp | ast.For | ast.While | ast.Try | ast.With | ast.Match
    assert [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, branches)] == []
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert [function.name for function in functions] == [path.stem]
    assert code_lines(path.read_text(encoding="utf-8")) <= 90


def code_lines(source: str) -> int:
    """Lines that hold code, docstrings included."""
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in silent:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines)


READING = """
import json, os, runpy, sys
import airflow.sdk
for path in sys.argv[1:]:
    if not os.fork():
        runpy.run_path(path)
        print(json.dumps({"path": path, "loaded": sorted(sys.modules)}), flush=True)
        os._exit(0)
    os.wait()
"""
"""Reads each file in a process of its own, which has Airflow already."""


@pytest.fixture(scope="module")
def loaded_by(tmp_path_factory: pytest.TempPathFactory, programs: ModuleType) -> dict[str, set[str]]:
    """The modules that are there after reading a DAG file, by its path."""
    done = programs.run(
        [sys.executable, "-c", READING, *map(str, FILES)],
        env=os.environ | {"AIRFLOW_HOME": str(tmp_path_factory.mktemp("reading"))},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    read = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {each["path"]: set(each["loaded"]) for each in read}


@each_file
def test_reading_a_dag_file_loads_nothing_heavy(path: Path, loaded_by: dict[str, set[str]]) -> None:
    """A heavy import would cost seconds at each parse and in every task process."""
    loaded = loaded_by[str(path)]
    assert "ljwx.policies" in loaded  # the file was read
    assert loaded & HEAVY == set()
    assert {name for name in loaded if name.startswith("ljwx.core")} <= LIGHT_CORE


def test_a_rule_with_an_exception_s_old_name_still_matches() -> None:
    from ljwx.exceptions import SourceUnavailable

    rule = RetryRule(exception="ljwx.exceptions.TushareUnavailable", action=RetryAction.RETRY)
    decision = ExceptionRetryPolicy(rules=[rule]).evaluate(SourceUnavailable("no answer"), try_number=1, max_tries=3)
    assert decision.action is RetryAction.RETRY
