"""Follow a trainer in the triggerer, so that no worker slot waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from ljwx.exceptions import LjwxError

if TYPE_CHECKING:
    from ljwx.launchers.following import Follower

log = logging.getLogger(__name__)


class TrainingTrigger(BaseTrigger):
    """Tell in the task's log how far a training is, until it ends; started again elsewhere, it goes on from there.

    Its one event is an outcome of :class:`ljwx.core.training.job.Outcome` as a dict, or the name of an exception class
    of :mod:`ljwx.exceptions` with its message.

    :param job: the job's folder.
    :param settings: of the section `training`, as JSON can hold them.
    :param poll_seconds: between two looks at the folder.
    """

    def __init__(self, job: str, settings: dict[str, Any], poll_seconds: float = 5.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.job = job
        self.settings = settings
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and what makes this trigger again in another process."""
        fields = {"job": self.job, "settings": self.settings, "poll_seconds": self.poll_seconds}
        return f"{type(self).__module__}.{type(self).__qualname__}", fields

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look at the folder in a thread: a disk can be slow, and the triggerer must not wait."""
        try:
            follower = await asyncio.to_thread(self._follower)
            while True:
                texts, outcome = await asyncio.to_thread(follower.poll)
                for text in texts:
                    log.info(text)
                if outcome is not None:
                    break
                await asyncio.sleep(self.poll_seconds)
        except LjwxError as error:
            yield TriggerEvent({"error": type(error).__name__, "message": str(error)})
            return
        yield TriggerEvent(asdict(outcome))

    async def on_kill(self) -> None:
        """End the trainer: somebody has failed or cleared the task. A triggerer that stops does not come here."""
        await asyncio.to_thread(self._end)

    def _follower(self) -> Follower:
        from ljwx.core.training.job import TrainingSettings
        from ljwx.launchers.following import Follower

        settings = TrainingSettings.model_validate(self.settings)
        return Follower(Path(self.job), settings, settings.silent_minutes * 60)

    def _end(self) -> None:
        from ljwx.core.training.job import TrainingSettings
        from ljwx.launchers.following import end

        end(Path(self.job), TrainingSettings.model_validate(self.settings))
