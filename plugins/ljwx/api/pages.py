"""The page: a shell of HTML, style and plain ES modules that asks the API for what it shows."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response

from ljwx.api.errors import Refused
from ljwx.api.state import state_of

STATIC: Final = Path(__file__).with_name("static")
VENDOR: Final = "vendor/"
"""What others have made is there, byte for byte as they published it."""
COMPILE_ALL: Final = b"//# allFunctionsCalledOnLoad\n"
"""Asks V8 to compile a whole script while it is being loaded, beside the page's own thread, which plotly's 1.3 MB would
hold up as they are run; a comment to other browsers."""
YEAR_SECONDS: Final = 31_536_000
OF_VERSION: Final = re.compile(r"[0-9a-f]{12}/")
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""No script but our own files, nothing from elsewhere, and in a frame of the same origin alone, which is Airflow's."""
HEADERS: Final = {"content-security-policy": POLICY, "x-frame-options": "SAMEORIGIN"}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Served:
    """A file as it is served, whole and compressed."""

    content: bytes
    compressed: bytes
    media_type: str
    etag: str


@router.get("/")
def page(request: Request) -> Response:
    """Return the page; all that it shows is asked of the API, so that it holds no data itself."""
    return _response(request, served("index.html", state_of(request).in_airflow), "no-cache")


@router.get("/static/{name:path}")
def static(request: Request, name: str) -> Response:
    """Return a file of the page, to be kept for a year where its address says which version it is.

    The folder in front of the name does: what a module imports lies in the same one. A page that was opened before an
    update asks for its own version, and gets this one.
    """
    of = OF_VERSION.match(name)
    file = name[of.end() :] if of else name
    if file not in files():
        raise Refused(404, "no_route", "Not Found")
    kept = f"private, max-age={YEAR_SECONDS}, immutable" if name == f"{digest()}/{file}" else "no-cache"
    return _response(request, served(file), kept)


@cache
def files() -> dict[str, Path]:
    """Return the files of the page by name; nothing else is ever served."""
    return {path.relative_to(STATIC).as_posix(): path for path in sorted(STATIC.rglob("*")) if path.is_file()}


@cache
def digest() -> str:
    """Return what changes with any of the page's files."""
    every = ((name, path.read_bytes()) for name, path in files().items())
    return hashlib.sha256(b"".join(name.encode() + content for name, content in every)).hexdigest()[:12]


@cache
def served(name: str, in_airflow: bool = False) -> Served:
    """Read a file once; the page has the version of its files, and where Airflow's own pages are."""
    content = files()[name].read_bytes()
    if name.startswith(VENDOR) and name.endswith(".js"):
        content = COMPILE_ALL + content
    if name == "index.html":
        content = content.replace(b"{version}", digest().encode())
        content = content.replace(b"{airflow}", b"../" if in_airflow else b"")
    kind = "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0] or "application/octet-stream"
    media_type = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
    return Served(content, gzip.compress(content, 6, mtime=0), media_type, f'"{hashlib.sha256(content).hexdigest()}"')


def _response(request: Request, file: Served, kept: str) -> Response:
    headers = {**HEADERS, "cache-control": kept, "etag": file.etag, "vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == file.etag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.compressed, headers={**headers, "content-encoding": "gzip"}, media_type=file.media_type)
    return Response(file.content, headers=headers, media_type=file.media_type)
