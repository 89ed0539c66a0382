"""Two DAGs that want the model server's pool, one long and one for a moment, and one whose training takes long."""

from airflow.sdk import dag, task

from ljwx.operators.ollama import OllamaOperator, OllamaPullOperator
from ljwx.operators.training import TrainOperator
from ljwx.resources import OLLAMA_POOL, TRAINING_POOL


def do_nothing() -> None:
    """Only to have run."""


@dag(schedule=None, params={"base": "", "spec": "", "model": ""})
def long_work():
    pull = OllamaPullOperator(task_id="pull_base", model="{{ params.base }}", pool=OLLAMA_POOL, deferrable=True)
    build = OllamaOperator(
        task_id="build_model",
        model="{{ params.model }}",
        spec_path="{{ params.spec }}",
        pool=OLLAMA_POOL,
        deferrable=True,
        report_task_id="write_report",
    )
    pull >> build >> task(do_nothing, task_id="write_report")()


@dag(schedule=None, params={"job": ""})
def long_training():
    TrainOperator(task_id="train_model", job="{{ params.job }}", pool=TRAINING_POOL, deferrable=True, poll_seconds=0.5)


@dag(schedule=None)
def short_work():
    task(do_nothing, pool=OLLAMA_POOL)()


long_work()
long_training()
short_work()
