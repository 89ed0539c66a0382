"""The application: alone as `ljwx serve` runs it, and as Airflow mounts it."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, FastAPI

from ljwx import __version__
from ljwx.api import bars, coverage, errors, models, ollama, openai, overviews, pages, record, routes
from ljwx.api.access import TOKEN
from ljwx.api.limits import BODY_SECONDS, Limits
from ljwx.api.own import watchlist
from ljwx.api.own.streams import Streams
from ljwx.api.state import State
from ljwx.api.stored import Documents
from ljwx.services.analysing.analyst import Analyst
from ljwx.services.config import ServeSettings, serve_settings
from ljwx.services.data_state import data_state
from ljwx.services.pages.coverage import coverage_keeper
from ljwx.services.pages.keeper import Keeper
from ljwx.services.pages.models import Comparisons
from ljwx.services.pages.record import record_keeper
from ljwx.services.tokens import Gatekeeper

_ABOUT = (
    "Analyses of A-shares by a language model, with each number checked against the facts of its session. "
    "Everything here is AI-generated, for research only, and no investment advice. "
    "人工智能生成,仅供研究,不构成投资建议。"
)
DATA: Final[tuple[APIRouter, ...]] = (
    routes.router, bars.router, record.router, models.router, coverage.router, overviews.router, watchlist.router,
)  # fmt: skip
"""Every router with data; a login stands before each of its routes, whichever way it is served."""


def make_app(settings: ServeSettings, body_seconds: float = BODY_SECONDS) -> FastAPI:
    """Return the application of `ljwx serve`; nothing is asked of the database or a model server before a request."""
    from ljwx.api import mcp  # the SDK, which Airflow's API server and other commands do without

    state = _state(settings, prices=settings.is_local, in_airflow=False)
    app = _app(state, TOKEN, routes.PREFIX, mcp.lifespan(state))
    app.include_router(pages.router, prefix="/ljwx")
    for router in (openai.router, ollama.root, ollama.router, mcp.router):
        app.include_router(router)
    app.add_middleware(Limits, requests=settings.requests, body_seconds=body_seconds)
    return app


BESIDE_AIRFLOW = 8
"""Requests at once at most: they hold threads of the API server, which Airflow's own routes need too."""


def mounted_app(login: Any) -> FastAPI:
    """Return the application that Airflow mounts at `/ljwx`; no route answers without its login, the page neither.

    :param login: a dependency that lets nobody else in.
    """
    settings = serve_settings()
    settings = settings.model_copy(update={"requests": min(settings.requests, BESIDE_AIRFLOW)})
    app = _app(_state(settings, prices=True, in_airflow=True), login, "/api/v1")
    app.include_router(pages.router, dependencies=[login])
    app.add_middleware(Limits, requests=settings.requests, body_seconds=BODY_SECONDS)
    return app


def _state(settings: ServeSettings, *, prices: bool, in_airflow: bool) -> State:
    analyst = Analyst(asking=settings.asking, queue_seconds=settings.queue_seconds)
    warehouse = analyst.warehouse
    return State(
        analyst=analyst,
        documents=Documents(analyst, settings.operator),
        streams=Streams(settings.requests),
        gatekeeper=Gatekeeper(warehouse),
        settings=settings,
        record=record_keeper(warehouse),
        data=Keeper(warehouse.written_state, lambda: data_state(warehouse)),
        coverage=coverage_keeper(warehouse),
        comparisons=Comparisons(),
        prices=prices,
        in_airflow=in_airflow,
    )


def _app(state: State, login: Any, prefix: str, lifespan: Any = None) -> FastAPI:
    app = FastAPI(
        title="ljwx-stock",
        version=__version__,
        description=_ABOUT,
        openapi_url=f"{prefix}/openapi.json" if prefix == routes.PREFIX else None,  # it has no login
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.ljwx = state
    errors.install(app)
    app.include_router(routes.open_router, prefix=prefix)
    for router in DATA:
        app.include_router(router, prefix=prefix, dependencies=[login])
    return app


def serve_mcp(settings: ServeSettings) -> None:
    """Answer one agent over MCP on stdin and stdout, until it goes; as its own user, it has no token."""
    from ljwx.api.mcp import run_stdio  # the SDK

    run_stdio(_state(settings, prices=True, in_airflow=False))


CONNECTIONS = 1000
"""Open at once at most, idle and slow ones too; more get 503."""


def serve(settings: ServeSettings) -> None:
    """Serve until the process is ended; no line of the log holds a request's headers or path."""
    import uvicorn  # not for those who only make the application

    uvicorn.run(
        make_app(settings),
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_level="warning",
        timeout_keep_alive=10,
        limit_concurrency=CONNECTIONS,
        server_header=False,
    )
