"""Every hook that speaks HTTP by the ways of a company's network: a private CA, a proxy, and both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.tencent import TencentHook
from ljwx.hooks.tushare import TushareHook
from ljwx.provider import get_provider_info
from support_network import PrivateCA, Proxy, make_ca, running_proxy, tls_in_front_of
from support_ollama import OllamaServer
from support_tushare import UNLIMITED, TushareServer

HOST = "market.example.org"
CONNECTIONS: dict[str, dict[str, Any]] = {
    "tushare": {"password": UNLIMITED},
    "tencent": {"extra": {"stocks": ["000001.SZ"]}},
    "ollama": {"schema": "https"},
}
HOOKS = {"tushare": TushareHook, "tencent": TencentHook, "ollama": OllamaHook}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of this machine's is in force."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> PrivateCA:
    return make_ca(tmp_path_factory.mktemp("ca"))


@pytest.fixture(params=HOOKS)
def kind(request: pytest.FixtureRequest) -> str:
    """The type of the connection."""
    return str(request.param)


@pytest.fixture
def plain(kind: str, tushare_process: TushareServer, ollama_sandbox: OllamaServer) -> int:
    """The port of the connection's server."""
    return int(ollama_sandbox.url.rpartition(":")[2]) if kind == "ollama" else tushare_process.port


@pytest.fixture
def secure(plain: int, ca: PrivateCA) -> Iterator[int]:
    """The port of that server behind TLS."""
    with tls_in_front_of(plain, ca) as port:
        yield port


@pytest.fixture
def proxy(secure: int) -> Iterator[Proxy]:
    with running_proxy({HOST: secure}) as proxy:
        yield proxy


def asking(monkeypatch: pytest.MonkeyPatch, kind: str, extra: dict[str, Any], **fields: Any) -> tuple[bool, str]:
    """Press the Test button of a connection of this kind."""
    known = CONNECTIONS[kind]
    connection = {"conn_type": kind, **known, **fields, "extra": {**known.get("extra", {}), **extra}}
    name = "OLLAMA" if kind == "ollama" else "TUSHARE"
    monkeypatch.setenv(f"AIRFLOW_CONN_{name}_DEFAULT", json.dumps(connection))
    return HOOKS[kind]().test_connection()


def test_a_private_ca_is_trusted_by_the_extra_and_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, kind: str, secure: int, ca: PrivateCA
) -> None:
    place = {"host": "127.0.0.1", "port": secure}
    fine, said = asking(monkeypatch, kind, {}, **place)
    assert not fine
    assert "its certificate is not trusted; the extra verify of the connection may name the CA's file" in said
    assert asking(monkeypatch, kind, {"verify": str(ca.ca)}, **place)[0]
    fine, said = asking(monkeypatch, kind, {"verify": "false"}, **place)
    assert fine
    assert f"https://127.0.0.1:{secure}" in said
    assert "without a look at its certificate" in said
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca.ca))
    assert asking(monkeypatch, kind, {}, **place)[0]


def test_a_proxy_of_the_environment_or_of_the_connection_leads_to_the_server(
    monkeypatch: pytest.MonkeyPatch, kind: str, proxy: Proxy, ca: PrivateCA
) -> None:
    fine, said = asking(monkeypatch, kind, {"verify": str(ca.ca), "proxy": proxy.url}, host=HOST)
    assert fine, said
    assert f"through the proxy {proxy.url}" in said
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.ca))
    assert asking(monkeypatch, kind, {}, host=HOST)[0]
    assert set(proxy.asked) == {f"CONNECT {HOST}:443"}
    fine, said = asking(monkeypatch, kind, {}, host="elsewhere.example.org")
    assert not fine
    assert "the proxy gave no way to it" in said


def test_a_local_server_is_asked_directly(monkeypatch: pytest.MonkeyPatch, kind: str, proxy: Proxy, plain: int) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    place = {"host": "127.0.0.1", "port": plain, "schema": "http"}
    assert asking(monkeypatch, kind, {}, **place)[0]
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ({"verfy": "/x"}, "unknown extra 'verfy'; known are "),
        (
            {"verify": "/nowhere.pem"},
            "extra verify must be true, false or a file of certificates; no file /nowhere",
        ),
        ({"proxy": "yes"}, "extra proxy must be none, env or a URL such as http://proxy:3128"),
    ],
)
def test_a_wrong_extra_is_named(monkeypatch: pytest.MonkeyPatch, kind: str, extra: dict[str, Any], says: str) -> None:
    fine, said = asking(monkeypatch, kind, extra, host="elsewhere.example.org")
    assert not fine
    assert says in said
    if "known are" in said:
        assert {"proxy", "verify", "read_timeout"} <= set(said.partition("known are ")[2].split(", "))


def test_the_form_of_each_connection_has_the_fields_of_its_way() -> None:
    fields = {each["connection-type"]: set(each["conn-fields"]) for each in get_provider_info()["connection-types"]}
    assert {kind for kind, names in fields.items() if {"verify", "proxy"} <= names} == {"tushare", "tencent", "ollama"}
    assert "verify" in fields["apprise"]
