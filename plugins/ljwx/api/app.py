"""The application of `ljwx serve`."""

from __future__ import annotations

from fastapi import FastAPI

from ljwx import __version__
from ljwx.api import errors, ollama, openai, routes
from ljwx.api.limits import BODY_SECONDS, Limits
from ljwx.api.state import State
from ljwx.services.analysing.analyst import Analyst
from ljwx.services.config import ServeSettings
from ljwx.services.tokens import Gatekeeper

_ABOUT = (
    "Analyses of A-shares by a language model, with each number checked against the facts of its session. "
    "Everything here is AI-generated, for research only, and no investment advice. "
    "人工智能生成,仅供研究,不构成投资建议。"
)


def make_app(settings: ServeSettings, body_seconds: float = BODY_SECONDS) -> FastAPI:
    """Return the application; nothing is asked of the database or a model server before a request comes."""
    app = FastAPI(
        title="ljwx-stock",
        version=__version__,
        description=_ABOUT,
        openapi_url=f"{routes.PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    analyst = Analyst(asking=settings.asking)
    app.state.ljwx = State(analyst, Gatekeeper(analyst.warehouse), settings)
    errors.install(app)
    for router in (routes.open_router, routes.router, openai.router, ollama.root, ollama.router):
        app.include_router(router)
    app.add_middleware(Limits, requests=settings.requests, body_seconds=body_seconds)
    return app


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
        server_header=False,
    )
