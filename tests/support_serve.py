"""The application of `ljwx serve` for tests: on a warehouse with a champion, in this process or on a real port."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from ljwx.api.app import make_app
from ljwx.services.config import ServeSettings
from ljwx.services.tokens import add_token
from support_chain import Chain, Database
from support_ollama import OllamaServer
from support_ports import free_port
from support_rows import add_alias, add_decision

STOCK = "000001.SZ"


@pytest.fixture
def crowned(chain_db: Database, chain: Chain, ollama_faulty: OllamaServer) -> Database:
    """A warehouse whose champion is the chain's model."""
    model = chain.plan["model"]
    add_alias(chain_db, model, promotion_id=add_decision(chain_db, model, "first_champion"))
    chain_db.execute("UPDATE ljwx.instruments SET name = '平安银行' WHERE ts_code = %s", STOCK)
    return chain_db


@pytest.fixture
def token(crowned: Database) -> str:
    """A token that may ask as often as a test does."""
    return add_token("tests", 100_000).token


@pytest.fixture
def application(crowned: Database) -> FastAPI:
    return make_app(ServeSettings())


@contextmanager
def running(app: FastAPI, **settings: Any) -> Iterator[str]:
    """Serve an application on a free port until the block ends; yields its URL."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", access_log=False, **settings))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=60)
