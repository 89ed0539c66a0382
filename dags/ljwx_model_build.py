"""
### Model build: dataset → model → evaluation → promotion

Builds a model from the newest dataset on the Ollama server, or takes the newest of a line that was trained less than
`model.retrain_every` sessions ago; checks that it answers, asks it, the champion, the newest models of other open lines
and the untuned base the dataset's questions, gathers what each session says about two lines, and decides.
A model that passes is then shown the sealed test split, once; that is reported and counted, and decides nothing.
Where no model is judged, `look_at_champion` asks the champion about the sessions that are new, so that what it has
proven is found or lost.
A model that fails the check is no candidate: the run fails, and `write_report` says why, as it does of each decision.

* **Another model once**: give `model`, settings laid over those in force for this run alone.
* **Put the previous champion back**: give `rollback` a reason.

The strategy `fewshot` puts examples of the train split in front of the base model: **it changes no weights**. `lora`
trains some: `prepare_training` writes a job, `train_model` follows the trainer, and the check proves that what is
served is what was trained. With other strategies both are skipped.
The champion is served as `ljwx-stock:latest`. Nothing here is investment advice.
"""

from datetime import timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import FixedKeyMapper, Param, PartitionedAssetTimetable, TriggerRule, dag, task

from ljwx.assets import DATASET, LATEST, MODEL
from ljwx.deadlines import deadline
from ljwx.operators.ollama import OllamaOperator, OllamaPullOperator
from ljwx.operators.training import TrainOperator
from ljwx.policies import DEFAULT_ARGS
from ljwx.resources import OLLAMA_POOL, TRAINING_POOL
from ljwx.tasks import (
    ask_questions,
    choose_base,
    decide_promotion,
    freeze_questions,
    look_at_champion,
    plan_build,
    plan_questions,
    prepare_training,
    roll_back_if_asked,
    verify_model,
    write_report,
)


@dag(
    schedule=PartitionedAssetTimetable(assets=DATASET, default_partition_mapper=FixedKeyMapper(LATEST)),
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=12),
    deadline=deadline("ljwx_model_build"),
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["ljwx", "models"],
    params={
        "rollback": Param(
            None,
            type=["null", "string"],
            description="A reason puts the previous champion back, and nothing is built. Empty: build.",
        ),
        "model": Param(
            None,
            type=["null", "object"],
            description='Settings of `model` for this run alone, such as {"strategy": "prompt"}.',
        ),
    },
)
def ljwx_model_build():
    asked = task(roll_back_if_asked, pool=OLLAMA_POOL)()
    chosen = task(choose_base)()
    base = OllamaPullOperator(task_id="pull_base", model=chosen, pool=OLLAMA_POOL, deferrable=True)
    plan = task(plan_build, pool=OLLAMA_POOL)()
    asked >> chosen
    base >> plan >> task(look_at_champion, trigger_rule=TriggerRule.ALL_SKIPPED, pool=OLLAMA_POOL)()
    prepared = task(prepare_training, pool=OLLAMA_POOL)(plan)
    train = TrainOperator(task_id="train_model", job=prepared["job"], pool=TRAINING_POOL, deferrable=True)
    build = OllamaOperator(
        task_id="build_model",
        model=plan["model"],
        spec_path=plan["spec_path"],
        trained=train.output,
        trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
        pool=OLLAMA_POOL,
        deferrable=True,
        report_task_id="write_report",
    )
    model = task(verify_model, pool=OLLAMA_POOL)(plan, build.output)
    questions = task(freeze_questions)(plan["dataset_id"])
    shards = task(plan_questions, pool=OLLAMA_POOL)(model, questions)
    answers = task(ask_questions, pool=OLLAMA_POOL).expand(shard=shards)
    decision = task(decide_promotion, pool=OLLAMA_POOL, outlets=[MODEL])(model, questions)
    answers >> decision
    report = task(write_report, trigger_rule=TriggerRule.ALL_DONE)(plan, decision)
    [decision, report] >> EmptyOperator(task_id="whole", on_success_callback=None)


ljwx_model_build()
