"""A real HTTP server that takes what `json://` addresses post, and lets tests look at it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Inbox:
    """What was posted, in order.

    :param status: answered to the next posts.
    """

    port: int = 0
    status: int = 200
    posts: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def address(self, path: str = "") -> str:
        """The address of this server, as apprise takes it."""
        return f"json://127.0.0.1:{self.port}/{path}"

    def titles(self) -> list[str]:
        return [post["title"] for post in self.posts]


@contextmanager
def listening() -> Iterator[Inbox]:
    """A server on a free port, until the end of the block."""
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if inbox.status == 200:
                inbox.posts.append(json.loads(body))
                inbox.paths.append(self.path)
            self.send_response(inbox.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        inbox.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield inbox
        finally:
            server.shutdown()
            thread.join()


def connection(*addresses: str) -> str:
    """The connection `ljwx_alerts` with these addresses, as an environment variable holds it."""
    return json.dumps({"conn_type": "apprise", "password": "\n".join(addresses)})
