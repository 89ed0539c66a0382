"""Whose a request is."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from ljwx.api.errors import Refused
from ljwx.services.analysing.watchlists import Owner

__all__ = ["Owner", "note_owner", "owner_of"]


def note_owner(request: Request, owner: Owner) -> None:
    """Let a request be somebody's, whose login was checked."""
    request.state.ljwx_owner = owner


def owner_of(request: Request) -> Owner:
    """Return whose a request is.

    :raises Refused: the login names nobody.
    """
    owner: Any = getattr(request.state, "ljwx_owner", None)
    if not isinstance(owner, Owner):
        raise Refused(403, "nobody", "this login names nobody to whom a watchlist could belong")
    return owner
