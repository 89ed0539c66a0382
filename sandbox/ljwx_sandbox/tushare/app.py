"""The server: TuShare's two paths, Tencent's k-lines, and a control route beside them that neither has."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import anyio
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool

from ljwx_sandbox.baostock.server import Seen
from ljwx_sandbox.tushare import klines, wire
from ljwx_sandbox.tushare.faults import BUSINESS, ROWS, Fault, FaultBook, spoil
from ljwx_sandbox.tushare.interfaces import INTERFACES, Source, cut_page
from ljwx_sandbox.tushare.limits import RateBook, Tier
from ljwx_sandbox.tushare.simulated import SimulatedSource

_POLL_SECONDS = 0.05


@dataclass
class Desk:
    """Answers calls: token, permission, rate, then rows."""

    source: Source
    tiers: Mapping[str, Tier]
    rates: RateBook = field(default_factory=RateBook)
    faults: FaultBook = field(default_factory=FaultBook)
    calls: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    baostock: Seen | None = None

    def answer(self, body: bytes, api_in_path: str, fault: Fault | None) -> bytes:
        """Return the body of the answer to a request's body."""
        try:
            return self._answer(wire.read_call(body, api_in_path), fault)
        except wire.WireError as error:
            return wire.failure(error)

    def _answer(self, call: wire.Call, fault: Fault | None) -> bytes:
        if fault is not None and fault.kind in wire.OTHER_ERRORS:
            raise wire.OTHER_ERRORS[fault.kind]
        interface = self._admit(call)
        query = wire.read_query(call.params)
        lacking = interface.check(query)
        if lacking is not None:
            raise lacking
        names = interface.columns(call.fields)
        if fault is not None and fault.kind == "empty_more":
            return wire.success(names, [], has_more=True)
        caps = [each for each in (interface.cap, query.limit) if each is not None]
        blocks = self.source.blocks(call.api, query)
        rows, more = cut_page(blocks, names, query.offset, min(caps) if caps else None)
        if fault is not None and fault.kind in ROWS:
            fields, rows = spoil(fault, names, rows)
            return wire.success(fields, rows, more)
        return wire.success(names, rows, more)

    def _admit(self, call: wire.Call) -> Any:
        tier = self.tiers.get(call.token)
        if tier is None:
            raise wire.bad_token()
        if call.api not in INTERFACES:
            raise wire.unknown_api()
        if not tier.carries(call.api):
            raise wire.no_permission(call.api)
        limit = self.rates.take(call.token, call.api, tier)
        if limit is not None:
            self.refused[call.api] += 1
            raise wire.too_often(call.api, limit)
        return INTERFACES[call.api]


def make_app(desk: Desk) -> FastAPI:
    """Build the application around a desk."""
    app = FastAPI(title="sandbox TuShare", docs_url=None, redoc_url=None, openapi_url=None)

    @app.post("/")
    @app.post("/dataapi/{api_name}")
    async def call(request: Request, api_name: str = "") -> Response:
        body = await request.body()
        api = api_name or _api_in(body)
        desk.calls[api] += 1
        fault = desk.faults.take(api)
        if fault is None or fault.kind in ROWS | BUSINESS:
            return _json(await run_in_threadpool(desk.answer, body, api_name, fault))
        return await _broken(fault, request, await run_in_threadpool(desk.answer, body, api_name, None))

    @app.get(klines.PATH)
    async def kline(request: Request) -> Response:
        asked = request.query_params
        param, var = asked.get("param", ""), asked.get("_var", "")
        desk.calls[klines.NAME] += 1
        fault = desk.faults.take(klines.NAME)
        if fault is None or fault.kind in ROWS | BUSINESS:
            return _json(await run_in_threadpool(klines.answer, desk.source, param, var, fault))
        return await _broken(fault, request, await run_in_threadpool(klines.answer, desk.source, param, var))

    _add_controls(app, desk)
    return app


def _add_controls(app: FastAPI, desk: Desk) -> None:
    @app.put("/_sandbox/faults")
    async def put_faults(request: Request) -> Response:
        try:
            desk.faults.replace(await request.json())
        except (ValueError, TypeError, AttributeError) as error:
            return Response(f"faults: {error}", 400)
        return Response(status_code=204)

    @app.put("/_sandbox/today")
    async def put_today(request: Request) -> Response:
        try:
            day = date.fromisoformat(str(await request.json()))
        except ValueError as error:
            return Response(f"today: {error}", 400)
        if not isinstance(desk.source, SimulatedSource):
            return Response("today: only a simulated market has one", 400)
        desk.source.last = day
        return Response(status_code=204)

    @app.get("/_sandbox/stats")
    async def stats() -> dict[str, Any]:
        told: dict[str, Any] = {
            "calls": dict(desk.calls),
            "rate_limited": dict(desk.refused),
            "total": desk.calls.total(),
        }
        return told if desk.baostock is None else {**told, "baostock": desk.baostock.told()}


def _json(content: bytes, headers: Mapping[str, str] | None = None) -> Response:
    return Response(content, media_type="application/json", headers=headers)


def _api_in(body: bytes) -> str:
    """Return the interface a body names; a body that is no request names none."""
    try:
        return wire.read_call(body, "").api
    except wire.WireError:
        return ""


async def _broken(fault: Fault, request: Request, good: bytes) -> Response:
    """Answer as a transport fault says; `good` is what would have been said."""
    if fault.kind == "hang":
        await _hang(request, fault.seconds)
        return _json(good)
    if fault.kind == "truncated":
        return _json(good[: len(good) // 2])
    if fault.kind == "dropped":
        # Promises the whole and breaks off half-way, as a reset connection does.
        return _json(good[: len(good) // 2], {"content-length": str(len(good))})
    if fault.kind == "redirect":
        return Response(status_code=302, headers={"location": "/elsewhere"})
    if fault.kind == "literal":
        return Response(fault.body, fault.status, media_type="application/json")
    if fault.kind == "not_json":
        return Response("<html>网关忙</html>", media_type="text/html")
    status, reason = {"http_504": (504, "Gateway Time-out")}.get(fault.kind, (500, "Internal Server Error"))
    return Response(f"<html><h1>{status} {reason}</h1></html>", status, media_type="text/html")


async def _hang(request: Request, seconds: float) -> None:
    """Say nothing for a while, or until the caller has gone."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not await request.is_disconnected():
        await anyio.sleep(_POLL_SECONDS)
