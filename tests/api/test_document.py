"""The API's document: whatever it allows is answered as it says, and never with a failure of the server."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings

from ljwx.api.routes import PREFIX
from support_lazy import Lazy

schemathesis = Lazy("schemathesis")

EXAMPLES = 12
"""Of what each route can be asked; the same in every run."""


def test_whatever_the_document_allows_is_answered_as_it_says(application: FastAPI, token: str) -> None:
    document = schemathesis.openapi.from_asgi(f"{PREFIX}/openapi.json", application)
    asked: set[str] = set()
    for each in document.get_all_operations():
        operation = each.ok()

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            case.call_and_validate(headers={"Authorization": f"Bearer {token}"})

        ask()
        asked.add(operation.path)
    assert asked == set(application.openapi()["paths"])


def test_a_stream_is_what_the_document_says_it_is(application: FastAPI, token: str) -> None:
    document = schemathesis.openapi.from_asgi(f"{PREFIX}/openapi.json", application)
    operation = document["/v1/chat/completions"]["POST"]
    body = {"model": "ljwx-stock", "messages": [{"role": "user", "content": "今天天气怎么样"}], "stream": True}
    case = operation.Case(body=body, media_type="application/json")
    reply = case.call_and_validate(headers={"Authorization": f"Bearer {token}"})
    assert reply.headers["content-type"][0].startswith("text/event-stream")
