"""The connection's type names the source."""

from __future__ import annotations

import json

import pytest

from ljwx.core.bars import Capability
from ljwx.exceptions import ConfigurationError
from ljwx.hooks.market import SOURCES, is_connected, market_source, market_terms, try_market
from ljwx.services.doctor import market as doctor
from ljwx.sources.baostock.source import BaostockSource
from ljwx.sources.base import MarketSource
from ljwx.sources.tencent.source import TencentSource
from ljwx.sources.tushare.source import TushareSource

CONNECTION = "AIRFLOW_CONN_TUSHARE_DEFAULT"
EXTRA = {"stocks": ["000001.SZ"]}


def define(patch: pytest.MonkeyPatch, kind: str, **fields: object) -> None:
    patch.setenv(CONNECTION, json.dumps({"conn_type": kind, "host": "127.0.0.1", **fields}))


@pytest.mark.parametrize(
    ("kind", "fields", "source"),
    [
        ("tushare", {"password": "x"}, TushareSource),
        ("generic", {"password": "x"}, TushareSource),
        ("http", {"password": "x"}, TushareSource),
        ("tencent", {"extra": EXTRA}, TencentSource),
        ("baostock", {}, BaostockSource),
    ],
)
def test_the_type_of_the_connection_names_the_source(
    monkeypatch: pytest.MonkeyPatch, kind: str, fields: dict[str, object], source: type[MarketSource]
) -> None:
    define(monkeypatch, kind, **fields)
    assert type(market_source()) is source
    assert is_connected()


def test_what_is_known_to_be_refused_is_lacking_and_named_as_it_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    define(monkeypatch, "tushare", password="x")
    source = market_source(refused=[Capability.LIMITS, Capability.MEMBERS])
    assert source.lacks(Capability.LIMITS)
    assert not source.lacks(Capability.FACTORS)
    assert source.absent == ("stk_limit",), "lists of members belong to no session"
    assert source.limits([]) is None


def test_without_the_connection_the_error_says_what_to_create(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CONNECTION, raising=False)
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "client")
    says = "connection tushare_default is not defined; create one of type tushare, its password the token"
    with pytest.raises(ConfigurationError, match=says):
        market_source()
    assert try_market() == (False, says)
    assert not is_connected()


def test_a_wrong_connection_is_an_answer_too(monkeypatch: pytest.MonkeyPatch) -> None:
    define(monkeypatch, "tencent")
    fine, says = try_market()
    assert not fine
    assert "name the stocks to fetch in its extra" in says


def test_every_source_says_what_it_gives_lacks_costs_and_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in set(SOURCES.values()):
        assert kind.terms is not None, kind
        assert all(vars(kind.terms).values())
    define(monkeypatch, "baostock")
    found = doctor.terms()
    assert found is not None
    assert "lacks the Beijing exchange, limit prices, names over time" in found.found
    assert "pass no price on" in found.found


def test_without_a_connection_there_are_no_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CONNECTION, raising=False)
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "client")
    assert market_terms() is None
    assert doctor.terms() is None
