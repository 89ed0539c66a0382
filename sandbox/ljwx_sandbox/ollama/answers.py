"""`/api/chat` and `/api/generate`: from a request to the lines of its answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

from ljwx_sandbox.ollama import describe, prompts, thinking
from ljwx_sandbox.ollama.describe import timestamp
from ljwx_sandbox.ollama.engines.pieces import OWN_SEED, LanguageEngine, Piece
from ljwx_sandbox.ollama.engines.pool import MAX_CONTEXT, EnginePool
from ljwx_sandbox.ollama.errors import ApiError
from ljwx_sandbox.ollama.models import Model
from ljwx_sandbox.ollama.options import Options, keep_alive_seconds
from ljwx_sandbox.ollama.schema import check_answer, constraint
from ljwx_sandbox.ollama.store import ModelStore
from ljwx_sandbox.ollama.template import Template, TemplateError

Line = dict[str, Any]
_MAX_LOGPROBS = 20


@dataclass
class Totals:
    """What the server computed since it started."""

    requests: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    answer_tokens: int = 0


class Answerer:
    """Answers requests on the models of a store with the engines of a pool."""

    def __init__(self, store: ModelStore, pool: EnginePool) -> None:
        self.totals = Totals()
        self._store = store
        self._pool = pool

    def chat(self, body: dict[str, Any]) -> Iterator[Line]:
        """Yield the lines of a chat; what is wrong with the request is raised before the first one."""
        model = Model.load(self._store, body.get("model"), ApiError(400, "model is required"))
        messages = _messages(body.get("messages"))
        request = _Request.read(model, body, lambda text: {"message": {"role": "assistant", "content": text}})
        if not messages:
            return self._load(request)
        joined = prompts.with_own(model.system, model.messages, messages)
        template = Template(model.template, request.think)
        return self._answer(
            request, lambda engine: prompts.fitted(template, joined, engine.tokenize, request.context, request.truncate)
        )

    def generate(self, body: dict[str, Any]) -> Iterator[Line]:
        """Yield the lines of a completion; as `chat`, with one user message, or the bare prompt when `raw`."""
        model = Model.load(self._store, body.get("model"))
        request = _Request.read(model, body, lambda text: {"response": text}, context_tokens=not body.get("raw"))
        prompt = body.get("prompt") or ""
        if not prompt:
            return self._load(request)
        text = prompt if body.get("raw") else _rendered(model, body, prompt)
        return self._answer(
            request, lambda engine: prompts.checked(engine.tokenize(text), request.context, request.truncate)
        )

    def embed(self, body: dict[str, Any]) -> NoReturn:
        """Refuse what no chat model gives; a real server finds that out when the model is loaded."""
        request = _Request.read(Model.load(self._store, body.get("model")), {}, lambda _: {})
        with self._use(request):
            raise ApiError(501, "This server does not support embeddings. Start it with `--embeddings`")

    def _load(self, request: _Request) -> Iterator[Line]:
        if request.keep_alive == 0:
            self._pool.unload(request.model.gguf)
        else:
            with self._use(request):
                pass
        reason = "unload" if request.keep_alive == 0 else "load"
        yield {**request.head(""), "done": True, "done_reason": reason}

    @contextmanager
    def _use(self, request: _Request) -> Iterator[LanguageEngine]:
        """Lend the model's engine, and keep its runner afterwards for as long as was asked."""
        model, options = request.model, request.options.of_the_runner(request.context)
        with self._pool.use(model.gguf, request.context, options, describe.loaded(model, request.context)) as engine:
            try:
                yield engine
            finally:
                self._pool.keep(model.gguf, request.keep_alive)

    def _answer(self, request: _Request, tokens_of: Callable[[LanguageEngine], list[int]]) -> Iterator[Line]:
        started = time.monotonic_ns()
        text = ""
        with self._use(request) as engine:
            loaded = time.monotonic_ns()
            tokens = tokens_of(engine)
            for piece in request.pieces(engine, tokens):
                text += "" if piece.thought else piece.text
                if piece.final is None:
                    yield from request.line(piece)
                    continue
                last = self._last(request, piece, text, loaded - started)
                if request.context_tokens:
                    last["context"] = [*tokens, *engine.tokenize(text)]
                yield {**last, "total_duration": time.monotonic_ns() - started}

    def _last(self, request: _Request, piece: Piece, text: str, load: int) -> Line:
        final = piece.final or {}
        timings = final["timings"]
        length = final["stop_type"] == "limit"
        if not length:
            check_answer(request.form, text)
        self.totals.requests += 1
        self.totals.prompt_tokens += timings["prompt_n"]
        self.totals.cached_tokens += timings["cache_n"]
        self.totals.answer_tokens += final["tokens_predicted"]
        return {
            **request.head(piece.text),
            "done": True,
            "done_reason": "length" if length else "stop",
            "load_duration": load,
            **request.options.counted(final["tokens_evaluated"], timings["prompt_n"] - 1),  # the last one always is
            "prompt_eval_duration": int(timings["prompt_ms"] * 1e6),
            "eval_count": final["tokens_predicted"],
            "eval_duration": int(timings["predicted_ms"] * 1e6),
        }


