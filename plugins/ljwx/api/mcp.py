"""The tools of an agent over MCP: by the official SDK, at `/mcp` of `ljwx serve` and on stdin and stdout by `ljwx mcp`.

A tool answers with the text that a person is given, and with the same as fields beside it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from functools import wraps
from typing import Annotated, Any, Final, Literal, ParamSpec

from fastapi import APIRouter, FastAPI, Request
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ljwx import __version__
from ljwx.api.access import TOKEN
from ljwx.api.documents import AnalysisDocument, NodeDocument, analysis_document, node_document
from ljwx.api.errors import Refused, response_of
from ljwx.api.limits import MOST_BYTES, once
from ljwx.api.overviews import ComparisonDocument, MarketDocument, comparison_document, market_document
from ljwx.api.record import RecordDocument, record_document
from ljwx.api.state import State
from ljwx.core.analysis.messages import MOST_STOCKS
from ljwx.core.tasks import TaskName
from ljwx.services.analysing.analyst import one_stock
from ljwx.services.lineage import trace

PATH: Final = "/mcp"
_ABOUT: Final = (
    "Analyses of Chinese A-shares by a language model, each number checked against the facts of its session. "
    "Everything is AI-generated, for research only, and no investment advice: say so, and keep the marks (✓ checked, "
    "✗ wrong, ? cannot be checked) when you pass it on."
)
Arguments = ParamSpec("Arguments")
Stock = Annotated[
    str, Field(min_length=1, max_length=50, description="Code such as 000001.SZ, Chinese name, or pinyin.")
]
Day = Annotated[
    date | None, Field(description="YYYY-MM-DD: as of it, or of the session before a closed day. Newest by default.")
]
Tongue = Annotated[Literal["zh", "en"], Field(description="Language of the text.")]


def mcp_server(state: State) -> MCPServer[Any]:
    """Return a server with the tools; none of them changes anything."""
    logging.getLogger("mcp").setLevel(logging.ERROR)  # below that it logs what a client has written
    server: MCPServer[Any] = MCPServer(
        "ljwx-stock", title="ljwx-stock", version=__version__, instructions=_ABOUT, log_level="ERROR"
    )
    tools = _Tools(state)
    for tool in (tools.analyse_stock, tools.compare_stocks, tools.market_day, tools.model_record, tools.lineage):
        reads = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False)
        server.add_tool(_told(tool), annotations=reads)
    return server


def _told(tool: Callable[Arguments, CallToolResult]) -> Callable[Arguments, CallToolResult]:
    """Let a tool that cannot answer say why in one line, as the API does, and nothing of what is inside."""

    @wraps(tool)
    def answered(*args: Arguments.args, **kwargs: Arguments.kwargs) -> CallToolResult:
        try:
            return tool(*args, **kwargs)
        except Exception as error:
            said = json.loads(bytes(response_of(error).body))["error"]
            raise ToolError(": ".join((said["kind"], said["message"]))) from None

    return answered


class _Tools:
    """The tools; a docstring is what an agent reads of one."""

    def __init__(self, state: State) -> None:
        self._state = state

    def analyse_stock(
        self,
        stock: Stock,
        day: Day = None,
        questions: Annotated[
            list[TaskName] | None, Field(max_length=10, description="What to ask; all by default.")
        ] = None,
        language: Tongue = "zh",
    ) -> Annotated[CallToolResult, AnalysisDocument]:
        """Analyse one A-share: call, risk, direction, technical state, checked facts, and how such calls fared."""
        analyst, operator = self._state.analyst, self._state.settings.operator
        code = one_stock(stock, analyst.directory())
        (found,) = analyst.analyse([code], day, list(dict.fromkeys(questions or ())))
        return _result(analysis_document(found, language, operator))

    def compare_stocks(
        self,
        stocks: Annotated[list[Stock], Field(min_length=2, max_length=MOST_STOCKS, description="Two to five stocks.")],
        day: Day = None,
        language: Tongue = "zh",
    ) -> Annotated[CallToolResult, ComparisonDocument]:
        """Put two to five A-shares beside each other: the same questions and the same facts of one session."""
        known = self._state.analyst.directory()
        codes = list(dict.fromkeys(one_stock(stock, known) for stock in stocks))
        return _result(comparison_document(self._state, codes, day, language))

    def market_day(self, day: Day = None, language: Tongue = "zh") -> Annotated[CallToolResult, MarketDocument]:
        """Tell what a session was like for all A-shares together; no forecast, no index levels."""
        return _result(market_document(self._state, day, language))

    def model_record(self) -> Annotated[CallToolResult, RecordDocument]:
        """Return the forward record: what the models' calls, locked before the next open, were worth afterwards."""
        return _result(record_document(self._state.record.page()))

    def lineage(
        self,
        name: Annotated[
            str,
            Field(pattern="^[A-Za-z0-9._:@-]{1,200}$", description="A model, an alias such as champion, or a dataset."),
        ],
    ) -> Annotated[CallToolResult, NodeDocument]:
        """Walk from a model, dataset or sample to what it was made from, down to the bars, and to what used it."""
        return _result(node_document(trace(name)))


def _result(document: BaseModel) -> CallToolResult:
    """Return a document as fields, and as text what of it is written for a reader."""
    fields = document.model_dump(mode="json")
    text = fields.get("text") or json.dumps(fields, ensure_ascii=False)
    return CallToolResult(
        content=[TextContent(type="text", text=text)],
        structured_content=fields,
        _meta={"ai_generated": True},
    )


class _Handed(Response):
    """An answer that another application gives to the same request, whose body was read."""

    def __init__(self, app: Any, message: bytes) -> None:
        super().__init__()
        self._app, self._message = app, message

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, once(self._message, receive), send)


def is_message(body: bytes) -> bool:
    """Whether a body is one message of JSON-RPC; of what is none the SDK would speak at length."""
    try:
        message = json.loads(body)
    except ValueError:
        return False
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        return False
    return isinstance(message.get("method"), str) or "result" in message or "error" in message


router = APIRouter()


@router.post(PATH, include_in_schema=False, dependencies=[TOKEN])
async def over_http(request: Request) -> Response:
    """Hand a message of an agent on to the SDK; without sessions, so that nothing of one client is kept."""
    body = await request.body()
    if not is_message(body):
        raise Refused(400, "invalid", "the body is no message of JSON-RPC 2.0")
    app = getattr(request.app.state, "mcp", None)
    if app is None:
        raise Refused(503, "unavailable", "MCP is not started")
    return _Handed(app, body)


def lifespan(state: State) -> Callable[[FastAPI], Any]:
    """Return what starts the SDK with an application, and ends it."""

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        server = mcp_server(state)
        # A token stands before every request, so that a page of another origin, which has none, gets nothing.
        app.state.mcp = server.streamable_http_app(
            streamable_http_path=PATH,
            stateless_http=True,
            max_request_body_size=MOST_BYTES,
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )
        async with server.session_manager.run():
            yield
        app.state.mcp = None

    return running


def run_stdio(state: State) -> None:
    """Answer on stdin and stdout until the client goes; whatever else is printed meanwhile goes to stderr."""
    mcp_server(state).run("stdio")
