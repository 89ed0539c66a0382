"""What an alert says: Chinese and English, and no more of an error's text than this package wrote itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from ljwx.exceptions import LjwxError
from ljwx.notifications.advice import LATE, advice

Kind = Literal["failed", "late", "watch", "answers"]

LONGEST_TEXT = 300
NAMED = 10
"""How many runs one message names, the newest."""


@dataclass(frozen=True)
class Alert:
    """One alert.

    :param what: the task instance that failed, as ``task`` or ``task[map index]``; ``run`` for a late run.
    :param silent: it is not sent: the run belongs to a backfill, or has ended already.
    """

    kind: Kind
    dag_id: str
    run_id: str
    what: str
    title: str
    body: str
    silent: bool


@dataclass(frozen=True)
class Left:
    """A failure or lateness whose alert reached nobody. ``failing``: what has not recovered."""

    kind: str
    dag_id: str
    run_id: str
    failing: Sequence[str]
    last_seen: datetime


def failure(context: Mapping[str, Any]) -> Alert:
    """Return the alert of a failed task.

    :param context: of the task, as Airflow gives it to a failure callback; `exception` may be missing.
    """
    ti, run, error = context["ti"], context.get("dag_run"), context.get("exception")
    what = instance_name(ti)
    chinese, english = advice(error)
    lines = [
        "任务失败 · A task failed",
        f"DAG: {ti.dag_id}",
        f"任务 Task: {what}(第 {ti.try_number} 次尝试 · attempt {ti.try_number})",
        *_of_run(ti.run_id, getattr(run, "partition_key", None)),
        f"异常 Error: {_described(error)}",
        f"处理 What to do: {chinese} {english}",
        f"日志 Log: {ti.log_url}",
        "同一次运行的其他失败不再通知 · Other failures of this run send no alert.",
    ]
    title = f"ljwx · 失败 FAILED · {ti.dag_id}"
    return Alert("failed", ti.dag_id, ti.run_id, what, title, "\n".join(lines), _is_backfill(run))


def lateness(context: Mapping[str, Any], base_url: str) -> Alert:
    """Return the alert of a run that has passed its deadline.

    :param context: of the deadline: `dag_run` in the shape of Airflow's REST API, and `deadline`.
    :param base_url: of Airflow's own pages.
    """
    run = context["dag_run"]
    dag_id, run_id = run["dag_id"], run["dag_run_id"]
    chinese, english = LATE
    lines = [
        "运行超时未完成 · A run is late",
        f"DAG: {dag_id}",
        *_of_run(run_id, run.get("partition_key")),
        f"期限 Deadline: {context.get('deadline', {}).get('deadline_time')}",
        f"状态 State: {run.get('state')}, 自 since {run.get('queued_at')}",
        f"处理 What to do: {chinese} {english}",
        f"运行 Page: {base_url.rstrip('/')}/dags/{dag_id}/runs/{quote(run_id)}",
    ]
    silent = run.get("run_type") == "backfill" or run.get("state") not in {"queued", "running"}
    return Alert("late", dag_id, run_id, "run", f"ljwx · 超时 LATE · {dag_id}", "\n".join(lines), silent)


def left(unsent: Sequence[Left]) -> tuple[str, str]:
    """Return title and text of one message about those that reached nobody."""
    newest = sorted(unsent, key=lambda each: each.last_seen, reverse=True)
    lines = [
        "这些消息当时没有送达任何人 · Messages about these runs reached nobody at the time",
        *(
            f"{'失败 FAILED' if each.kind == 'failed' else '超时 LATE'} · {each.last_seen:%Y-%m-%d %H:%M %Z} · "
            f"{each.dag_id} · {each.run_id} · {', '.join(sorted(each.failing))[:LONGEST_TEXT]}"
            for each in newest[:NAMED]
        ),
        *([f"另有 {len(newest) - NAMED} 次运行 · further runs: {len(newest) - NAMED}"] if len(newest) > NAMED else []),
        "处理 What to do: 在 Airflow 中查看这些运行。See these runs in Airflow.",
    ]
    return "ljwx · 补发 SENT LATER", "\n".join(lines)


def instance_name(ti: Any) -> str:
    """Return ``task``, or ``task[map index]`` for one of several."""
    mapped = ti.map_index is not None and ti.map_index >= 0
    return f"{ti.task_id}[{ti.map_index}]" if mapped else str(ti.task_id)


def _of_run(run_id: str, partition_key: str | None) -> list[str]:
    return [f"运行 Run: {run_id}", *([f"交易日/分区 Session/partition: {partition_key}"] if partition_key else [])]


def _is_backfill(run: Any) -> bool:
    kind = getattr(run, "run_type", None)
    return getattr(kind, "value", kind) == "backfill"


def _described(error: object) -> str:
    """Return the class of an error, and the first line of its text where this package wrote that.

    The text of other packages may quote an address or a statement that does not belong in a chat.
    """
    if not isinstance(error, BaseException):
        return "-"
    text = str(error).strip().splitlines()
    if not isinstance(error, LjwxError) or not text:
        return type(error).__name__
    return f"{type(error).__name__}: {text[0][:LONGEST_TEXT]}"
