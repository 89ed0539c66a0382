"""The section `serve`: where `ljwx serve` listens, who answers for it, and how much is asked at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ljwx.exceptions import ConfigurationError

LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
"""Where only this machine is served."""


class ServeSettings(BaseModel):
    """`ljwx serve`.

    :param host: address to listen on; beyond this machine there has to be an operator.
    :param operator: who answers for what is served, as each answer says; null: nobody but the one who asks.
    :param asking: analyses for which models are asked at a time; others wait for their turn.
    :param queue_seconds: an analysis waits so long at most, and is refused for now then; a long queue refuses at once.
    :param requests: requests that are worked on at a time, whatever they ask.
    :param chat_without_token: let the Ollama-compatible routes answer without a token, since its command line has none
        to give; only where this machine alone is served.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8088, ge=1, le=65535)
    operator: str | None = Field(default=None, min_length=1, max_length=100)
    asking: int = Field(default=2, ge=1, le=100)
    queue_seconds: float = Field(default=20.0, ge=0, le=300)
    requests: int = Field(default=64, ge=1, le=10_000)
    chat_without_token: bool = False

    @property
    def is_local(self) -> bool:
        """Whether only this machine is served."""
        return self.host in LOOPBACK

    @model_validator(mode="after")
    def _is_answered_for(self) -> ServeSettings:
        if not self.is_local and self.operator is None:
            raise ValueError(f"serve.operator: name who answers for what is served on {self.host}")
        if not self.is_local and self.chat_without_token:
            raise ValueError(f"serve.chat_without_token: {self.host} serves more than this machine; use tokens")
        return self


def overlaid(settings: ServeSettings, changed: Mapping[str, Any]) -> ServeSettings:
    """Return the settings with other values in some fields; None leaves one as it is.

    :raises ConfigurationError: naming what is wrong with them together.
    """
    values = settings.model_dump() | {key: value for key, value in changed.items() if value is not None}
    try:
        return ServeSettings.model_validate(values)
    except ValidationError as error:
        problems = (each["msg"].removeprefix("Value error, ") for each in error.errors())
        raise ConfigurationError("; ".join(problems)) from None
