"""
### Daily ingest: TuShare → bars → features

Fetches each trading session's bars, factors, limits and suspensions, checks every row, and computes the features.

* **Scheduled**: one run per session of the Shanghai exchange, 18:30 Shanghai time; the partition key is the session.
  It first makes up for the sessions before it that are missing (`ingest.catch_up`), as after the stack was down.
* **By hand**: give `start_date` and `end_date`; the range is fetched in months.
* **Backfill**: `airflow backfill create --dag-id ljwx_daily_ingest --from-date … --to-date …`.

A row that breaks a rule goes to `ljwx.quarantine` with its reasons. A session counts (`ljwx.ingest_days.complete`)
when no listed, trading stock is missing; until then the run waits and retries, and later stages do not see it.
Features are computed for the complete sessions, and these are announced, also where others stayed incomplete; the run
fails all the same, by its last task, `whole`. The runs of a backfill leave the announcement to the last of them.
`check_gaps` reports sessions that are missing or incomplete, and warns a month before the shipped calendar ends.
"""

from datetime import datetime, timedelta, timezone

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import Param, TriggerRule, dag, task

from ljwx.assets import BARS
from ljwx.deadlines import deadline
from ljwx.policies import DEFAULT_ARGS
from ljwx.resources import TUSHARE_POOL
from ljwx.schedule import ingest_schedule
from ljwx.tasks import announce_bars, check_gaps, compute_features, ingest_bars, migrate_warehouse, plan_ingest


@dag(
    schedule=ingest_schedule(),
    start_date=datetime(2005, 1, 4, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=2,
    dagrun_timeout=timedelta(hours=12),
    deadline=deadline("ljwx_daily_ingest"),
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["ljwx", "ingest"],
    params={
        "start_date": Param(None, type=["null", "string"], format="date", description="First day of a manual run."),
        "end_date": Param(None, type=["null", "string"], format="date", description="Last day of a manual run."),
    },
)
def ljwx_daily_ingest():
    whatever_came = TriggerRule.ALL_DONE_MIN_ONE_SUCCESS
    chunks = task(plan_ingest)()
    days = task(ingest_bars, pool=TUSHARE_POOL).expand(chunk=chunks)
    features = task(compute_features, trigger_rule=whatever_came)(chunks)
    announced = task(announce_bars, outlets=[BARS], trigger_rule=whatever_came)(chunks)
    gaps = task(check_gaps, trigger_rule=whatever_came)()
    migrated = task(migrate_warehouse)()
    migrated >> chunks >> days >> features
    [migrated, features] >> announced
    [chunks, days, features] >> gaps
    [days, features, gaps] >> EmptyOperator(task_id="whole", on_success_callback=None)


ljwx_daily_ingest()
