"""Reading the settings: include/training_config.json, overridden by the Airflow Variable `ljwx_training_config`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pydantic import ValidationError

from ljwx.core.datasets.spec import path_of
from ljwx.environment import is_airflow_configured, variable
from ljwx.exceptions import ConfigurationError
from ljwx.resources import CONFIGURATION, included
from ljwx.settings.sections import Settings

VARIABLE = "ljwx_training_config"
FILE_ONLY = ("schedules", "deadlines", "alerts")
"""Sections that Airflow reads off the file where no Variable can be asked for: in DAG files and callbacks."""


def load_settings(overrides: Mapping[str, Any] | None = None, source: str = f"the Variable {VARIABLE}") -> Settings:
    """Read the file and lay `overrides` over it, key by key.

    :param source: where the overrides come from, for the error.
    :raises ConfigurationError: naming the path of every wrong value.
    """
    path = included(CONFIGURATION)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read as JSON: {error}") from error
    values.pop("$schema", None)
    try:
        return Settings.model_validate(_merged(values, overrides or {}))
    except ValidationError as error:
        wrong = "; ".join(_problem(e["loc"], e["msg"]) for e in error.errors())
        raise ConfigurationError(f"{path.name} or {source}: {wrong}") from None


def current_settings() -> Settings:
    """Return the settings in force: the Variable over the file, and inside a task the run's param `model` over both."""
    text = _variable()
    try:
        # Read here: Airflow takes a Variable of the environment that is no JSON for one that is not there.
        overrides = json.loads(text) if text else None
    except ValueError as error:
        raise ConfigurationError(f"the Variable {VARIABLE} is not JSON: {error}") from None
    if not isinstance(overrides, Mapping | None):
        kind = type(overrides).__name__
        raise ConfigurationError(f"the Variable {VARIABLE} must be a JSON object of sections, not a {kind}")
    misplaced = [section for section in FILE_ONLY if section in (overrides or {})]
    if misplaced:
        raise ConfigurationError(f"the Variable {VARIABLE}: {misplaced[0]} is read off training_config.json alone")
    chosen = _of_this_run()
    if not chosen:
        return load_settings(overrides)
    if isinstance(chosen, Mapping) and "repository" in chosen:
        raise ConfigurationError("the param model: repository names what all runs serve, and is none of a single one")
    return load_settings(_merged(overrides or {}, {"model": chosen}), f"the Variable {VARIABLE} or the param model")


def _variable() -> str | None:
    """Return the Variable's text, without Airflow where that can be; None where there is none."""
    text = variable(VARIABLE)
    if text is not None or not is_airflow_configured():
        return text
    from ljwx.airflow_database import AirflowNeeded, stored_variable

    with suppress(AirflowNeeded):
        return stored_variable(VARIABLE)
    from airflow.sdk import Variable

    found: str | None = Variable.get(VARIABLE, default=None)
    return found


def _of_this_run() -> Any:
    """Return the run's param `model`; None outside of a task."""
    if "airflow" not in sys.modules:
        return None
    from airflow.sdk import get_current_context

    try:
        return get_current_context()["params"].get("model")
    except RuntimeError:
        return None


def _problem(path: tuple[int | str, ...], problem: str) -> str:
    """Name a problem by its path; one between sections names its paths itself."""
    return f"{path_of(path)}: {problem}" if path else problem.removeprefix("Value error, ")


def _merged(values: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(values)
    for key, value in overrides.items():
        nested = isinstance(value, Mapping) and isinstance(both.get(key), Mapping)
        both[key] = _merged(both[key], value) if nested else value
    return both
