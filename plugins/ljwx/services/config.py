"""The settings in force, and what they may be."""

from __future__ import annotations

from typing import Any

from ljwx.settings import Settings, current_settings, schema


def settings_in_force() -> Settings:
    """Return file and Variable together.

    :raises ConfigurationError: naming the path of every wrong value.
    """
    return current_settings()


def settings_schema() -> dict[str, Any]:
    """Return the JSON schema of the settings."""
    return schema()
