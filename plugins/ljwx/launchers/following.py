"""Start the trainer of a job, or take up the one that runs, and follow it until it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from ljwx.core.training.job import Line, Outcome, Started, TrainingSettings, cured, furthest_step, progress_text
from ljwx.exceptions import LauncherUnreachable, TrainingError, TrainingFailed
from ljwx.launchers import LAUNCHERS
from ljwx.launchers.folder import (
    error_of,
    forget_end,
    is_held,
    launching,
    lines_of,
    remember,
    result_of,
    signs_of_life,
    started_of,
)
from ljwx.launchers.interface import Launcher

TELL_SECONDS = 10.0
"""Steps are logged no more often; each look at unseen samples is."""


BLIND_SECONDS = 300.0
"""For so long it does not matter that Kubernetes gives no answer: the trainer goes on meanwhile."""


def begin(job: Path, settings: TrainingSettings, again: bool = False) -> tuple[Started, bool]:
    """Return the trainer of a job, and whether it was started now; one that runs is taken up.

    :param again: because one vanished, which is counted while it comes no further.

    :raises ConfigurationError: it cannot be started; the message names the setting.
    :raises TrainingFailed: it vanished too often without coming further.
    """
    with launching(job):
        known = started_of(job)
        if known and launcher_of(known, settings).is_running(job, known):
            return known, False
        launcher = LAUNCHERS[settings.launcher](settings)
        found = launcher.find(job)
        if found:
            remember(job, found)
            return found, False
        launcher.check(job)
        forget_end(job)
        step = furthest_step(lines_of(job))
        attempt = known.attempt + 1 if again and known and step <= known.from_step else 1
        started = replace(launcher.start(job), attempt=attempt, from_step=step)
        remember(job, started)
        return started, True


def end(job: Path, settings: TrainingSettings) -> None:
    """End the trainer of a job, if there is one."""
    started = started_of(job)
    if started:
        launcher_of(started, settings).stop(job, started)


def clean(job: Path, settings: TrainingSettings) -> None:
    """Remove what the trainer of a job leaves behind when it has ended."""
    started = started_of(job)
    if started:
        launcher_of(started, settings).clean(job, started)


def is_trained_in(job: str, settings: TrainingSettings) -> bool:
    """Tell whether a trainer works in a folder, which need not be there any more; where nobody can say, one does."""
    folder = Path(job)
    started = started_of(folder)
    if started is None:
        return is_held(folder)
    try:
        return launcher_of(started, settings).is_running(folder, started)
    except TrainingError:
        return True


def launcher_of(started: Started, settings: TrainingSettings) -> Launcher:
    """Return the launcher that started a trainer, whatever the settings name by now."""
    return LAUNCHERS[started.launcher](settings)


def refuse_more(job: Path, settings: TrainingSettings, outcome: Outcome) -> None:
    """Stop starting a trainer again that vanishes without coming further.

    :raises TrainingFailed: with the last that it printed.
    """
    started = started_of(job)
    if started is None or furthest_step(lines_of(job)) > started.from_step:
        return
    if started.attempt > settings.restarts:
        raise TrainingFailed(
            f"the trainer of {job} ended {started.attempt} times without coming further than step "
            f"{started.from_step}, and did not say why; {outcome.message}"
        )


@dataclass
class Follower:
    """Follows one trainer, from any process: all that it knows is in the job's folder.

    :param silent_seconds: without a sign of life for so long the trainer counts as stuck.
    """

    job: Path
    settings: TrainingSettings
    silent_seconds: float
    _seen: int | None = None
    _signs: object = None
    _moved: float = field(default_factory=time.monotonic)
    _answered: float = field(default_factory=time.monotonic)
    _spoke: float = -TELL_SECONDS

    def poll(self) -> tuple[list[str], Outcome | None]:
        """Return what is new, for people, and how it ended; None while it goes on."""
        started = started_of(self.job)
        running = started is not None and self._is_running(started)
        texts = list(self._news())
        return texts, self._silence() if running else self._end()

    def _is_running(self, started: Started) -> bool:
        """Tell whether it is there; while nobody can say, it is.

        :raises LauncherUnreachable: nobody could say for minutes.
        """
        try:
            running = launcher_of(started, self.settings).is_running(self.job, started)
        except LauncherUnreachable:
            if time.monotonic() - self._answered > BLIND_SECONDS:
                raise
            return True
        self._answered = time.monotonic()
        return running

    def _end(self) -> Outcome:
        error = error_of(self.job)
        if error is not None:
            return Outcome("failed", cured(error))
        if result_of(self.job) is not None:
            return Outcome("finished")
        words = self._words()
        if "No module named ljwx_training" in words or "No module named torch" in words:
            return Outcome("failed", cured({"error": "not_installed", "message": words}))
        return Outcome("gone", f"its last line: {words}" if words else "it printed nothing")

    def _silence(self) -> Outcome | None:
        signs, now = signs_of_life(self.job), time.monotonic()
        if signs != self._signs:
            self._signs, self._moved = signs, now
        if now - self._moved < self.silent_seconds:
            return None
        step = furthest_step(lines_of(self.job))
        words = self._words()
        silence = f"no sign of life for {self.silent_seconds / 60:g} minutes after step {step}"
        return Outcome("silent", f"{silence} ({words})" if words else silence)

    def _words(self) -> str:
        started = started_of(self.job)
        return launcher_of(started, self.settings).last_words(self.job, started) if started else ""

    def _news(self) -> Iterator[str]:
        """Yield each new look at unseen samples, and now and then the newest step; at first the newest alone."""
        lines = lines_of(self.job)
        known = len(lines) - 1 if self._seen is None else self._seen
        first, self._seen = max(0, min(known, len(lines))), len(lines)
        for at in range(first, len(lines)):
            if lines[at].kind != "step" or (at == len(lines) - 1 and self._may_speak(lines[at])):
                yield progress_text(lines[: at + 1])

    def _may_speak(self, line: Line) -> bool:
        now = time.monotonic()
        if now - self._spoke < TELL_SECONDS and line.step != line.of:
            return False
        self._spoke = now
        return True
