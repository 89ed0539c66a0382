"""What people read about the forward record, in Chinese and English."""

from __future__ import annotations

from ljwx.core.forward.consequence import MEANS
from ljwx.notifications.messages import Alert
from ljwx.warehouse.watch import Alarm

FOLLOWED = {
    "reported": ("仅通知", "reported"),
    "marked": ("已标记为表现失常", "marked as failing"),
    "rolled_back": ("已回滚到前一冠军", "rolled back to the previous champion"),
}
"""What followed an alarm of the watch."""


def watched(alarm: Alarm) -> Alert:
    """Return the alert of an alarm of the watch over the forward record."""
    means = MEANS[alarm.check]
    done, because = FOLLOWED.get(alarm.done or "", ("-", "-")), alarm.because or "-"
    lines = [
        f"{means[0]} · The champion's answers are not what they were",
        f"模型 Model: {alarm.model}",
        f"监测项 Check: {alarm.check}{f' ({alarm.what})' if alarm.what else ''}: {means[1]}",
        f"始于约 Since about: {alarm.since or alarm.rang}; 确认于 sure on {alarm.rang}",
        f"发现 Found: {alarm.text}",
        f"已采取 Done: {done[0]} · {done[1]}: {because}",
        "处理 What to do: ljwx record watch; ljwx rollback --reason …",
        "同一事件不再通知 · This incident sends no other alert.",
    ]
    run = f"alarm {alarm.alarm_id}"
    return Alert(
        "watch", "ljwx_forward", run, alarm.check, f"ljwx · 监测 WATCH · {alarm.model}", "\n".join(lines), silent=False
    )
