"""Connections and Variables that stand in the environment, read without loading Airflow, which takes seconds.

In a process that has loaded Airflow, and where a secrets backend is asked before the environment, Airflow is asked.
"""

from __future__ import annotations

import os
import sys
from configparser import ConfigParser
from configparser import Error as ConfigError
from pathlib import Path


def connection_url(conn_id: str) -> str | None:
    """Return the URL in `AIRFLOW_CONN_<ID>`; None where Airflow has to be asked for the connection."""
    return _environment(f"AIRFLOW_CONN_{conn_id.upper()}")


def variable(name: str) -> str | None:
    """Return the text in `AIRFLOW_VAR_<NAME>`; None where it is not there or Airflow has to be asked."""
    return _environment(f"AIRFLOW_VAR_{name.upper()}")


def is_airflow_configured() -> bool:
    """Tell whether there is an Airflow to ask: loaded, or with a configuration file or a database of its own."""
    named = any(name.startswith(("AIRFLOW__DATABASE__", "AIRFLOW__SECRETS__")) for name in os.environ)
    return "airflow" in sys.modules or named or _configuration().exists()


def _environment(name: str) -> str | None:
    if "airflow" in sys.modules or _has_secrets_backend():
        return None
    return os.environ.get(name) or None


def _has_secrets_backend() -> bool:
    if any(name.startswith(("AIRFLOW__SECRETS__", "AIRFLOW__WORKERS__SECRETS_")) for name in os.environ):
        return True
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read(_configuration(), encoding="utf-8")
    except (ConfigError, UnicodeError):
        return True  # Airflow says what is wrong with it
    return bool(parser.get("secrets", "backend", fallback=""))


def _configuration() -> Path:
    home = Path(os.environ.get("AIRFLOW_HOME", "~/airflow"))
    return Path(os.environ.get("AIRFLOW_CONFIG", str(home / "airflow.cfg"))).expanduser()
