"""Addresses as people write them in a connection."""

from __future__ import annotations

import traceback

import pytest

from ljwx.sources.addresses import HttpAddress, read_http_address

PORTS = {"http": 11434, "https": 443}


def read(host: str, scheme: str | None = None, port: int | None = None) -> HttpAddress:
    return read_http_address(host, scheme, port, PORTS)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("box", "http://box:11434"),
        ("box:8080", "http://box:8080"),
        ("https://box", "https://box:443"),
        ("HTTPS://Box/", "https://box:443"),
        ("https://box/ollama/", "https://box:443/ollama"),
        ("http://box:80", "http://box:80"),
        ("::1", "http://[::1]:11434"),
        ("[::1]", "http://[::1]:11434"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("https://2001:DB8::1/x", "https://[2001:db8::1]:443/x"),
        ("10.0.0.7", "http://10.0.0.7:11434"),
        (" box ", "http://box:11434"),
        (f"{'a' * 63}.lan.", f"http://{'a' * 63}.lan.:11434"),
    ],
)
def test_an_address_has_the_port_that_its_scheme_means(host: str, url: str) -> None:
    assert read(host) == HttpAddress(url)


def test_the_fields_beside_the_host_count_where_it_says_nothing() -> None:
    assert read("box", "https").url == "https://box:443"
    assert read("::1", "https", 8443).url == "https://[::1]:8443"
    assert read("http://box", "https", 1).url == "http://box:1"


@pytest.mark.parametrize(
    ("host", "user", "password"),
    [
        ("user:pw@box", "user", "pw"),
        ("https://a%40b:p%3A%2F1@box", "a@b", "p:/1"),
        ("user@::1", "user", None),
        ("user:p#1@box", "user", "p#1"),
        (":token@box", None, "token"),
    ],
)
def test_credentials_are_told_apart_from_the_address(host: str, user: str | None, password: str | None) -> None:
    found = read(host)
    assert (found.user, found.password) == (user, password)
    assert "@" not in found.url
    assert password is None or password not in f"{found}"


@pytest.mark.parametrize(
    "host",
    ["", "http://", "ftp://box", "box:port", "box:99999", "[::1", "box?x=1", "a box", "user@",
     "box..lan", ".box", f"{'a' * 64}.lan", "user:s3cret@box..lan",
     "user:s3cret/1@box", "user:12/s3cret@box", "http://user:s3cret://@box"],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_its_password(host: str) -> None:
    with pytest.raises(ValueError, match=r"^its (host cannot be read: write|scheme must be http or https)") as caught:
        read(host)
    told = "".join(traceback.format_exception(caught.value))
    assert "s3cret" not in "\n".join(line for line in told.splitlines() if not line.startswith("    "))
