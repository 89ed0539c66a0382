"""
### Sample generation: features → samples → dataset

Takes every complete session that is there, makes the mature samples of the four tasks, and freezes them as a dataset:
split by time with a purge between the splits, proved free of leaks, exported as JSONL and Alpaca.

Runs after each ingest; events that arrive during a run are taken together by the next one. A dataset with the same
content as an earlier one, or with too few new samples, is not written: the run's task ends as skipped and says so, or
announces the earlier one again while no model of it was decided on. It is skipped also while too few sessions are there
for a first dataset, and while bars wait for their features.

* **As known on a day**: give `known_on`; only revisions known at the end of that day are used, and the dataset built
  then has the same hash.
* **Up to a session**: give `until`; later sessions are as if they had not happened.
"""

from datetime import timedelta

from airflow.sdk import FixedKeyMapper, Param, PartitionedAssetTimetable, dag, task

from ljwx.assets import BARS, DATASET, LATEST
from ljwx.deadlines import deadline
from ljwx.policies import DEFAULT_ARGS
from ljwx.tasks import build_dataset


@dag(
    schedule=PartitionedAssetTimetable(assets=BARS, default_partition_mapper=FixedKeyMapper(LATEST)),
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=6),
    deadline=deadline("ljwx_sample_generation"),
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["ljwx", "samples"],
    params={
        "known_on": Param(None, type=["null", "string"], format="date", description="Use what was known on this day."),
        "until": Param(None, type=["null", "string"], format="date", description="Last session to look at."),
    },
)
def ljwx_sample_generation():
    task(build_dataset, outlets=[DATASET])()


ljwx_sample_generation()
