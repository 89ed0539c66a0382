"""
### Forward record: bars → what models say before the next session opens

After each session's bars and features, the champion, the newest models of open lines, the untuned base and three rules
answer the predictive tasks for the session's stocks. Answers are dated by the database, never changed, and
sealed with a digest that is chained to the one before and sent by the alert channels.

* **Which stocks**: the settings `forward.stocks` (the 300 most traded) and `forward.watchlist`.
* **The deadline** is 09:15 in Shanghai of the next session. A session whose deadline has passed, as in a backfill, is
  not asked about: the run ends as skipped, and the session is a gap for ever.
* **Settled**: each run scores the sessions whose horizon is over with what came true, and anew those whose bars were
  corrected since; both outcomes are kept.
* **Watched**: each run looks whether the champion's answers are still what they were, tells once of what is not, and
  marks the champion or rolls it back where `forward.watch` says so.
* **Published**: `write_month` writes the page of a month when its last session is settled, and anew after a correction.
* **It decides**: `look_at_record` looks at the settled sessions, and promotes a challenger that they are enough for.
* **Asking failed**: what came is sealed shortly before the deadline; until then the task can be cleared.
* **Sent**, where `forward.message` is on: the answers about the watchlist, by the alert channels, once a session.
* **Run again** it asks only what has no answer yet; a batch that is sealed stays as it is.
"""

from datetime import timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import FixedKeyMapper, PartitionedAssetTimetable, TriggerRule, dag, task

from ljwx.assets import BARS, FORWARD, LATEST, MODEL
from ljwx.deadlines import deadline
from ljwx.policies import DEFAULT_ARGS
from ljwx.resources import OLLAMA_POOL
from ljwx.tasks import (
    ask_session,
    look_at_record,
    open_session,
    report_look,
    seal_session,
    settle_sessions,
    tell_watchlist,
    watch_champion,
    write_month,
)

BEFORE_BUILDS = 1000
TRIES = 44  # a quarter of an hour apart: as long as the run may take


@dag(
    schedule=PartitionedAssetTimetable(assets=BARS, default_partition_mapper=FixedKeyMapper(LATEST)),
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=12),
    deadline=deadline("ljwx_forward"),
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["ljwx", "forward"],
)
def ljwx_forward():
    done = TriggerRule.ALL_DONE  # the watch and the look may both replace the champion: one after the other
    decided = task(look_at_record, pool=OLLAMA_POOL, outlets=[MODEL], trigger_rule=done)()
    settled = task(settle_sessions)()
    settled >> task(watch_champion)() >> decided
    settled >> task(write_month)()
    task(report_look)(decided["promotion_id"])
    session = task(open_session)()
    asked = task(ask_session, pool=OLLAMA_POOL, priority_weight=BEFORE_BUILDS, retries=TRIES)(session)
    come = TriggerRule.ALL_DONE_MIN_ONE_SUCCESS
    digest = task(seal_session, outlets=[FORWARD], retries=TRIES, trigger_rule=come)(session, asked)
    digest >> task(tell_watchlist)(session)
    [asked, digest] >> EmptyOperator(task_id="whole", on_success_callback=None)


ljwx_forward()
