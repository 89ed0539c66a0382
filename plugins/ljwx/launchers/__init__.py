"""Where a training runs: one module a kind of place, each known by its job's folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ljwx.core.training.job import TrainingSettings
from ljwx.exceptions import ConfigurationError
from ljwx.launchers.interface import Launcher
from ljwx.launchers.process import ProcessLauncher


def _pod(settings: TrainingSettings) -> Launcher:
    try:
        from ljwx.launchers.pod import PodLauncher  # its provider is an extra of the wheel
    except ImportError as error:
        raise ConfigurationError(
            f"training.launcher: pod needs {error.name}: install the extra, pip install 'ljwx-stock[kubernetes]'"
        ) from error
    return PodLauncher(settings)


LAUNCHERS: Mapping[str, Callable[[TrainingSettings], Launcher]] = MappingProxyType(
    {"process": ProcessLauncher, "pod": _pod}
)
"""By the name that ``training.launcher`` gives."""
