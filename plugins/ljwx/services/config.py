"""The settings in force, and what they may be."""

from __future__ import annotations

from typing import Any

from ljwx.settings import Settings, current_settings, schema
from ljwx.settings.serve import ServeSettings, overlaid

__all__ = ["ServeSettings", "serve_settings", "settings_in_force", "settings_schema"]


def settings_in_force() -> Settings:
    """Return file and Variable together.

    :raises ConfigurationError: naming the path of every wrong value.
    """
    return current_settings()


def settings_schema() -> dict[str, Any]:
    """Return the JSON schema of the settings."""
    return schema()


def serve_settings(**changed: Any) -> ServeSettings:
    """Return the settings of `ljwx serve` with other values in some fields; None leaves one as it is.

    :raises ConfigurationError: naming what is wrong with them together.
    """
    return overlaid(current_settings().serve, changed)
