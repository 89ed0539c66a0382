"""The package's settings: what can be set is in `sections`, where it is read from in `reading`."""

from ljwx.settings.forward import ForwardSettings
from ljwx.settings.reading import FILE_ONLY, VARIABLE, current_settings, load_settings
from ljwx.settings.sections import (
    AlertSettings,
    DeadlineSettings,
    EvaluationSettings,
    IngestSettings,
    ModelSettings,
    ScheduleSettings,
    Settings,
    schema,
)

__all__ = [
    "FILE_ONLY",
    "VARIABLE",
    "AlertSettings",
    "DeadlineSettings",
    "EvaluationSettings",
    "ForwardSettings",
    "IngestSettings",
    "ModelSettings",
    "ScheduleSettings",
    "Settings",
    "current_settings",
    "load_settings",
    "schema",
]
