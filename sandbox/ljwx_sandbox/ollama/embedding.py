"""`/api/embed`: texts to vectors, by an engine that is loaded for the request: nothing else asks for vectors."""

from __future__ import annotations

import threading
import time
from typing import Any

from ljwx_sandbox.ollama.engine import Engine
from ljwx_sandbox.ollama.errors import ApiError
from ljwx_sandbox.ollama.models import Model
from ljwx_sandbox.ollama.options import Options
from ljwx_sandbox.ollama.pool import EnginePool
from ljwx_sandbox.ollama.store import ModelStore

_ONE_AT_A_TIME = threading.Lock()
_LEAST_CONTEXT = 64


def embed(store: ModelStore, pool: EnginePool, body: dict[str, Any]) -> dict[str, Any]:
    """Answer a request; each vector is the mean over its text's tokens, of length 1."""
    started = time.monotonic_ns()
    model, texts = Model.load(store, body.get("model")), _texts(body.get("input"))
    context = Options.merge(model.parameters, body.get("options")).context
    with pool.use(model.gguf, context) as engine:
        loaded = time.monotonic_ns()
        prompts = [_fitted(engine.tokenize(text), context, body.get("truncate") is not False) for text in texts]
    return {
        "model": model.name.short,
        "embeddings": _vectors(model, prompts, pool.threads) if prompts else [],
        "total_duration": time.monotonic_ns() - started,
        "load_duration": loaded - started,
        "prompt_eval_count": sum(map(len, prompts)),
    }


def _vectors(model: Model, prompts: list[list[int]], threads: int) -> list[list[float]]:
    """Load no more context than the longest prompt needs: memory grows with it."""
    with _ONE_AT_A_TIME:
        longest = max(map(len, prompts))
        return Engine(model.gguf, max(longest, _LEAST_CONTEXT), threads, vectors=True).embed(prompts)


def _texts(asked: Any) -> list[str]:
    texts = [asked] if isinstance(asked, str) else asked
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ApiError(400, "invalid input type")
    return texts


def _fitted(tokens: list[int], context: int, truncate: bool) -> list[int]:
    if len(tokens) > context and not truncate:
        raise ApiError(400, "the input length exceeds the context length")
    return tokens[:context]
