"""Train the job of a folder, wherever the settings say, and follow it to its result."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from ljwx import exceptions
from ljwx.core.training.job import Outcome
from ljwx.exceptions import TrainingFailed
from ljwx.triggers.training import TrainingTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ljwx.core.training.job import TrainingSettings


class TrainOperator(BaseOperator):
    """Run the job at `job` to its result.json, by the launcher that the settings name.

    Returns ``{"job": path, "gguf_sha256": 64 hex digits, "adapter_sha256": 64 hex digits}``; all None where there is no
    job, for a strategy that changes no weights. A finished job is not trained again; a trainer that runs is taken up;
    one that vanished is started again, and goes on from its checkpoint. Raises TrainingFailed when it cannot go on.

    :param job: folder with job.json, on a disk (templated).
    :param deferrable: follow the training in the triggerer instead of keeping a worker slot.
    :param poll_seconds: between two looks at the folder.
    """

    template_fields: Sequence[str] = ("job",)

    def __init__(self, *, job: str | None, deferrable: bool = True, poll_seconds: float = 5.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job = job
        self.deferrable = deferrable
        self.poll_seconds = poll_seconds

    def execute(self, context: Context) -> dict[str, str | None]:
        """Start the trainer, or take up the one that runs, and follow it."""
        if not self.job:
            self.log.info("Nothing to train: this strategy changes no weights")
            return {"job": None, "gguf_sha256": None, "adapter_sha256": None}
        from ljwx.launchers.folder import result_of

        folder, settings = self._folder(), self._settings()
        if result_of(folder) is not None:
            self.log.info("%s is already trained", folder)
            return self._result(folder)
        return self._train(context, folder, settings)

    def finish(self, context: Context, event: dict[str, Any]) -> dict[str, str | None]:
        """Take the result, say why there is none, or start a trainer again that vanished."""
        if event.get("error"):
            raise getattr(exceptions, event["error"])(event["message"])
        return self._ended(context, self._folder(), self._settings(), Outcome(**event))

    def on_kill(self) -> None:
        """End the trainer: this task was cancelled while it followed it."""
        from ljwx.launchers.following import end

        if self.job:
            end(self._folder(), self._settings())

    def _train(
        self, context: Context, folder: Path, settings: TrainingSettings, again: bool = False
    ) -> dict[str, str | None]:
        from ljwx.launchers.following import begin

        started, new = begin(folder, settings, again)
        what = "Started" if new else "Taking up"
        self.log.info("%s the trainer of %s: %s %s on %s", what, folder, started.launcher, started.name, started.place)
        if self.deferrable:
            trigger = TrainingTrigger(str(folder), settings.model_dump(mode="json"), self.poll_seconds)
            self.defer(trigger=trigger, method_name="finish", timeout=self.execution_timeout)
        return self._ended(context, folder, settings, self._followed(folder, settings))

    def _followed(self, folder: Path, settings: TrainingSettings) -> Outcome:
        from ljwx.launchers.following import Follower

        follower = Follower(folder, settings, settings.silent_minutes * 60)
        while True:
            texts, outcome = follower.poll()
            for text in texts:
                self.log.info(text)
            if outcome is not None:
                return outcome
            time.sleep(self.poll_seconds)

    def _ended(
        self, context: Context, folder: Path, settings: TrainingSettings, outcome: Outcome
    ) -> dict[str, str | None]:
        from ljwx.launchers.following import clean, end, refuse_more

        if outcome.state in {"finished", "failed"}:
            clean(folder, settings)
        if outcome.state == "finished":
            return self._result(folder)
        if outcome.state == "silent":
            end(folder, settings)
            raise TrainingFailed(
                f"{outcome.message}: the trainer was ended; clear this task to go on from its last checkpoint, "
                "or raise training.silent_minutes"
            )
        if outcome.state == "failed":
            raise TrainingFailed(outcome.message)
        refuse_more(folder, settings, outcome)
        self.log.warning("The trainer is gone, and did not say why; %s. Starting it again", outcome.message)
        return self._train(context, folder, settings, again=True)

    def _result(self, folder: Path) -> dict[str, str | None]:
        from ljwx.launchers.folder import result_of

        made = result_of(folder)
        if made is None:
            raise TrainingFailed(f"there is no result in {folder}: clear this task")
        self.log.info("Trained: merged GGUF sha256 %s", made.gguf_sha256)
        return {"job": str(folder), "gguf_sha256": made.gguf_sha256, "adapter_sha256": made.adapter_sha256}

    def _folder(self) -> Path:
        from ljwx.launchers.folder import local_folder

        return local_folder(str(self.job))

    def _settings(self) -> TrainingSettings:
        from ljwx.settings import current_settings  # it loads every strategy

        return current_settings().training
