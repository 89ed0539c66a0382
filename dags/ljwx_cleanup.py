"""
### Cleanup: remove what nothing cites

Keeps the champion, the previous champion, open challengers, the newest models and what a decision still cites; the
rest goes: model tags and dataset files, refused rows and answers that are too old, and, only if the policy says so,
old years of bars. Every removal is a row in `ljwx.retention_events`. Then tags, rows and files whose other half is
missing are listed.

A run by hand is a **dry run** unless `dry_run` is switched off: it only lists what would go.
"""

from datetime import datetime, timedelta, timezone

from airflow.sdk import Param, dag, task

from ljwx.deadlines import deadline
from ljwx.policies import DEFAULT_ARGS
from ljwx.resources import OLLAMA_POOL
from ljwx.schedule import cleanup_schedule
from ljwx.tasks import apply_retention, audit_storage


@dag(
    schedule=cleanup_schedule(),
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=1),
    deadline=deadline("ljwx_cleanup"),
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["ljwx", "retention"],
    params={
        "dry_run": Param(
            None,
            type=["null", "boolean"],
            description="List only. Empty: yes for a run by hand, no for a scheduled one.",
        )
    },
)
def ljwx_cleanup():
    task(apply_retention, pool=OLLAMA_POOL)() >> task(audit_storage)()


ljwx_cleanup()
