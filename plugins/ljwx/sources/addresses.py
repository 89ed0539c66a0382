"""Where an HTTP server is, as people write it in a connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from urllib.parse import unquote, urlsplit

from ljwx.network import is_host

_FORMS = "write it as host, host:port or https://host/path, and / : @ ? # of a user or password as %2F %3A %40 %3F %23"


@dataclass(frozen=True)
class HttpAddress:
    """An address in its parts.

    :param url: scheme, host, port and path, without a slash at its end and without credentials.
    :param user: of the credentials before the host; None where there is none.
    """

    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def read_http_address(host: str, scheme: str | None, port: int | None, ports: Mapping[str, int]) -> HttpAddress:
    """Read a host, which may be a whole address.

    :param scheme: of a host without one.
    :param port: before the host's own.
    :param ports: those that are meant where none is given, by the schemes that may be used.
    :raises ValueError: it cannot be read; the text quotes nothing of it, because it may hold a password.
    """
    given, mark, rest = host.strip().rpartition("://")
    used = (given if mark else scheme or "http").lower()
    if used not in ports:
        raise ValueError(f"its scheme must be {' or '.join(ports)}")
    authority, slash, path = rest.partition("/")
    userinfo, _, place = authority.rpartition("@")
    path = f"{slash}{path}".rstrip("/")
    try:
        parts = urlsplit(f"//{bracketed(place)}")
        name, own_port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"its host cannot be read: {_FORMS}") from None
    if not is_host(name) or any(character in f"{place}{path}" for character in "@?# "):
        raise ValueError(f"its host cannot be read: {_FORMS}")
    user, colon, password = userinfo.partition(":")
    return HttpAddress(
        f"{used}://{bracketed(name)}:{port or own_port or ports[used]}{path}",
        unquote(user) or None,
        unquote(password) if colon else None,
    )


def bracketed(host: str) -> str:
    """Return a host as an address holds it: an IPv6 address stands in brackets.

    >>> bracketed("::1"), bracketed("[::1]:80"), bracketed("box:80")
    ('[::1]', '[::1]:80', 'box:80')
    """
    try:
        return f"[{IPv6Address(host)}]"
    except ValueError:
        return host