@dataclass(frozen=True)
class _Request:
    """What chat and generate have in common.

    :param asked: the model's name as it was asked for, which answers tell again.
    :param text: puts a piece of answer where the route wants it.
    """

    model: Model
    asked: str
    options: Options
    form: Any
    constraint: dict[str, Any]
    logprobs: int | None
    truncate: bool
    keep_alive: float | None
    think: bool | None
    text: Callable[[str], Line]
    context_tokens: bool

    @classmethod
    def read(
        cls, model: Model, body: dict[str, Any], text: Callable[[str], Line], context_tokens: bool = False
    ) -> _Request:
        top = body.get("top_logprobs") or 0
        if not isinstance(top, int) or not 0 <= top <= _MAX_LOGPROBS:
            raise ApiError(400, f"top_logprobs must be between 0 and {_MAX_LOGPROBS}")
        if body.get("tools"):
            raise ApiError(400, f'"{model.name.short}" does not support tools')
        think = thinking.wanted(model.name.short, model.template, body.get("think"))
        options = Options.merge(model.parameters, body.get("options"))
        form = None if think is False and options.parsed else body.get("format")
        logprobs = top if body.get("logprobs") else None
        keep_alive = keep_alive_seconds(body.get("keep_alive"))
        truncate = body.get("truncate") is not False or options.older
        bounds = constraint(form, pretty=options.pretty_print)
        asked = str(body.get("model"))
        return cls(model, asked, options, form, bounds, logprobs, truncate, keep_alive, think, text, context_tokens)

    @property
    def context(self) -> int:
        """Tokens of prompt and answer, within what the model was trained on."""
        return max(16, min(self.options.context, self.model.info.context_length or MAX_CONTEXT, MAX_CONTEXT))

    def sampling(self, room: int) -> dict[str, Any]:
        """The rest of llama.cpp's request."""
        probabilities = {} if self.logprobs is None else {"n_probs": max(1, self.logprobs)}
        own = {OWN_SEED: self.model.parameters["seed"]} if "seed" in self.model.parameters else {}
        bounds = {"ignore_eos": True} if self.options.endless and not self.constraint else self.constraint
        return {**self.options.sampling(room), **own, **bounds, **probabilities}

    def pieces(self, engine: LanguageEngine, tokens: list[int]) -> Iterator[Piece]:
        """The pieces of an answer to a prompt, a thought first where it is wanted."""
        asked = self.sampling(self.context - len(tokens))
        if self.think:
            return thinking.pieces(engine, tokens, asked)
        return engine.complete({**asked, "prompt": tokens})

    def head(self, text: str) -> Line:
        """The start of every line."""
        return {"model": self.asked, "created_at": timestamp(), **self.text(text)}

    def line(self, piece: Piece) -> Iterator[Line]:
        """The line of a piece that is not the last; none when the piece holds nothing."""
        if not piece.text and not piece.logprobs:
            return
        line = {**self.head("" if piece.thought else piece.text), "done": False}
        if piece.thought:
            line.get("message", line)["thinking"] = piece.text
        if self.logprobs is not None:
            line["logprobs"] = [_logprob(entry, self.logprobs) for entry in piece.logprobs]
        yield line


def single(lines: Iterator[Line], key: str) -> Line:
    """Join an answer's lines into one; `key` is where the text is (`message` or `response`)."""
    text, thought, logprobs, line = "", "", [], {}
    for line in lines:
        text += line[key]["content"] if key == "message" else line[key]
        thought += (line[key] if key == "message" else line).get("thinking", "")
        logprobs += line.get("logprobs", [])
    more = {"thinking": thought} if thought else {}
    joined = {key: {**line[key], "content": text, **more}} if key == "message" else {key: text, **more}
    return {**line, **joined, **({"logprobs": logprobs} if logprobs else {})}


def _messages(messages: Any) -> list[prompts.Message]:
    if messages is None:
        return []
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise ApiError(400, "json: cannot unmarshal into Go struct field ChatRequest.messages of type []api.Message")
    return [{"role": str(message.get("role", "")), "content": message.get("content") or ""} for message in messages]


def _rendered(model: Model, body: dict[str, Any], prompt: str) -> str:
    system = model.system if body.get("system") is None else body["system"]
    messages = [*model.messages, {"role": "user", "content": prompt}]
    try:
        template = Template(body.get("template") or model.template)
    except TemplateError as error:
        raise ApiError(400, f"template error: {error}") from error
    return template.render(prompts.with_own(system, [], messages))


def _logprob(entry: dict[str, Any], top: int) -> Line:
    told = {key: entry[key] for key in ("token", "logprob", "bytes")}
    if not top:
        return told
    others = [{key: other[key] for key in ("token", "logprob", "bytes")} for other in entry["top_logprobs"][:top]]
    return {**told, "top_logprobs": others}
