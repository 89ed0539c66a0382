"""How a server is reached over HTTP: which certificates are trusted, and whether a proxy stands in between.

The extras `verify` and `proxy` of a connection say it; without them the environment does, as everywhere in Python.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.utils import get_environ_proxies, select_proxy

from ljwx.exceptions import ConfigurationError

ROUTE_EXTRAS = frozenset({"verify", "proxy"})
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that name trusted certificates; the first that is set counts."""
LOCAL_NAMES = (".local", ".localhost", ".internal", ".svc")
SCHEMES = ("http", "https")
SOCKS = ("socks4", "socks4a", "socks5", "socks5h")
_FLAGS = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True)
class Route:
    """How one server is reached.

    :param verify: True: its certificate must come from a public authority; a path: from one in this file or folder;
        False: it is not looked at.
    :param proxy: URL of the proxy, which may hold a password; None: the server is asked directly.
    """

    verify: bool | str = True
    proxy: str | None = field(default=None, repr=False)

    def session(self) -> requests.Session:
        """Return a session that goes this way, and takes nothing else from the environment, such as .netrc."""
        session = requests.Session()
        session.trust_env = False
        session.verify = self.verify
        if self.proxy is not None:
            session.proxies = dict.fromkeys(SCHEMES, self.proxy)
        return session

    def __str__(self) -> str:
        """Say what is not usual about the way, to follow an address; empty when nothing is."""
        unchecked = " without a look at its certificate" if self.verify is False else ""
        return unchecked if self.proxy is None else f" through the proxy {_without_password(self.proxy)}{unchecked}"


def require_known(name: str | None, extra: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse an extra that nothing reads, which is one that is written wrong.

    :param name: of the connection.
    :raises ConfigurationError: it names the extra and the known ones.
    """
    unknown = sorted(set(extra) - set(known))
    if unknown:
        raise ConfigurationError(
            f"connection {name}: unknown extra {unknown[0]!r}; known are {', '.join(sorted(known))}"
        )


def read_route(name: str | None, extra: Mapping[str, Any], url: str) -> Route:
    """Read a connection's extras `verify` and `proxy`.

    :param url: of the server.
    :raises ConfigurationError: a bundle that is not there or holds no certificate, a proxy that is none.
    """
    return Route(_verify(name, extra.get("verify"), url), _proxy(name, extra.get("proxy"), url))


def is_local(host: str) -> bool:
    """Tell whether a host is on this machine or in its network by the look of it: the environment's proxy is not asked.

    Names without a dot, those that no public server has, and every address that is not public.
    """
    try:
        return not ip_address(host).is_global
    except ValueError:
        name = host.rstrip(".").lower()
        return "." not in name or name.endswith(LOCAL_NAMES)


def trouble_on_the_way(error: BaseException) -> str | None:
    """Say what to do about a failure that is none of the server's; None for any other.

    :param error: of an HTTP client; what it was raised from is looked at too.
    """
    found = list(_chain(error))
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in found):
        return "its certificate is not trusted; the extra verify of the connection may name the CA's file"
    if any(type(each).__name__ == "ProxyError" for each in found):
        return "the proxy gave no way to it; see the extra proxy of the connection"
    return None


def _verify(name: str | None, given: Any, url: str) -> bool | str:
    flag = given if isinstance(given, bool) else _FLAGS.get(str(given).strip().lower())
    if flag is False:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # it was said once, and not by accident
        return False
    if flag is None and given not in (None, ""):
        return _bundle(f"connection {name}: extra verify", str(given))
    variable = next((each for each in BUNDLES if os.environ.get(each)), None)
    if variable is None or not url.startswith("https:"):
        return True
    return _bundle(f"connection {name}: {variable} in the environment", os.environ[variable])


def _bundle(what: str, path: str) -> str:
    """Return the path of trusted certificates, once it is known that it holds some."""
    place = Path(path).expanduser()
    if place.is_dir():
        return str(place)
    try:
        ssl.create_default_context(cafile=str(place))
    except FileNotFoundError:
        raise ConfigurationError(f"{what} must be true, false or a file of certificates; no file {place}") from None
    except OSError as error:
        raise ConfigurationError(f"{what}: {place} holds no certificate in PEM form ({error.strerror})") from None
    return str(place)


def _proxy(name: str | None, given: Any, url: str) -> str | None:
    text = "env" if given in (None, "") else str(given).strip()
    if text.lower() == "none" or given is False:
        return None
    if text.lower() != "env":
        return _proxy_url(f"connection {name}: extra proxy must be none, env or", text)
    host = urlsplit(url).hostname or ""
    found = None if is_local(host) else select_proxy(url, get_environ_proxies(url))
    return found and _proxy_url(f"connection {name}: the proxy in the environment must be", found)


def _proxy_url(what: str, text: str) -> str:
    """Return a proxy's URL; messages leave it out, for it may hold a password."""
    url = text if "://" in text else f"http://{text}"
    scheme, _, rest = url.partition("://")
    is_word = text.isalnum()  # such as `yes`, which is no host that anybody means
    if is_word or scheme not in (*SCHEMES, *SOCKS) or not _is_place(rest.rstrip("/")):
        raise ConfigurationError(f"{what} a URL such as http://proxy:3128")
    if scheme in SOCKS and find_spec("socks") is None:
        raise ConfigurationError(f"{what} an HTTP proxy: for {scheme} install PySocks")
    return url


def _is_place(text: str) -> bool:
    """Tell whether a text is ``user:password@host:port``, of which only the host is needed."""
    try:
        parts = urlsplit(f"//{text}")
        return bool(parts.hostname) and parts.netloc == text and parts.port != 0
    except ValueError:
        return False


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all that it was raised from or holds."""
    seen: set[int] = set()
    left: list[Any] = [error]
    while left:
        each = left.pop()
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            left += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
