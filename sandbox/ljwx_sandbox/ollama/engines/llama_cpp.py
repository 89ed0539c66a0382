"""One GGUF file loaded in llama.cpp's own server, in this process, asked over its loopback HTTP with a secret key.

A slot answers one request at a time, and requests beyond the slots wait. With one, a temperature-0 answer never depends
on what else is in the batch, and two cores would gain little from more. A request gets the slot whose last prompt is
most like its own; a prompt that loses its slot is kept in llama.cpp's prompt cache and comes back.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from ljwx_sandbox.ollama.engines.pieces import Piece
from ljwx_sandbox.ollama.errors import ApiError

# Threads that spin while they wait starve a shared machine; a wait between two products is too short to sleep.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "20000")
import xllamacpp  # reads the variables above when it is loaded

_PROMPT_CACHE_MIB = 1024


class Engine:
    """A loaded model; dropping the last reference to it frees its memory.

    :param slots: requests that are answered at a time, each within the whole context.
    :param cached: whether a prompt's beginning that was computed before is used again. A computed prompt and a cached
        one differ in their last bits: without the cache an answer depends on nothing that was asked before.
    """

    def __init__(self, path: Path, context: int, threads: int, *, slots: int = 1, cached: bool = True) -> None:
        key = secrets.token_urlsafe(24)
        self.context = context
        self._cached = cached
        self._server: Any = xllamacpp.Server(_parameters(path, context, threads, slots, key))
        self._url = self._server.listening_address
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount("http://", HTTPAdapter(pool_maxsize=max(10, slots)))
        self._session.headers["Authorization"] = f"Bearer {key}"

    def tokenize(self, text: str) -> list[int]:
        """Return the tokens of a rendered prompt, special tokens recognised."""
        body = {"content": text, "add_special": True, "parse_special": True}
        answer = self._session.post(f"{self._url}/tokenize", json=body, timeout=(5, 600))
        return list(answer.json()["tokens"])

    def complete(self, request: dict[str, Any]) -> Iterator[Piece]:
        """Yield an answer's pieces; the last one carries `final`. Closing the iterator stops the computation."""
        body = {**request, "stream": True, "cache_prompt": self._cached}
        with self._session.post(f"{self._url}/completion", json=body, stream=True, timeout=(5, None)) as answer:
            if answer.status_code != 200:
                raise ApiError(answer.status_code, answer.text)
            for line in answer.iter_lines(chunk_size=1):
                if line.startswith(b"data: "):
                    yield _piece(json.loads(line.removeprefix(b"data: ")))
                elif line.startswith(b"error: "):
                    raise ApiError(500, line.removeprefix(b"error: ").decode())


def _parameters(path: Path, context: int, threads: int, slots: int, key: str) -> Any:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_ctx, parameters.n_parallel = context * slots, slots
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
    parameters.cache_ram_mib = _PROMPT_CACHE_MIB
    parameters.api_keys = [key]
    parameters.fit_params = parameters.warmup = parameters.ui = False
    parameters.n_threads_http = 3 + slots
    parameters.verbosity = 0
    return parameters


def _piece(message: dict[str, Any]) -> Piece:
    if "error" in message:
        raise ApiError(500, json.dumps(message))
    final = message if message.get("stop") else None
    return Piece(message.get("content", ""), [] if final else message.get("completion_probabilities", []), final)
