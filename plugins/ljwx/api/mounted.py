"""The application inside Airflow's API server, behind Airflow's own login."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING, Any

from ljwx.exceptions import ConfigurationError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = "/ljwx"
"""Where Airflow mounts it."""


class Mounted:
    """Makes the application when the first request comes: an API server that nobody asks pays nothing for it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; wrong settings are one line until they are put right."""
        try:
            app = await asyncio.to_thread(application)
        except ConfigurationError as error:
            app = await asyncio.to_thread(refusal, error)
        await app(scope, receive, send)


@cache
def application() -> ASGIApp:
    """Return the application, with every route behind the login."""
    from fastapi import Depends

    from ljwx.api.app import mounted_app

    return mounted_app(Depends(login()))


def refusal(error: ConfigurationError) -> ASGIApp:
    """Return what answers while the application cannot be made; the log says why."""
    from ljwx.api.errors import response_of

    return response_of(error)


def login() -> Any:
    """Return Airflow's own check: whoever may see its plugins; 401 without a login, 403 where that is not enough."""
    from ljwx.api.own.airflow_login import logged_in

    return logged_in
