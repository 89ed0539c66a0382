"""Tokens of those who ask through the API: made, listed, revoked, and checked with a limit on each."""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass

from ljwx.exceptions import ConfigurationError, NotFound
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.warehouse.served.tokens import ApiToken
from ljwx.warehouse.served.watchlists import Owner

__all__ = ["ApiToken", "Gatekeeper", "NewToken", "add_token", "revoke_token", "tokens"]

PREFIX = "ljwx_"
PER_MINUTE = 60
MOST_PER_MINUTE = 100_000
KNOWN_SECONDS = 5.0
"""A revoked token is refused after so long at most."""
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True)
class NewToken:
    """A token that was just made.

    :param token: what a client sends; it is shown now and never again.
    """

    name: str
    per_minute: int
    token: str


def add_token(name: str, per_minute: int = PER_MINUTE) -> NewToken:
    """Make a token.

    :raises ConfigurationError: the name is none, or was given before, also to a token that is revoked.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"{name!r} is no name of a token: use letters, digits, '.', '_' and '-', 64 at most")
    if not 1 <= per_minute <= MOST_PER_MINUTE:
        raise ConfigurationError(f"a token makes 1 to {MOST_PER_MINUTE} requests a minute, not {per_minute}")
    token = PREFIX + secrets.token_urlsafe(32)
    if not WarehouseHook().add_token(name, _sha256(token), per_minute):
        raise ConfigurationError(f"there was a token {name} before; give this one another name")
    return NewToken(name, per_minute, token)


def tokens() -> list[ApiToken]:
    """Return all tokens, also revoked ones, without what a client sends."""
    return WarehouseHook().tokens()


def revoke_token(name: str) -> None:
    """Revoke a token, and forget its watchlist.

    :raises NotFound: there is no valid one of this name.
    """
    warehouse = WarehouseHook()
    if not warehouse.revoke_token(name):
        raise NotFound(f"no valid token is called {name!r}; `ljwx token list` lists them")
    warehouse.change_watchlist(Owner("token", name), lambda _: [])


class Gatekeeper:
    """Knows who asks, and how often each token was used in the last minute; shared by threads."""

    def __init__(self, warehouse: WarehouseHook) -> None:
        self._warehouse = warehouse
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, ApiToken]] = {}
        self._uses: dict[str, deque[float]] = {}

    def owner(self, token: str) -> ApiToken | None:
        """Return whose token it is; None of one that is not valid."""
        digest, now = _sha256(token), time.monotonic()
        with self._lock:
            self._known = {key: each for key, each in self._known.items() if now - each[0] < KNOWN_SECONDS}
            if digest in self._known:
                return self._known[digest][1]
        found = self._warehouse.valid_token(digest)
        if found is not None:
            with self._lock:
                self._known[digest] = (now, found)
        return found

    def wait_seconds(self, owner: ApiToken) -> int:
        """Count a request; return 0 where it is within the limit, else the seconds until the next one is."""
        now = time.monotonic()
        with self._lock:
            uses = self._uses.setdefault(owner.name, deque())
            while uses and now - uses[0] >= 60:
                uses.popleft()
            if len(uses) >= owner.per_minute:
                return max(1, int(60 - (now - uses[0])) + 1)
            uses.append(now)
            return 0


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
