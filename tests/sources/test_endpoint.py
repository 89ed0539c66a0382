"""What the connections of all sources may say."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import Connection

from ljwx.exceptions import ConfigurationError
from ljwx.sources.endpoint import Address, calls_per_minute, read_address


def connection(extra: str = "{}", **fields: Any) -> Connection:
    return Connection(conn_id="market", conn_type="some", extra=extra, **fields)


def test_an_empty_connection_means_the_known_host_by_https() -> None:
    address = read_address(connection(), "api.example.org")
    assert (address.url, address.timeouts) == ("https://api.example.org", (5.0, 30.0))
    assert calls_per_minute(connection()) is None


def test_host_port_scheme_and_time_outs_are_taken_from_it() -> None:
    given = connection('{"connect_timeout": 1, "read_timeout": "2.5"}', host="box", port=81, schema="HTTP")
    assert read_address(given, "api.example.org") == Address("http://box:81", (1.0, 2.5))


@pytest.mark.parametrize(("given", "limit"), [("200", 200), ("0.5", 1), ('""', None), ("null", None)])
def test_a_limit_is_a_whole_number_of_calls(given: str, limit: int | None) -> None:
    assert calls_per_minute(connection(f'{{"calls_per_minute": {given}}}')) == limit


@pytest.mark.parametrize(
    ("extra", "fields", "says"),
    [
        ('{"read_timout": 3}', {}, "unknown extra 'read_timout'; known are calls_per_minute, connect_timeout"),
        ('{"read_timeout": "soon"}', {}, "extra read_timeout must be a number above 0, not 'soon'"),
        ('{"connect_timeout": Infinity}', {}, "extra connect_timeout must be a number above 0"),
        ("{}", {"schema": "ftp"}, "schema must be https or http, not 'ftp'"),
        ("{}", {"host": "box/x"}, "host must be a bare name, such as api.example.org"),
        ("{}", {"host": "me@box"}, "host must be a bare name"),
        ("{}", {"host": "box..lan"}, "host must be a bare name"),
    ],
)
def test_what_is_wrong_is_one_line_with_the_connection_s_name(extra: str, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^connection market: {says}"):
        read_address(connection(extra, **fields), "api.example.org")
