"""By which way a server is reached: a real server with a private CA's certificate, a real proxy, a real environment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from ljwx.exceptions import ConfigurationError
from ljwx.network import Route, is_local, read_route, require_known, trouble_on_the_way
from support_network import PrivateCA, Proxy, make_ca, running_proxy, tls_in_front_of

HOST = "market.example.org"
VARIABLES = (
    "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY",
    "NO_PROXY",
)  # fmt: skip


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of this machine's is in force."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> PrivateCA:
    return make_ca(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def plain() -> Iterator[int]:
    """The port of a server that answers `here`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"here")

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def secure(plain: int, ca: PrivateCA) -> Iterator[int]:
    """The port of the same server behind TLS with the private CA's certificate."""
    with tls_in_front_of(plain, ca) as port:
        yield port


@pytest.fixture
def proxy(plain: int, secure: int) -> Iterator[Proxy]:
    """A proxy that alone knows where market.example.org is."""
    with running_proxy({HOST: secure, "plain.example.org": plain}) as proxy:
        yield proxy


def ask(url: str, **extra: Any) -> str:
    """Ask a server by the way that a connection with these extras says."""
    with read_route("some", extra, url).session() as session:
        return session.get(url, timeout=60).text


def test_a_private_ca_is_trusted_once_the_connection_names_it(secure: int, ca: PrivateCA) -> None:
    url = f"https://127.0.0.1:{secure}/"
    with pytest.raises(requests.exceptions.SSLError) as caught:
        ask(url)
    assert trouble_on_the_way(caught.value) == (
        "its certificate is not trusted; the extra verify of the connection may name the CA's file"
    )
    assert ask(url, verify=str(ca.ca)) == "here"


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
@pytest.mark.parametrize("verify", [None, ""])
def test_a_private_ca_of_the_environment_is_trusted(
    secure: int, ca: PrivateCA, monkeypatch: pytest.MonkeyPatch, variable: str, verify: Any
) -> None:
    monkeypatch.setenv(variable, str(ca.ca))
    assert ask(f"https://127.0.0.1:{secure}/", verify=verify) == "here"


@pytest.mark.parametrize("verify", [True, "true", "Yes"])
def test_only_public_authorities_are_trusted_where_the_connection_says_so(
    secure: int, ca: PrivateCA, monkeypatch: pytest.MonkeyPatch, verify: Any
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca.ca))
    with pytest.raises(requests.exceptions.SSLError):
        ask(f"https://127.0.0.1:{secure}/", verify=verify)


def test_the_folders_of_openssl_s_variable_are_not_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for value in (str(tmp_path), f"{tmp_path}:/nowhere"):
        monkeypatch.setenv("SSL_CERT_DIR", value)
        assert read_route("some", {}, "https://127.0.0.1/").verify is True


@pytest.mark.parametrize("content", [None, "no PEM"])
def test_a_stale_file_of_openssl_s_variable_is_passed_over_with_a_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str | None
) -> None:
    path = tmp_path / "bundle.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    assert read_route("some", {}, "https://127.0.0.1/").verify is True
    (line,) = caplog.messages
    assert line.startswith("SSL_CERT_FILE in the environment is passed over: it must be a file of certificates; ")
    assert str(path) in line


@pytest.mark.parametrize("verify", [False, "false", "No"])
def test_a_certificate_is_not_looked_at_where_the_connection_says_so(secure: int, verify: Any) -> None:
    url = f"https://127.0.0.1:{secure}/"
    assert ask(url, verify=verify) == "here"
    assert str(read_route("some", {"verify": verify}, url)) == " without a look at its certificate"


def test_the_connection_goes_before_the_environment(
    secure: int, ca: PrivateCA, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = make_ca(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other.ca))
    url = f"https://127.0.0.1:{secure}/"
    with pytest.raises(requests.exceptions.SSLError):
        ask(url)
    assert ask(url, verify=str(ca.ca)) == "here"


@pytest.mark.parametrize("where", ["extra", "environment"])
@pytest.mark.parametrize(("content", "says"), [(None, ""), ("no PEM", " holds no certificate in PEM form.*")])
def test_a_bundle_that_is_none_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str, content: str | None, says: str
) -> None:
    path = tmp_path / "bundle.pem"
    if content is not None:
        path.write_text(content)
    if where == "environment":
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    extra = {"verify": str(path)} if where == "extra" else {}
    source = "extra verify must be true, false or"
    if where == "environment":
        source = "REQUESTS_CA_BUNDLE in the environment must be"
    with pytest.raises(ConfigurationError, match=f"^connection some: {source} a file of certificates; .*{path}{says}$"):
        read_route("some", extra, "https://127.0.0.1/")


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_the_proxy_of_the_environment_is_asked_for_a_server_outside(
    proxy: Proxy, ca: PrivateCA, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, proxy.url)
    assert ask(f"https://{HOST}/", verify=str(ca.ca)) == "here"
    assert proxy.asked == [f"CONNECT {HOST}:443"]


