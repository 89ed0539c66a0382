"""Tokens of those who ask through the API; what is kept of one is its hash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ljwx.warehouse.base import WarehouseBase


@dataclass(frozen=True)
class ApiToken:
    """A token by its name.

    :param per_minute: requests that it may make in a minute.
    :param revoked_at: None while it is valid.
    """

    name: str
    per_minute: int
    created_at: datetime
    revoked_at: datetime | None


class TokensVerbs(WarehouseBase):
    """Verbs of tokens."""

    def add_token(self, name: str, sha256: str, per_minute: int) -> bool:
        """Write a token; False where the name was given before."""
        return bool(self.execute("tokens/add", name=name, sha256=sha256, per_minute=per_minute))

    def tokens(self) -> list[ApiToken]:
        """Return all tokens, also revoked ones, the oldest first."""
        return self.records(ApiToken, "tokens/all")

    def valid_token(self, sha256: str) -> ApiToken | None:
        """Return a token that is not revoked; None where there is none of this hash."""
        return self.record(ApiToken, "tokens/valid", sha256=sha256)

    def revoke_token(self, name: str) -> bool:
        """Revoke a token; False where there is no valid one of this name."""
        return bool(self.execute("tokens/revoke", name=name))
