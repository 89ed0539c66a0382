"""What the hooks of market data share: how they are named, waited for, copied and shown."""

from __future__ import annotations

import copy
import json
import pickle
import time

import pytest

from ljwx.hooks.baostock import BaostockHook
from ljwx.hooks.market import SOURCES
from ljwx.hooks.market_hook import MarketHook
from ljwx.hooks.tencent import TencentHook
from ljwx.hooks.tushare import TushareHook

KEY = "bs-" + "Ab3" * 10
CONNECTIONS = {
    TushareHook: {"conn_type": "tushare", "password": KEY},
    TencentHook: {"conn_type": "tencent", "password": KEY, "extra": {"stocks": ["000001.SZ"]}},
    BaostockHook: {"conn_type": "baostock", "password": KEY},
}
Kind = type[MarketHook]

every_hook = pytest.mark.parametrize("kind", CONNECTIONS, ids=lambda kind: kind.__name__)


@pytest.fixture
def hook(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> MarketHook:
    """A hook that has made its client."""
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", json.dumps(CONNECTIONS[kind]))
    made = kind(sleep=time.sleep, retry_budget=1.5)
    assert made.client is made.client
    return made


def test_these_are_the_hooks_of_all_sources() -> None:
    assert {kind.conn_type for kind in CONNECTIONS} == set(SOURCES) - {"generic"}


@every_hook
def test_a_copy_holds_no_secret_and_no_client_and_makes_its_own(kind: Kind, hook: MarketHook) -> None:
    hook.log.info("a bound logger is there")
    written = pickle.dumps(hook)
    assert KEY.encode() not in written
    assert type(hook.client).__name__.encode() not in written
    for twin in (pickle.loads(written), copy.deepcopy(hook)):
        assert (twin.conn_id, twin.retry_budget) == ("tushare_default", 1.5)
        assert twin.client is not hook.client
        assert twin.client.endpoint == hook.client.endpoint


@every_hook
def test_it_is_shown_by_its_connections_name_alone(kind: Kind, hook: MarketHook) -> None:
    assert repr(hook) == f"{kind.__name__}({kind.conn_name_attr}='tushare_default')"


@every_hook
def test_airflow_makes_it_by_the_name_of_its_argument(kind: Kind) -> None:
    made = kind(**{kind.conn_name_attr: "another"})
    assert getattr(made, kind.conn_name_attr) == made.conn_id == "another"
    assert made.default_conn_name == "tushare_default"


@every_hook
def test_a_wrong_connection_is_an_answer_to_who_tests_it(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {**CONNECTIONS[kind], "extra": {"read_timout": 3}}
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", json.dumps(wrong))
    fine, says = kind().test_connection()
    assert not fine
    assert "unknown extra 'read_timout'" in says
