"""Talk to an Ollama server: typed answers, one exception class per decision, and the checks the server leaves out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import requests
from airflow.sdk import BaseHook

from ljwx.core.model_names import normalised_name
from ljwx.core.ollama import (
    ChatReply,
    Completion,
    InstalledModel,
    ModelDescription,
    Progress,
    ReplyPiece,
    RunningModel,
    Said,
    TokenLogprob,
    parse_logprobs,
    read_version,
)
from ljwx.core.ollama.requests import (
    Format,
    Messages,
    chat_request,
    dumped,
    message_problems,
    parameter_problems,
    refuse,
)
from ljwx.core.thinking import CAPABILITY, Think
from ljwx.exceptions import BuildFailed, ConfigurationError, ModelMissing, OllamaError, RefusedRequest
from ljwx.hooks.ollama_wire import OllamaSettings, OllamaWire

_CHUNK = 1 << 20


class OllamaHook(BaseHook):
    """Verbs of Ollama's API.

    Every verb raises OllamaUnreachable when there is no answer or it breaks off, OllamaTimeout when it takes too long,
    ModelMissing for an unknown model and RefusedRequest for what the server, or a check made here first, rejects.

    :param ollama_conn_id: connection with host, port, schema and optionally user and password, or a bearer token alone
        as password.
    """

    conn_name_attr = "ollama_conn_id"
    default_conn_name = "ollama_default"
    conn_type = "ollama"
    hook_name = "Ollama"

    def __init__(self, ollama_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ollama_conn_id = ollama_conn_id
        self._thinking: dict[str, bool] = {}

    @cached_property
    def settings(self) -> OllamaSettings:
        """The connection, read once."""
        return OllamaSettings.from_connection(self.get_connection(self.ollama_conn_id))

    @cached_property
    def _wire(self) -> OllamaWire:
        return OllamaWire(self.settings)

    def get_conn(self) -> requests.Session:
        """Return the session that every verb uses."""
        return self._wire.session

    def hang_up(self) -> None:
        """Break off all streamed answers for good, from any thread; who reads one gets OllamaUnreachable."""
        if "_wire" in vars(self):  # else nothing was asked yet, and the connection need not be read for this
            self._wire.hang_up()

    def test_connection(self) -> tuple[bool, str]:
        """Tell whether the server answers, and with which version."""
        try:
            return True, f"Ollama {self.version()} at {self.settings.url}{self.settings.route}"
        except (OllamaError, ConfigurationError) as error:
            return False, str(error)

    def version(self) -> str:
        """Return the server's version."""
        return self._wire.json("GET", "/api/version", read_version)

    def list(self) -> tuple[InstalledModel, ...]:
        """Return the models on the server, without the shells that failed creates left."""
        return tuple(model for model in self._tags() if not model.is_shell)

    def shells(self) -> tuple[InstalledModel, ...]:
        """Return the tags of no model, which only a delete or another create ends."""
        return tuple(model for model in self._tags() if model.is_shell)

    def _tags(self) -> Sequence[InstalledModel]:
        return self._wire.json("GET", "/api/tags", lambda found: tuple(map(InstalledModel.from_entry, found["models"])))

    def ps(self) -> tuple[RunningModel, ...]:
        """Return the models in the server's memory."""
        return self._wire.json("GET", "/api/ps", lambda found: tuple(map(RunningModel.from_entry, found["models"])))

    def show(self, model: str) -> ModelDescription:
        """Return what a model is made of."""
        return self._wire.json("POST", "/api/show", ModelDescription.from_answer, {"model": model})

    def digest(self, model: str) -> str:
        """Return the 64 hex digits of what a tag points at; ModelMissing when there is no such tag."""
        wanted = normalised_name(model)
        found = next((listed.digest for listed in self.list() if normalised_name(listed.name) == wanted), None)
        if found is None:
            raise ModelMissing(f"model {wanted!r} is not on {self.settings.url}")
        return found

    def load(self, model: str, options: Mapping[str, Any] | None = None) -> None:
        """Have a model in the server's memory as a request with these options needs it; nothing to do where it is."""
        refuse(parameter_problems(options or {}))
        self._in_memory(model, {"options": dict(options or {})})

    def unload(self, model: str) -> None:
        """Take a model out of the server's memory, with every other one that shares its weights."""
        self._in_memory(model, {"keep_alive": 0})

    def _in_memory(self, model: str, how: Mapping[str, Any]) -> None:
        """Ask for no answer, which is how a server learns what to load."""
        body = {"model": model, "stream": False, **how}
        self._wire.request("POST", "/api/generate", body, timeout=self.settings.chat_timeout).close()

    def copy(self, source: str, destination: str) -> None:
        """Make `destination` an alias of `source`."""
        self._wire.request("POST", "/api/copy", {"source": source, "destination": destination}).close()

    def delete(self, model: str) -> None:
        """Remove a tag; blobs that other tags use stay."""
        self._wire.request("DELETE", "/api/delete", {"model": model}).close()

    def pull(self, model: str) -> Iterator[Progress]:
        """Fetch a model from its registry; iterate to the end, BuildFailed when the server reports an error."""
        return self._progress("/api/pull", {"model": model})

    def create(
        self,
        model: str,
        *,
        base: str | None = None,
        files: Mapping[str, str] | None = None,
        system: str | None = None,
        template: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        messages: Messages = (),
        license: str | None = None,  # noqa: A002 - Ollama's own name for it
    ) -> Iterator[Progress]:
        """Create a model from `base` or from GGUF `files` ({name: ``sha256:<hex>``}); iterate to the end.

        BuildFailed when the server reports an error, which it does with HTTP 200 in the middle of the progress. Neither
        `adapters` nor `quantize` is ever sent: servers from 0.34 on refuse both, and a merged GGUF works on all.
        """
        refuse([*parameter_problems(parameters or {}), *message_problems(messages)])
        given = {
            "from": base, "files": files, "system": system, "template": template, "parameters": parameters,
            "messages": dumped(messages), "license": license,
        }  # fmt: skip
        return self._progress("/api/create", {"model": model, **{key: value for key, value in given.items() if value}})

    def blob_exists(self, sha256: str) -> bool:
        """Tell whether the server has the blob with these 64 hex digits."""
        try:
            self._wire.request("HEAD", f"/api/blobs/sha256:{sha256}").close()
        except ModelMissing:
            return False
        return True

    def upload_blob(self, path: Path, expected: str | None = None) -> str:
        """Upload a file unless the server has it; return its 64 hex digits. The file is streamed, never held whole.

        RefusedRequest when the digits are not the `expected` ones; nothing is sent then.
        """
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
            if expected not in (None, digest.hexdigest()):
                raise RefusedRequest(f"{path} has sha256 {digest.hexdigest()}, not {expected}")
            if not self.blob_exists(digest.hexdigest()):
                file.seek(0)
                route = f"/api/blobs/sha256:{digest.hexdigest()}"
                self._wire.request("POST", route, data=file, timeout=self.settings.build_timeout).close()
        return digest.hexdigest()

    def chat(
        self,
        model: str,
        messages: Messages,
        *,
        format: Format | None = None,  # noqa: A002 - Ollama's own name for it
        options: Mapping[str, Any] | None = None,
        top_logprobs: int | None = None,
        keep_alive: str | int | None = None,
        truncate: bool = False,
        think: Think = False,
    ) -> ChatReply:
        """Ask for one answer.

        :param format: `json`, or a JSON schema, which bounds the answer's shape but no ranges.
        :param options: temperature, seed, num_ctx, num_predict and the like.
        :param top_logprobs: ask for the log-probabilities of the answer's tokens with this many alternatives.
        :param truncate: let the server cut a prompt that is too long instead of raising PromptTooLong.
        :param think: whether a model that can think may do so first; to others nothing is said of it.
        """
        body = chat_request(model, messages, format, options, top_logprobs, keep_alive, truncate)
        body |= {"think": think} if self.can_think(model) else {}
        wait = self.settings.chat_timeout
        return self._wire.json("POST", "/api/chat", _whole_reply, {**body, "stream": False}, wait)

    def chat_stream(
        self,
        model: str,
        messages: Messages,
        *,
        format: Format | None = None,  # noqa: A002 - Ollama's own name for it
        options: Mapping[str, Any] | None = None,
        top_logprobs: int | None = None,
        keep_alive: str | int | None = None,
        truncate: bool = False,
        think: Think = False,
    ) -> Iterator[ReplyPiece]:
        """Ask as `chat` does and yield the answer as it comes; closing the iterator stops the server's work."""
        body = chat_request(model, messages, format, options, top_logprobs, keep_alive, truncate)
        body |= {"think": think} if self.can_think(model) else {}
        return self._pieces(body)

    def complete(
        self,
        model: str,
        prompt: str,
        *,
        raw: bool = False,
        system: str | None = None,
        template: str | None = None,
        options: Mapping[str, Any] | None = None,
        top_logprobs: int | None = None,
    ) -> Completion:
        """Let a model go on behind a prompt: one user's message, or when `raw` a text that no template is put around.

        :param system: in place of the model's own system prompt, and `template` of its template.
        :raises PromptTooLong: the prompt does not fit.
        """
        refuse(parameter_problems(options or {}))
        given = {"system": system, "template": template, "options": dict(options or {})}
        probabilities = {} if top_logprobs is None else {"logprobs": True, "top_logprobs": top_logprobs}
        body = {"model": model, "prompt": prompt, "raw": raw, "stream": False, "truncate": False, **probabilities}
        body |= {key: value for key, value in given.items() if value is not None}
        body |= {"think": False} if not raw and self.can_think(model) else {}
        wait = self.settings.chat_timeout
        return self._wire.json("POST", "/api/generate", Completion.from_answer, body, wait)

    def can_think(self, model: str) -> bool:
        """Tell whether a model can think, asked once: a server refuses to hear of it for another one."""
        if model not in self._thinking:
            self._thinking[model] = CAPABILITY in self.show(model).capabilities
        return self._thinking[model]

    def _pieces(self, body: Mapping[str, Any]) -> Iterator[ReplyPiece]:
        said, logprobs = Said(), tuple[TokenLogprob, ...]()

        def read(line: dict[str, Any]) -> ReplyPiece:
            nonlocal said, logprobs
            piece = Said.of(line)
            said, logprobs = said + piece, (*logprobs, *parse_logprobs(line.get("logprobs")))
            return ReplyPiece(piece.content, ChatReply.from_line(line, said, logprobs) if line["done"] else None)

        for line in self._wire.lines("/api/chat", body, self.settings.chat_timeout):
            yield self._wire.read("/api/chat", line, read)

    def _progress(self, path: str, body: Mapping[str, Any]) -> Iterator[Progress]:
        def failed(message: str) -> OllamaError:
            return BuildFailed(f"{body['model']}: {message}")

        for line in self._wire.lines(path, body, self.settings.build_timeout, failed):
            yield self._wire.read(path, line, Progress.from_line)


def _whole_reply(line: dict[str, Any]) -> ChatReply:
    return ChatReply.from_line(line, Said.of(line), parse_logprobs(line.get("logprobs")))
