"""Where the file is that the base model is served from: training begins with these very weights."""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path

from ljwx.core.training.settings import LoraSettings
from ljwx.exceptions import ConfigurationError

log = logging.getLogger(__name__)

_CHUNK = 1 << 22
_USUAL = ("~/.ollama/models", "/usr/share/ollama/.ollama/models", "/var/lib/ollama/models", "/root/.ollama/models")


def base_gguf(settings: LoraSettings, weights: str, base: str) -> str:
    """Return the path or URL of the file with these 64 hex digits.

    A file on this machine is read through once; of a URL the trainer checks the digest.

    :raises ConfigurationError: it is not found, cannot be read, or is another file.
    """
    named = settings.base_gguf
    if named is not None and "://" in named:
        return named
    path = Path(named).expanduser() if named is not None else _blob(settings, weights, base)
    _check(path, weights, base)
    return str(path.resolve())


def _blob(settings: LoraSettings, weights: str, base: str) -> Path:
    """Return the file in the store of an Ollama on this machine."""
    asked = settings.ollama_models or os.environ.get("OLLAMA_MODELS")
    folders = [Path(folder).expanduser() for folder in ([asked] if asked else _USUAL)]
    for folder in folders:
        path = folder / "blobs" / f"sha256-{weights}"
        try:
            if path.is_file():
                return path
        except OSError as error:
            log.warning("%s cannot be looked into: %s", folder, error.strerror)
    raise ConfigurationError(
        f"the GGUF of {base}, blob sha256-{weights[:12]}… , is not below {', '.join(map(str, folders))}: name its path "
        "or URL in model.lora.base_gguf, or Ollama's folder in model.lora.ollama_models"
    )


def _check(path: Path, weights: str, base: str) -> None:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_CHUNK):
                digest.update(piece)
    except OSError as error:
        raise ConfigurationError(
            f"{path}, the GGUF of {base}, cannot be read: {error.strerror}; let Airflow's user read it, or name a copy "
            "in model.lora.base_gguf"
        ) from error
    if digest.hexdigest() != weights:
        raise ConfigurationError(
            f"{path} has sha256 {digest.hexdigest()[:12]}…, and {base} is served from {weights[:12]}…: it is another "
            "file, or cut short; name the right one in model.lora.base_gguf"
        )
