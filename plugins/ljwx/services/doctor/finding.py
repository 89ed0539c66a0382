"""What was found of one part, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from ljwx.resources import OLLAMA_CONN_ID, POSTGRES_CONN_ID, TUSHARE_CONN_ID


@dataclass(frozen=True)
class Finding:
    """What was found of a part.

    :param ok: None when it could not be looked at, and does not have to be.
    :param advice: what to do; empty when it is fine.
    """

    part: str
    ok: bool | None
    found: str
    advice: str = ""


def advice(part: str) -> str:
    """Return what to do where a part could not be looked at."""
    if part == "settings":
        return "correct include/training_config.json or the Variable ljwx_training_config"
    if part == "tushare":
        return f"see the connection {TUSHARE_CONN_ID}"
    if part == "servers":
        return "see the connections that evaluation.servers names"
    if part in ("ollama", "base"):
        return f"see the connection {OLLAMA_CONN_ID}, and whether Ollama runs"
    return f"see the connection {POSTGRES_CONN_ID}, and whether PostgreSQL runs"
