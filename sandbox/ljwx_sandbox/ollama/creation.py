"""`/api/create`: wrap a GGUF, or a model that is there, with template, system prompt, parameters and messages."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

from ljwx_sandbox.ollama import layers
from ljwx_sandbox.ollama.errors import ApiError
from ljwx_sandbox.ollama.gguf.info import read_gguf
from ljwx_sandbox.ollama.layers import Layer, Manifest, go_json
from ljwx_sandbox.ollama.names import ModelName, parse_digest
from ljwx_sandbox.ollama.store import ModelStore
from ljwx_sandbox.ollama.template import CHATML, CHATML_STOP, Template, TemplateError

Progress = Iterator[dict[str, Any]]
Source = Generator[dict[str, Any], None, tuple[dict[str, Any], list[Layer]]]
_QUANTIZE = (
    "create-time quantization is only supported for safetensors imports; "
    "quantize GGUF models with llama.cpp tools before importing"
)


def create(store: ModelStore, body: dict[str, Any]) -> Progress:
    """Create the model and yield progress lines; what is refused outright is raised before the first one."""
    name = ModelName.parse(body.get("model") or body.get("name"))
    if name is None:
        raise ApiError(400, "invalid model name")
    if body.get("adapters"):
        raise ApiError(400, "LoRA adapters are no longer supported")
    if body.get("quantize") or body.get("quantization"):
        raise ApiError(400, _QUANTIZE)
    if not body.get("from") and not body.get("files"):
        raise ApiError(400, "neither 'from' or 'files' was specified")
    return _create(store, name, body)


def _create(store: ModelStore, name: ModelName, body: dict[str, Any]) -> Progress:
    if body.get("from"):
        source = _from_model(store, body["from"], lambda: _leave_shell(store, name))
    else:
        source = _from_files(store, body["files"])
    config, base = yield from source
    with store.lock:  # a delete that ran between a layer and the manifest would take the layer away
        made = _apply(store, base, body)
        config_layer = store.add_bytes(layers.CONFIG, go_json(config))
        store.write(name, Manifest(config_layer, tuple(made)))
    yield from ({"status": layer.status} for layer in made if layer.status)
    yield {"status": "writing manifest"}
    yield {"status": "success"}


def register(store: ModelStore, name: str, path: Path) -> None:
    """Make the model `name` from a GGUF on this disk, if it is not there yet; what a user's own create would do."""
    parsed = ModelName.parse(name)
    if parsed is None:
        raise ValueError(f"invalid model name {name!r}")
    if store.read(parsed) is None:
        digest = store.add_file(path)
        for _ in create(store, {"model": name, "files": {f"{parsed.model}.gguf": f"sha256:{digest}"}}):
            pass


def _leave_shell(store: ModelStore, name: ModelName) -> None:
    """Point the name at a model of nothing, also where it was another one's: what 0.34 does after a failed pull."""
    nothing = {"model_format": "", "model_family": "", "model_families": None, "model_type": "", "file_type": ""}
    with store.lock:
        config = store.add_bytes(layers.CONFIG, go_json({**nothing, "architecture": "amd64", "os": "linux"}))
        store.write(name, Manifest(config, ()))


def _from_model(store: ModelStore, text: Any, on_absent: Callable[[], None]) -> Source:
    name = ModelName.parse(text)
    if name is None:
        raise ApiError(400, "invalid model name")
    manifest = store.read(name)
    if manifest is None:
        yield {"status": "pulling manifest"}
        on_absent()
        address = f"https://registry.ollama.ai/v2/{name.namespace}/{name.model}/manifests/{name.tag}"
        reason = "dial tcp: lookup registry.ollama.ai: no such host"
        raise ApiError(500, f'pull model manifest: Get "{address}": {reason}')
    config = json.loads(store.blob(manifest.config.digest.removeprefix("sha256:")).read_bytes())
    return config, [_existing(layer, store.existing(name).short) for layer in manifest.layers]


def _from_files(store: ModelStore, files: Any) -> Source:
    if not isinstance(files, dict) or len(files) != 1:
        raise ApiError(400, "the sandbox wraps exactly one GGUF file")
    ((source, text),) = files.items()
    digest = parse_digest(text)
    if digest is None:
        raise ApiError(400, f"invalid digest for {source}: invalid digest format")
    yield {"status": "parsing GGUF"}
    path = store.blob(digest)
    if not path.exists():
        raise ApiError(500, f"open {path}: no such file or directory")
    try:
        info = read_gguf(path)
    except ValueError as error:
        raise ApiError(400, str(error)) from error
    made = [_existing(Layer(layers.MODEL, f"sha256:{digest}", path.stat().st_size), source)]
    if "<|im_start|>" in info.chat_template:
        template = store.add_bytes(layers.TEMPLATE, CHATML.encode())
        made.append(dataclasses.replace(template, status="using autodetected template chatml"))
        made.append(store.add_bytes(layers.PARAMS, go_json({"stop": list(CHATML_STOP)})))
    family = info.architecture
    config = {
        "model_format": "gguf", "model_family": family, "model_families": [family],
        "model_type": info.parameter_size, "file_type": info.file_type, "architecture": "amd64", "os": "linux",
    }  # fmt: skip
    return config, made


def _existing(layer: Layer, source: str) -> Layer:
    return dataclasses.replace(layer, source=source, status=f"using existing layer {layer.digest}")


def _apply(store: ModelStore, base: list[Layer], body: dict[str, Any]) -> list[Layer]:
    made = list(base)

    def put(media_type: str, content: bytes) -> None:
        made[:] = [layer for layer in made if layer.media_type != media_type]
        made.append(store.add_bytes(media_type, content))

    if body.get("template"):
        _check_template(body["template"])
        put(layers.TEMPLATE, body["template"].encode())
    if body.get("system"):
        put(layers.SYSTEM, body["system"].encode())
    if body.get("license"):
        text = body["license"] if isinstance(body["license"], str) else "\n".join(body["license"])
        put(layers.LICENSE, text.encode())
    parameters = {**_parameters(store, base), **(body.get("parameters") or {})}
    if parameters:
        put(layers.PARAMS, go_json({name: _go_number(value) for name, value in sorted(parameters.items())}))
    if body.get("messages"):
        kept = [
            {"role": message.get("role", ""), "content": message.get("content", "")} for message in body["messages"]
        ]
        put(layers.MESSAGES, go_json(kept))
    return made


def _check_template(source: str) -> None:
    try:
        Template(source)
    except TemplateError as error:
        raise ApiError(400, f"template error: {error}") from error


def _parameters(store: ModelStore, base: list[Layer]) -> dict[str, Any]:
    layer = next((layer for layer in base if layer.media_type == layers.PARAMS), None)
    return dict(json.loads(store.blob(layer.digest.removeprefix("sha256:")).read_bytes())) if layer else {}


def _go_number(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def pull(store: ModelStore, body: dict[str, Any]) -> Progress:
    """Answer a pull: a model that is there is up to date, any other one cannot be had, because nothing is fetched."""
    text = body.get("model") or body.get("name")
    if ModelName.parse(text) is None:
        raise ApiError(400, "invalid model name")
    _, made = yield from _from_model(store, text, lambda: None)
    yield {"status": "pulling manifest"}
    for layer in made:
        told = {"status": f"pulling {layer.digest.removeprefix('sha256:')[:12]}", "digest": layer.digest}
        yield {**told, "total": layer.size, "completed": layer.size}
    yield from ({"status": status} for status in ("verifying sha256 digest", "writing manifest", "success"))
