"""What the watch over the forward record found, its alarms, and what followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ljwx.core.forward.consequence import Done
from ljwx.core.forward.watch import Check
from ljwx.warehouse.base import WarehouseBase


@dataclass(frozen=True)
class FoundCheck:
    """What a check saw of a line as of a session. Parameters as of :class:`ljwx.core.forward.watch.Watched`."""

    check: Check
    what: str
    rings: bool
    since: date | None
    level: float
    mean: float
    log_evidence: float
    log_needed: float


@dataclass(frozen=True)
class Alarm:
    """An incident of the watch: a check of a line that rings, or has.

    :param model: that served when it rang.
    :param text: what was seen, in one line.
    :param since: the session with which it most likely began, and `rang` the one on which it was sure.
    :param done: what followed, and `because`; None while nothing has.
    :param promotion_id: the rollback that followed; None: none did.
    :param ended: the session on which it was over; None while it rings.
    """

    alarm_id: int
    line_id: str
    check: Check
    model: str
    what: str
    text: str
    since: date | None
    rang: date
    done: Done | None
    because: str | None
    promotion_id: int | None
    ended: date | None


@dataclass(frozen=True)
class NewAlarm:
    """An alarm that is about to be opened. Parameters as of :class:`Alarm`."""

    line_id: str
    check: Check
    model: str
    what: str
    text: str
    since: date | None
    rang: date


class WatchVerbs(WarehouseBase):
    """Verbs of the watch."""

    def save_watch(self, run_key: int, session: date, line_id: str, model: str, found: Sequence[FoundCheck]) -> None:
        """Write what all checks of a line saw as of a session; looked at again, the newer look stays."""
        for each in found:
            values = vars(each) | {"session": session, "line_id": line_id, "model": model, "run_key": run_key}
            self.execute("watch/add_check", **values)

    def open_alarm(self, run_key: int, alarm: NewAlarm) -> None:
        """Open an alarm; where the check of the line rings already, that one stays."""
        self.execute("watch/add_alarm", **vars(alarm), run_key=run_key)

    def alarms(self, *, is_open: bool = True) -> list[Alarm]:
        """Return the alarms in their order: those that ring, or all there ever were."""
        return self.records(Alarm, "watch/alarms", is_open=is_open)

    def follow_alarm(self, alarm_id: int, done: Done, because: str, promotion_id: int | None) -> None:
        """Write what followed an alarm; what was written before stays."""
        self.execute("watch/follow", alarm_id=alarm_id, done=done, because=because, promotion_id=promotion_id)

    def end_alarm(self, alarm_id: int, session: date) -> None:
        """Write that an alarm is over as of a session."""
        self.execute("watch/end", alarm_id=alarm_id, session=session)
