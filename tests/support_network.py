"""What stands between us and a server in a company's network: TLS of a private CA, and a proxy; both real."""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOSTS = ("market.example.org", "localhost", "127.0.0.1")
"""The names of the certificate; only a proxy knows the first."""


@dataclass(frozen=True)
class PrivateCA:
    """Files of a CA that nobody else trusts, and of one server's certificate with its key."""

    ca: Path
    server: Path


def make_ca(folder: Path) -> PrivateCA:
    """Make a CA and a certificate for HOSTS."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name, name = _name("A company's CA"), _name("a server")
    ca = _certificate(ca_name, ca_name, ca_key, ca_key, x509.BasicConstraints(ca=True, path_length=0))
    names = x509.SubjectAlternativeName(
        [x509.IPAddress(ip_address(each)) if each[0].isdigit() else x509.DNSName(each) for each in HOSTS]
    )
    server = _certificate(name, ca_name, key, ca_key, names)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    made = PrivateCA(folder / "ca.pem", folder / "server.pem")
    made.ca.write_bytes(ca)
    made.server.write_bytes(private + server)
    return made


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(subject: x509.Name, issuer: x509.Name, key: Any, by: Any, extension: Any) -> bytes:
    now = datetime.now(timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    )
    return builder.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@contextmanager
def tls_in_front_of(port: int, ca: PrivateCA) -> Iterator[int]:
    """Speak TLS on a port, and hand what comes to a plain server on another one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca.server)

    def serve(client: socket.socket) -> None:
        with (
            context.wrap_socket(client, server_side=True) as secure,
            socket.create_connection(("127.0.0.1", port)) as server,
        ):
            _pump(secure, server)

    with _listening(serve) as own:
        yield own


@dataclass
class Proxy:
    """A running HTTP proxy.

    :param asked: in order: ``CONNECT market.example.org:443``, ``GET http://…``.
    :param credentials: the values of Proxy-Authorization.
    """

    port: int = 0
    asked: list[str] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def running_proxy(ports: dict[str, int], *, status: int = 0) -> Iterator[Proxy]:
    """A proxy that knows some hosts by the port of 127.0.0.1 they are on, and no other.

    :param status: answered to all requests in the place of passing them on.
    """
    proxy = Proxy()

    def serve(client: socket.socket) -> None:
        head = _read_head(client)
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        proxy.asked.append(f"{method} {target}")
        proxy.credentials += [each.split(" ", 1)[1] for each in lines if each.lower().startswith("proxy-auth")]
        host = urlsplit(f"//{target}" if method == "CONNECT" else target).hostname or ""
        if status or host not in ports:
            client.sendall(f"HTTP/1.1 {status or 502} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            return
        with socket.create_connection(("127.0.0.1", ports[host])) as server:
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                server.sendall(head)
            _pump(client, server)

    with _listening(serve) as proxy.port:
        yield proxy


@contextmanager
def _listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve each client in a thread of its own; what breaks one connection is none of the others'."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def one(client: socket.socket) -> None:
        with client, suppress(OSError):
            serve(client)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                client.settimeout(30)
                threads.append(threading.Thread(target=one, args=(client,), daemon=True))
                threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(5)


def _read_head(client: socket.socket) -> bytes:
    """Read to the end of a request's head, and what of the body came with it."""
    head = b""
    while b"\r\n\r\n" not in head:
        part = client.recv(4096)
        if not part:
            raise ConnectionError
        head += part
    return head


def _pump(one: Any, other: Any) -> None:
    """Carry bytes both ways until one side ends."""
    pairs = {one: other, other: one}
    while True:
        ready = [each for each in pairs if getattr(each, "pending", int)()] or select.select(list(pairs), [], [], 30)[0]
        if not ready:
            return
        for each in ready:
            data = each.recv(65_536)
            if not data:
                return
            pairs[each].sendall(data)
