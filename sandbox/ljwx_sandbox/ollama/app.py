"""The routes of Ollama's API, and two of the sandbox's own."""

from __future__ import annotations

import dataclasses
import hashlib
import json

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse
from pydantic import TypeAdapter, ValidationError

from ljwx_sandbox.ollama import creation, describe
from ljwx_sandbox.ollama.answers import Answerer, single
from ljwx_sandbox.ollama.engines.forecasting import Skills
from ljwx_sandbox.ollama.engines.pool import EnginePool
from ljwx_sandbox.ollama.errors import ApiError
from ljwx_sandbox.ollama.faults import App, Fault, FaultInjector
from ljwx_sandbox.ollama.models import Model
from ljwx_sandbox.ollama.names import ModelName, parse_digest
from ljwx_sandbox.ollama.store import ModelStore
from ljwx_sandbox.ollama.wire import add_error_handlers, json_answer, read_body, stream_or_join

VERSION = "0.34.0"
_FAULTS = TypeAdapter(list[Fault])
_SKILLS = TypeAdapter(Skills)


def create_app(store: ModelStore, pool: EnginePool, skills: Skills | None = None) -> App:
    """Build the application over a store and a pool.

    :param skills: of the models of a forecasting engine, which can be changed; None without one.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    injector = FaultInjector(app)
    answerer = Answerer(store, pool)
    add_error_handlers(app)
    _add_basics(app, store)
    _add_upload(app, store)
    _add_creation(app, store)
    _add_lists(app, store, pool)
    _add_tags(app, store)
    _add_answers(app, answerer)
    _add_controls(app, injector, answerer, pool)
    _add_skills(app, skills)
    return injector


def _add_basics(app: FastAPI, store: ModelStore) -> None:
    @app.api_route("/", methods=["GET", "HEAD"])
    def root() -> Response:
        return PlainTextResponse("Ollama is running")

    @app.api_route("/api/version", methods=["GET", "HEAD"])
    def version() -> Response:
        return json_answer({"version": VERSION})

    @app.head("/api/blobs/{digest}")
    def blob_head(digest: str) -> Response:
        hexadecimal = parse_digest(digest)
        if hexadecimal is None:
            raise ApiError(400, "invalid digest format")
        if not store.blob(hexadecimal).exists():
            raise ApiError(404, f"blob {digest!r} not found")
        return Response()


def _add_upload(app: FastAPI, store: ModelStore) -> None:
    @app.post("/api/blobs/{digest}")
    async def blob_post(digest: str, request: Request) -> Response:
        expected = parse_digest(digest)
        if expected is None:
            raise ApiError(400, "invalid digest format")
        if store.blob(expected).exists():
            return Response()
        with store.incoming() as file:
            got = hashlib.sha256()
            async for chunk in request.stream():
                got.update(chunk)
                await run_in_threadpool(file.write, chunk)
            await run_in_threadpool(store.keep, file, got.hexdigest())
        if got.hexdigest() != expected:  # what came stays, under the digest that it has
            raise ApiError(400, f'digest mismatch, expected "{digest}", got "sha256:{got.hexdigest()}"')
        return Response(status_code=201)


def _add_creation(app: FastAPI, store: ModelStore) -> None:
    @app.post("/api/create")
    async def create(request: Request) -> Response:
        body = await read_body(request)
        return await stream_or_join(request, lambda: creation.create(store, body), body, lambda lines: list(lines)[-1])

    @app.post("/api/pull")
    async def pull(request: Request) -> Response:
        body = await read_body(request)
        return await stream_or_join(request, lambda: creation.pull(store, body), body, lambda lines: list(lines)[-1])


def _add_lists(app: FastAPI, store: ModelStore, pool: EnginePool) -> None:
    @app.get("/api/tags")
    def tags() -> Response:
        return json_answer(describe.tags(store))

    @app.post("/api/show")
    async def show(request: Request) -> Response:
        body = await read_body(request)
        named, bad_name = body.get("model") or body.get("name"), ApiError(400, "invalid model name")
        model = await run_in_threadpool(Model.load, store, named, bad_name)
        return json_answer(await run_in_threadpool(describe.show, store, model))

    @app.get("/api/ps")
    def ps() -> Response:
        return json_answer(describe.running(pool.runners()))


def _add_tags(app: FastAPI, store: ModelStore) -> None:
    @app.post("/api/copy")
    async def copy(request: Request) -> Response:
        body = await read_body(request)
        source = ModelName.parse(body.get("source"))
        destination = ModelName.parse(body.get("destination"))
        for field, name in (("source", source), ("destination", destination)):
            if name is None:
                raise ApiError(400, f'{field} "{body.get(field) or ""}" is invalid')
        with store.lock:
            manifest = store.read(source) if source else None
            if manifest is None or destination is None:
                raise ApiError(404, f'model "{body.get("source")}" not found')
            store.write(destination, manifest)
        return Response()

    @app.delete("/api/delete")
    async def delete(request: Request) -> Response:
        body = await read_body(request)
        text = body.get("model") or body.get("name")
        name = ModelName.parse(text)
        if name is None:
            raise ApiError(400, f'name "{text or ""}" is invalid')
        if not store.delete(name):  # what is loaded stays loaded, and listed
            raise ApiError.missing_model(text)
        return Response()


def _add_answers(app: FastAPI, answerer: Answerer) -> None:
    @app.post("/api/chat")
    async def chat(request: Request) -> Response:
        body = await read_body(request)
        return await stream_or_join(request, lambda: answerer.chat(body), body, lambda lines: single(lines, "message"))

    @app.post("/api/generate")
    async def generate(request: Request) -> Response:
        body = await read_body(request)
        return await stream_or_join(
            request, lambda: answerer.generate(body), body, lambda lines: single(lines, "response")
        )

    @app.post("/api/embed")
    @app.post("/api/embeddings")
    async def embed(request: Request) -> Response:
        body = await read_body(request)
        return await run_in_threadpool(answerer.embed, body)


def _add_controls(app: FastAPI, injector: FaultInjector, answerer: Answerer, pool: EnginePool) -> None:
    @app.put("/_sandbox/faults")
    async def set_faults(request: Request) -> Response:
        body = json.loads(await request.body())
        try:
            injector.faults = _FAULTS.validate_python(body if isinstance(body, list) else [body])
        except ValidationError as error:
            raise ApiError(400, str(error)) from error
        return Response()

    @app.get("/_sandbox/stats")
    def stats() -> Response:
        return json_answer({**dataclasses.asdict(answerer.totals), "loads": pool.loads})


def _add_skills(app: FastAPI, skills: Skills | None) -> None:
    @app.put("/_sandbox/skills")
    async def set_skills(request: Request) -> Response:
        if skills is None:
            raise ApiError(404, "only a server with --engine forecasting has models of a skill")
        told = _SKILLS.validate_json(await request.body())
        skills.clear()
        skills.update(told)
        return Response()
