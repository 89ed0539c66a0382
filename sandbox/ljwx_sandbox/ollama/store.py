"""Models on disk: blobs named by their sha256, and one manifest file per tag that points at them.

Every file appears by rename, complete or not at all; a blob that no manifest names is removed with the tag that
named it last, or at the next start.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ljwx_sandbox.ollama.layers import Layer, Manifest
from ljwx_sandbox.ollama.names import HOST, ModelName

_CHUNK = 1 << 20


class ModelStore:
    """Blobs and manifests under one folder; `lock` is held over what must not meet a removal."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lock = threading.RLock()
        self._blobs = root / "blobs"
        self._manifests = root / "manifests"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._manifests.mkdir(parents=True, exist_ok=True)

    def blob(self, digest: str) -> Path:
        """Return where the blob with these 64 hex digits is, or would be."""
        return self._blobs / f"sha256-{digest}"

    @contextlib.contextmanager
    def incoming(self) -> Iterator[IO[bytes]]:
        """Open a temporary file beside the blobs; it is gone afterwards unless `keep` took it."""
        with tempfile.NamedTemporaryFile(prefix="partial-", dir=self._blobs, delete=False) as file:
            try:
                yield file
            finally:
                Path(file.name).unlink(missing_ok=True)

    def keep(self, file: IO[bytes], digest: str) -> None:
        """Make a completely written incoming file the blob `digest`."""
        file.flush()
        os.fsync(file.fileno())
        Path(file.name).replace(self.blob(digest))

    def add_bytes(self, media_type: str, content: bytes) -> Layer:
        """Store a small layer; its status says whether it was there before."""
        digest = hashlib.sha256(content).hexdigest()
        status = "using existing layer" if self.blob(digest).exists() else "creating new layer"
        if not self.blob(digest).exists():
            with self.incoming() as file:
                file.write(content)
                self.keep(file, digest)
        return Layer(media_type, f"sha256:{digest}", len(content), status=f"{status} sha256:{digest}")

    def add_file(self, path: Path) -> str:
        """Store a file as a blob, by hard link where the disk allows it; return its 64 hex digits."""
        digest = _file_digest(path)
        if not self.blob(digest).exists():
            try:
                os.link(path, self.blob(digest))
            except OSError:
                with self.incoming() as file, path.open("rb") as source:
                    shutil.copyfileobj(source, file, _CHUNK)
                    self.keep(file, digest)
        return digest

    def write(self, name: ModelName, manifest: Manifest) -> None:
        """Point a tag at a manifest, and remove what only its old one needed."""
        with self.lock:
            old = self.read(name)
            path = self._path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            with self.incoming() as file:
                file.write(manifest.content)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(path)
            if old is not None:
                self._remove_unused(old)

    def read(self, name: ModelName) -> Manifest | None:
        """Return a tag's manifest, or None when there is no such tag."""
        return self.read_listed(self.existing(name))

    def read_listed(self, name: ModelName) -> Manifest | None:
        """Return the manifest of a tag whose name is spelled as `names` does: no other one is looked at."""
        try:
            return Manifest.from_bytes(self._file(name).read_bytes())
        except FileNotFoundError:
            return None

    def delete(self, name: ModelName) -> bool:
        """Remove a tag and the blobs nobody else names; False when there is no such tag."""
        with self.lock:
            manifest = self.read(name)
            if manifest is None:
                return False
            self._path(name).unlink()
            self._remove_unused(manifest)
            return True

    def modified(self, name: ModelName) -> float:
        """Return when a tag, its name spelled as `names` does, was last written, in seconds since the epoch."""
        return self._file(name).stat().st_mtime

    def existing(self, name: ModelName) -> ModelName:
        """Return the name in the case in which a tag has it; a name of which there is none stays as it is."""
        return name.spelled_as(self.names())

    def names(self) -> list[ModelName]:
        """Return every tag."""
        above = len(self._manifests.parts)
        files = [(*Path(folder).parts[above:], file) for folder, _, found in os.walk(self._manifests) for file in found]
        return [ModelName(parts[-3], parts[-2], parts[-1], "/".join(parts[:-3]) or HOST) for parts in files]

    def prune(self) -> None:
        """Remove half-written files and blobs that no manifest names."""
        with self.lock:
            used = self._used()
            for path in self._blobs.iterdir():
                if path.name not in used:
                    path.unlink()

    def _path(self, name: ModelName) -> Path:
        return self._file(self.existing(name))

    def _file(self, found: ModelName) -> Path:
        folder = self._manifests if found.host == HOST else self._manifests / found.host
        return folder / found.namespace / found.model / found.tag

    def _used(self) -> set[str]:
        manifests = [manifest for name in self.names() if (manifest := self.read_listed(name)) is not None]
        return {digest.replace(":", "-") for manifest in manifests for digest in manifest.digests}

    def _remove_unused(self, old: Manifest) -> None:
        used = self._used()
        for digest in old.digests:
            if digest.replace(":", "-") not in used:
                self.blob(digest.removeprefix("sha256:")).unlink(missing_ok=True)


def _file_digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
