"""Who asks: the token of a request, and whether it may ask now."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ljwx.api.errors import Refused
from ljwx.api.own.owner import Owner, note_owner
from ljwx.api.state import state_of

_BEARER = HTTPBearer(auto_error=False, description="A token that `ljwx token add NAME` has made.")


def require_token(request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]) -> None:
    """Let a request with a valid token pass, as often as its limit says.

    :raises Refused: 401 without a token, 403 with one that is not valid, 429 above its limit.
    """
    if given is None:
        raise Refused(401, "no_token", "send a token: Authorization: Bearer TOKEN; `ljwx token add NAME` makes one")
    gatekeeper = state_of(request).gatekeeper
    owner = gatekeeper.owner(given.credentials)
    if owner is None:
        raise Refused(403, "bad_token", "this token is not valid; `ljwx token list` lists those that are")
    note_owner(request, Owner("token", owner.name))
    wait = gatekeeper.wait_seconds(owner)
    if wait:
        raise Refused(429, "too_often", f"this token makes {owner.per_minute} requests a minute at most", wait)


def require_token_for_chat(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> None:
    """As :func:`require_token`, but where the settings let this machine chat without one."""
    if given is None and state_of(request).settings.chat_without_token:
        return
    require_token(request, given)


TOKEN: Any = Depends(require_token)
CHAT_TOKEN: Any = Depends(require_token_for_chat)