def test_a_proxy_serves_plain_http_too(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    assert ask("http://plain.example.org/x") == "here"
    assert proxy.asked == ["GET http://plain.example.org/x"]


def test_a_local_server_is_never_asked_for_at_the_environment_s_proxy(
    proxy: Proxy, plain: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, proxy.url)
    assert ask(f"http://127.0.0.1:{plain}/") == "here"
    assert ask(f"http://localhost:{plain}/") == "here"
    assert proxy.asked == []


@pytest.mark.parametrize("given", ["none", "NONE", False])
def test_a_connection_may_want_no_proxy(proxy: Proxy, monkeypatch: pytest.MonkeyPatch, given: Any) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    assert read_route("some", {"proxy": given}, f"https://{HOST}/") == Route()
    assert read_route("some", {"proxy": "env"}, f"https://{HOST}/").proxy == proxy.url


def test_no_proxy_of_the_environment_holds(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "intranet.example.org,.example.org")
    assert read_route("some", {}, f"https://{HOST}/").proxy is None
    assert read_route("some", {}, "https://api.example.com/").proxy == proxy.url


def test_a_proxy_that_the_connection_names_is_asked_for_local_servers_too(proxy: Proxy, plain: int) -> None:
    with pytest.raises(requests.exceptions.ProxyError):
        ask(f"http://127.0.0.1:{plain}/", proxy="http://127.0.0.1:9")
    assert ask("http://plain.example.org/", proxy=proxy.url.removeprefix("http://")) == "here"


def test_the_proxy_s_password_is_sent_and_never_told(proxy: Proxy, ca: PrivateCA) -> None:
    url = proxy.url.replace("http://", "http://me:s3cret@")
    assert ask(f"https://{HOST}/", proxy=url, verify=str(ca.ca)) == "here"
    assert proxy.credentials == ["Basic bWU6czNjcmV0"]
    route = read_route("some", {"proxy": url}, f"https://{HOST}/")
    assert str(route) == f" through the proxy {proxy.url}"
    assert "s3cret" not in repr(route)


def test_a_proxy_that_refuses_is_named_as_what_failed(proxy: Proxy) -> None:
    with pytest.raises(requests.exceptions.ProxyError) as caught:
        ask("https://unknown.example.org/", proxy=proxy.url)
    assert trouble_on_the_way(caught.value) == "the proxy gave no way to it; see the extra proxy of the connection"
    assert trouble_on_the_way(requests.ConnectTimeout()) is None


@pytest.mark.parametrize(
    "given",
    ["maybe:x", "ftp://proxy:21", "http://", "http://me:s3cret@proxy:99999", "http://proxy:3128/s3cret",
     "http://me:s3cret@pro..xy:1"],
)  # fmt: skip
@pytest.mark.parametrize("where", ["extra", "environment"])
def test_a_proxy_that_is_none_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, given: str, where: str
) -> None:
    if where == "environment":
        monkeypatch.setenv("HTTPS_PROXY", given)
    said = "extra proxy must be none, env or" if where == "extra" else "the proxy in the environment must be"
    with pytest.raises(ConfigurationError) as caught:
        read_route("some", {"proxy": given} if where == "extra" else {}, f"https://{HOST}/")
    assert str(caught.value) == f"connection some: {said} a URL such as http://proxy:3128"


def test_a_word_that_is_no_flag_is_no_proxy_of_a_connection() -> None:
    with pytest.raises(ConfigurationError, match="extra proxy must be none, env or a URL such as http://proxy:3128"):
        read_route("some", {"proxy": "yes"}, f"https://{HOST}/")


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("proxy", "http://proxy"),
        ("HTTP://proxy:3128", "http://proxy:3128"),
        ("http://proxy:3128/", "http://proxy:3128/"),
    ],
)
def test_a_proxy_of_the_environment_may_be_written_as_requests_reads_it(
    monkeypatch: pytest.MonkeyPatch, given: str, url: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", given)
    assert read_route("some", {}, f"https://{HOST}/").proxy == url


def test_a_socks_proxy_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ljwx.network.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match="for socks5h install PySocks"):
        read_route("some", {"proxy": "socks5h://127.0.0.1:1080"}, f"https://{HOST}/")
    monkeypatch.setattr("ljwx.network.find_spec", lambda name: name)
    assert read_route("some", {"proxy": "socks5h://127.0.0.1:1080"}, f"https://{HOST}/").proxy is not None


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.2", "::1", "10.1.2.3", "192.168.1.9", "172.16.0.1", "169.254.1.1", "fd00::1", "gpu-box",
     "ollama", "box.local", "a.localhost", "ollama.ml.svc", "x.internal", "host.docker.internal", "198.18.0.4",
     "100.64.0.1", "LOCALHOST."],
)  # fmt: skip
def test_a_host_of_one_s_own_is_local(host: str) -> None:
    assert is_local(host)


@pytest.mark.parametrize("host", ["api.tushare.pro", "8.8.8.8", "2400:3200::1", "gpu.example.org", "local.example.org"])
def test_a_public_host_is_not(host: str) -> None:
    assert not is_local(host)


def test_an_extra_that_nothing_reads_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ConfigurationError, match=r"^connection some: unknown extra 'verfy'; known are proxy, verify"):
        require_known("some", {"verfy": "x"}, {"verify", "proxy"})


def test_nothing_of_netrc_is_sent(plain: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password s3cret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    url = f"http://127.0.0.1:{plain}/"
    with read_route("some", {}, url).session() as session:
        assert "Authorization" not in session.get(url, timeout=60).request.headers
