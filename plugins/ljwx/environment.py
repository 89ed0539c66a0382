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
    return "airflow" in sys.modules or named or _path().exists()


def may_read_airflow_database() -> bool:
    """Tell whether this process may read Airflow's database and has no better way: no secrets backend, no Airflow."""
    is_server = os.environ.get("_AIRFLOW_PROCESS_CONTEXT") == "server"
    return is_server and "airflow" not in sys.modules and not _has_secrets_backend()


def airflow_configuration() -> ConfigParser:
    """Return airflow.cfg as it is written, nothing put in; empty where there is none.

    :raises configparser.Error, UnicodeError: it cannot be read.
    """
    parser = ConfigParser(interpolation=None, strict=False)
    parser.read(_path(), encoding="utf-8")
    return parser


def _environment(name: str) -> str | None:
    if "airflow" in sys.modules or _has_secrets_backend():
        return None
    return os.environ.get(name) or None


def _has_secrets_backend() -> bool:
    if any(name.startswith(("AIRFLOW__SECRETS__", "AIRFLOW__WORKERS__SECRETS_")) for name in os.environ):
        return True
    try:
        parser = airflow_configuration()
    except (ConfigError, UnicodeError):
        return True  # Airflow says what is wrong with it
    return bool(parser.get("secrets", "backend", fallback=""))


def _path() -> Path:
    home = Path(os.environ.get("AIRFLOW_HOME", "~/airflow"))
    return Path(os.environ.get("AIRFLOW_CONFIG", str(home / "airflow.cfg"))).expanduser()
