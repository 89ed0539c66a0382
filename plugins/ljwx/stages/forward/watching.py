"""Watch the champion each night: what is found is kept, reported once, and followed by what the settings say."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from ljwx.core.forward.consequence import OF_MODEL, ROLLED_BACK, Blame, Consequence, Wanted, consequence, finding
from ljwx.core.forward.watch import Watched
from ljwx.exceptions import ModelMissing, NotFound
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.notifications.alerts import end_incident, send_once
from ljwx.services.rollback import put_back
from ljwx.services.serving import serve_aliases
from ljwx.services.watch import WatchedLine, WatchedRecord, watched_champion
from ljwx.settings import current_settings
from ljwx.stages.forward.telling import watched
from ljwx.stages.runs import recorded_run
from ljwx.warehouse.promotions import Alias
from ljwx.warehouse.watch import Alarm, NewAlarm

log = logging.getLogger(__name__)


def watch_champion() -> dict[str, Any]:
    """Look at the champion's line in the record, open an alarm for what rings, and end those that are over.

    Run again it changes nothing: an alarm is reported and followed once.

    :return: the model, how many checks there are, and the names of those that ring.
    :raises AirflowSkipException: there is no champion or no record yet.
    """
    warehouse, settings = WarehouseHook(), current_settings().forward
    with recorded_run(warehouse) as run:
        try:
            champion, line_id = watched_champion(warehouse)
            record = WatchedRecord(warehouse, settings.watch_reference)
        except NotFound as error:
            raise AirflowSkipException(str(error)) from None
        watch = _Watch(warehouse, run.key, settings.watch, champion, line_id, record)
        rings = watch.look()
        run.outputs |= {"model": champion.model, "checks": len(watch.seen.found), "rings": rings}
    return run.outputs


@dataclass(frozen=True)
class _Rings:
    """A check that rings, and its alarm."""

    alarm: Alarm
    check: Watched


class _Watch:
    """The champion on one night."""

    def __init__(
        self,
        warehouse: WarehouseHook,
        run_key: int,
        wanted: Wanted,
        champion: Alias,
        line_id: str,
        record: WatchedRecord,
    ) -> None:
        self._warehouse, self._run_key, self._wanted = warehouse, run_key, wanted
        self._champion, self._line_id, self._record = champion, line_id, record
        self.seen: WatchedLine = record.line(line_id, champion.digest)

    def look(self) -> list[str]:
        """Keep what is seen, follow it up, and return the names of the checks that ring."""
        found = [self._record.check(each) for each in self.seen.found]
        self._warehouse.save_watch(self._run_key, self._record.last, self._line_id, self._champion.model, found)
        self._finish()
        self._end()
        rings = [each for each in self.seen.found if each.rang is not None and self._concerns(each)]
        for each in rings:
            self._open(each)
        checks = {each.check: each for each in rings}
        for alarm in self._warehouse.alarms():
            if alarm.line_id == self._line_id and alarm.check in checks:
                self._follow(_Rings(alarm, checks[alarm.check]))
        for alarm in self._warehouse.alarms():
            send_once(watched(alarm))
        return [each.check for each in rings]

    def _concerns(self, seen: Watched) -> bool:
        """Whether a check is about what serves: of the answers of a newer model of its line nothing follows for it."""
        return seen.check not in OF_MODEL or self.seen.speaker.spoke_last(self._champion.digest)

    def _finish(self) -> None:
        """Serve and write a rollback that an attempt before decided on, and did not come to the end of."""
        for alarm in self._warehouse.alarms():
            done = self._warehouse.rollback_for(alarm.model, alarm.text) if alarm.done is None else None
            if done is not None:
                serve_aliases(self._warehouse, OllamaHook(), current_settings().model.repository)
                self._write(alarm, Consequence("rolled_back", ROLLED_BACK), done.promotion_id)

    def _end(self) -> None:
        """End the alarms of what is as it was, and of a champion that serves no more."""
        rings = {each.check for each in self.seen.found if each.rang is not None}
        for alarm in self._warehouse.alarms():
            of_another = alarm.check in OF_MODEL and alarm.model != self._champion.model
            gone = of_another or alarm.line_id != self._line_id
            if gone or (self.seen.found and alarm.check not in rings):
                why = f"{alarm.model} serves no more" if gone else "things are as they were"
                log.info("alarm %d is over, %s: %s", alarm.alarm_id, why, alarm.text)
                self._warehouse.end_alarm(alarm.alarm_id, self._record.last)
                end_incident(watched(alarm))

    def _open(self, seen: Watched) -> None:
        found = self._record.check(seen)
        text = finding(seen.check, seen.what, self._champion.model, found.since, seen.mean, seen.level)
        self._warehouse.open_alarm(
            self._run_key,
            NewAlarm(
                self._line_id, seen.check, self._champion.model, seen.what, text, found.since,
                self._record.session(seen.rang or 0),
            ),
        )  # fmt: skip

    def _follow(self, rings: _Rings) -> None:
        """Do once what follows an alarm, and write it."""
        alarm = rings.alarm
        if alarm.done is not None:
            return
        follows, promotion_id = consequence(self._wanted, self._blame(rings)), None
        if follows.done == "rolled_back":
            try:
                promotion_id = put_back(self._warehouse, self._run_key, alarm.text).promotion_id
            except (ModelMissing, NotFound) as error:
                follows = Consequence("marked", f"not rolled back: {error}")
        self._write(alarm, follows, promotion_id)

    def _write(self, alarm: Alarm, follows: Consequence, promotion_id: int | None) -> None:
        self._warehouse.follow_alarm(alarm.alarm_id, follows.done, follows.because, promotion_id)
        log.warning("%s; %s: %s", alarm.text, follows.done, follows.because)

    def _blame(self, rings: _Rings) -> Blame:
        began = rings.check.began if rings.check.began is not None else rings.check.rang or 0
        previous, champion = self._warehouse.alias("previous"), self._warehouse.champion()
        own = self.seen.speaker.most_since(began, self._champion.digest)
        still = champion is not None and champion.model == rings.alarm.model == self._champion.model
        return Blame(
            rings.alarm.check,
            still,
            own,
            None if previous is None else previous.model,
            None if previous is None else self._fails(previous, began),
        )

    def _fails(self, previous: Alias, began: int) -> str | None:
        """Return why the previous champion is no better; None where the watch knows nothing against it."""
        if any(
            each.model == previous.model and each.done == "rolled_back"
            for each in self._warehouse.alarms(is_open=False)
        ):
            return "was rolled back by the watch before"
        known = self._warehouse.model(previous.model)
        line_id = None if known is None else known.line_id
        if line_id is None:
            return None
        if line_id == self._line_id and self.seen.speaker.spoke_in(began, previous.digest):
            return "is of the same line, and spoke for it when this began"
        theirs = self._record.line(line_id, previous.digest)
        if line_id == self._line_id and not theirs.speaker.spoke_in(began, previous.digest):
            return None
        rings = [each.check for each in theirs.found if each.rang is not None]
        return f"fails in the record too: {', '.join(rings)}" if rings else None
