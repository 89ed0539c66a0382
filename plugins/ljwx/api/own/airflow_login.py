"""Airflow's own login: whoever may see its plugins, and whose the request is. Loads Airflow's API server."""

from __future__ import annotations

from typing import Annotated

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.core_api.security import get_user, requires_access_view
from fastapi import Depends, Request

from ljwx.api.own.owner import Owner, note_owner

_allowed = requires_access_view(AccessView.PLUGINS)


def logged_in(request: Request, user: Annotated[BaseUser, Depends(get_user)]) -> None:
    """Let nobody else in: 401 without a login, 403 where that is not enough."""
    _allowed(request, user)
    note_owner(request, Owner("user", user.get_id()))
