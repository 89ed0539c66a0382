"""How a server is reached over HTTP: which certificates are trusted, and whether a proxy stands in between.

The extras `verify` and `proxy` of a connection say it; without them the environment does, as everywhere in Python.
"""

from __future__ import annotations

import logging
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

log = logging.getLogger(__name__)

ROUTE_EXTRAS = frozenset({"verify", "proxy"})
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name trusted certificates and must name some; the first that is set counts, before OPENSSL_BUNDLE."""
OPENSSL_BUNDLE = "SSL_CERT_FILE"
"""Names trusted certificates too; whoever set it may have meant other programs, and a stale one is passed over."""
LOCAL_NAMES = (".local", ".localhost", ".internal", ".svc")
SCHEMES = ("http", "https")
SOCKS = ("socks4", "socks4a", "socks5", "socks5h")
_PROXY_FORM = "a URL such as http://proxy:3128"
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


def is_host(name: str) -> bool:
    """Tell whether a text can be a host: between its dots stand 1 to 63 characters, as an address in DNS has them.

    >>> is_host("box.lan"), is_host("box..lan"), is_host("::1")
    (True, False, True)
    """
    try:
        return bool(name.encode("idna"))
    except UnicodeError:
        return False


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
    if flag is not None:
        return flag
    if given not in (None, ""):
        return _bundle(f"connection {name}: extra verify must be true, false or", str(given))
    return _of_environment(name) if url.startswith("https:") else True


def _of_environment(name: str | None) -> bool | str:
    for variable in BUNDLES:
        if path := os.environ.get(variable):
            return _bundle(f"connection {name}: {variable} in the environment must be", path)
    if path := os.environ.get(OPENSSL_BUNDLE):
        try:
            return _bundle(f"{OPENSSL_BUNDLE} in the environment is passed over: it must be", path)
        except ConfigurationError as error:
            log.warning("%s", error)
    return True


def _bundle(what: str, path: str) -> str:
    """Return the path of trusted certificates, once it is known that it holds some."""
    place = Path(path).expanduser()
    if place.is_dir():
        return str(place)
    try:
        ssl.create_default_context(cafile=str(place))
    except FileNotFoundError:
        raise ConfigurationError(f"{what} a file of certificates; no file {place}") from None
    except OSError as error:
        trouble = f"{place} holds no certificate in PEM form ({error.strerror})"
        raise ConfigurationError(f"{what} a file of certificates; {trouble}") from None
    return str(place)


def _proxy(name: str | None, given: Any, url: str) -> str | None:
    text = "env" if given in (None, "") else str(given).strip()
    if text.lower() == "none" or given is False:
        return None
    if text.lower() != "env":
        said = f"connection {name}: extra proxy must be none, env or"
        if text.isalnum():  # such as `yes`, which is no host that anybody means
            raise ConfigurationError(f"{said} {_PROXY_FORM}")
        return _proxy_url(said, text)
    host = urlsplit(url).hostname or ""
    found = None if is_local(host) else select_proxy(url, get_environ_proxies(url))
    return found and _proxy_url(f"connection {name}: the proxy in the environment must be", found)


def _proxy_url(what: str, text: str) -> str:
    """Return a proxy's URL; messages leave it out, for it may hold a password."""
    url = text if "://" in text else f"http://{text}"
    scheme, _, rest = url.partition("://")
    scheme = scheme.lower()
    if scheme not in (*SCHEMES, *SOCKS) or not _is_place(rest.rstrip("/")):
        raise ConfigurationError(f"{what} {_PROXY_FORM}")
    if scheme in SOCKS and find_spec("socks") is None:
        raise ConfigurationError(f"{what} an HTTP proxy: for {scheme} install PySocks")
    return f"{scheme}://{rest}"


def _is_place(text: str) -> bool:
    """Tell whether a text is ``user:password@host:port``, of which only the host is needed."""
    try:
        parts = urlsplit(f"//{text}")
        return is_host(parts.hostname or "") and parts.netloc == text and parts.port != 0
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
