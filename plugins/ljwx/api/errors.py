"""One clear JSON line for whatever cannot be answered, with the status that fits it."""

from __future__ import annotations

import logging
import re
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg import Error as DatabaseError
from psycopg.errors import UndefinedColumn, UndefinedTable
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from ljwx.exceptions import Busy, ConfigurationError, LjwxError, NotFound

log = logging.getLogger(__name__)
_TOKEN: Final = re.compile(r"ljwx_[A-Za-z0-9_-]{20,}")
HIDDEN: Final = "ljwx_***"
NO_TABLES: Final = (
    "the warehouse has no tables yet, or old ones; run `ljwx migrate` (the DAG that ingests does it too)",
    "数据仓库还没有表,或表是旧版的;请运行 `ljwx migrate`(采集的 DAG 也会做)",
)
"""In English and in Chinese."""


class Problem(BaseModel):
    """What is wrong.

    :param kind: in a word for a program.
    :param chinese: the message in Chinese, where there is one.
    """

    model_config = ConfigDict(json_schema_extra={"example": {"kind": "unknown", "message": "no stock is known"}})

    kind: str
    message: str
    chinese: str | None = None


class ErrorDocument(BaseModel):
    """An answer that is none."""

    error: Problem


class Refused(Exception):
    """A request that is not answered.

    :param wait_seconds: after which it may be.
    """

    def __init__(self, status: int, kind: str, message: str, wait_seconds: int | None = None) -> None:
        super().__init__(message)
        self.status, self.kind, self.wait_seconds = status, kind, wait_seconds


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Which errors a route declares in the document, beside those that every one has."""
    every = {
        400: "not readable", 401: "no token", 403: "the token is not valid", 404: "not there", 408: "too slow",
        413: "too large", 422: "wrong values", 429: "too many requests; Retry-After says when", 503: "not now",
    }  # fmt: skip
    return {code: {"model": ErrorDocument, "description": every[code]} for code in (*statuses, 400, 408, 413, 422, 503)}


EVENT: Final = {
    "type": "object", "required": ["data"], "properties": {"data": {"type": "string"}, "event": {"type": "string"}},
}  # fmt: skip
"""One event of a stream, as a document can say it."""


def streamed(media_type: str) -> dict[int | str, dict[str, Any]]:
    """Declare that a route answers with JSON, or with a stream of this type where one is asked for."""
    schema = EVENT if media_type == "text/event-stream" else {"type": "string"}
    content: dict[str, Any] = {"application/json": {}, media_type: {"schema": schema}}
    return {200: {"description": "the whole, or a stream", "content": content}}


def problem(
    status: int, kind: str, message: str, chinese: str | None = None, wait_seconds: int | None = None
) -> JSONResponse:
    """Return an error as a response, in which no token stands that a client has put in a wrong place."""
    message, chinese = _TOKEN.sub(HIDDEN, message), None if chinese is None else _TOKEN.sub(HIDDEN, chinese)
    document = ErrorDocument(error=Problem(kind=kind, message=message, chinese=chinese))
    headers = {"Retry-After": str(wait_seconds)} if wait_seconds else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(document.model_dump(exclude_none=True), status, headers)


def response_of(error: Exception) -> JSONResponse:
    """Return what is said to a request that ran into an error."""
    if isinstance(error, Refused):
        return problem(error.status, error.kind, str(error), wait_seconds=error.wait_seconds)
    if isinstance(error, NotFound):
        return problem(404, error.kind, str(error), error.chinese if error.chinese != str(error) else None)
    if isinstance(error, Busy):
        return problem(429, "busy", str(error), error.chinese, 60)
    if isinstance(error, ConfigurationError):
        log.error("a request ran into a wrong configuration: %s", error)
        return problem(503, "configuration", "the service is not set up rightly; its log says what is wrong")
    log.error("a request failed: %s: %s", type(error).__name__, error)
    if isinstance(error, UndefinedTable | UndefinedColumn):
        return problem(503, "no_tables", *NO_TABLES)
    if isinstance(error, LjwxError):
        return problem(503, "model_server", "the model server gave no answer; try again later", wait_seconds=60)
    return problem(503, "unavailable", "the service cannot answer now; try again later", wait_seconds=60)


def install(app: FastAPI) -> None:
    """Let an application answer errors so."""

    async def failed(_: Request, error: Exception) -> JSONResponse:
        return response_of(error)

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        found = error.errors() if isinstance(error, RequestValidationError) else []
        said = "; ".join(f"{'.'.join(map(str, each['loc'][1:])) or each['loc'][0]}: {each['msg']}" for each in found)
        return problem(422, "invalid", said.encode("utf-8", "replace").decode()[:500] or "not what is asked for")

    async def unknown(_: Request, error: Exception) -> JSONResponse:
        status = error.status_code if isinstance(error, HTTPException) else 500
        kinds = {401: "no_login", 403: "no_access", 404: "no_route", 405: "no_method"}
        response = problem(status, kinds.get(status, "invalid"), f"{getattr(error, 'detail', 'refused')}")
        response.headers.update(getattr(error, "headers", None) or {})
        return response

    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, unknown)
    for kind in (Refused, LjwxError, OSError, DatabaseError):
        app.add_exception_handler(kind, failed)
