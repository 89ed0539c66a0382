"""Which of the technical numbers and signals a prompt tells in a line each, for an answer to cite.

Pure: nothing here may import airflow, HTTP or SQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ljwx.core.features.citable import Citable, cite
from ljwx.core.features.facts import RANKS
from ljwx.core.features.technical.facts import FACTS
from ljwx.core.features.technical.signals import SIGNAL

MOVE: Final = "move"
STATE: Final = "state"
RISK: Final = "risk"

_FACT: Final = {fact.name: fact for fact in FACTS if fact.section != RANKS}
_RANK: Final = {fact.name: fact for fact in FACTS if fact.section == RANKS}


def _lines() -> Iterator[Citable]:
    for n in (1, 5, 20):
        yield cite(MOVE, _FACT[f"ret_{n}"], key=f"ret{n}", english=f"{n}-day return")
    for n in (5, 20):
        yield cite(MOVE, _RANK[f"ret_{n}"], key=f"rank{n}", name=f"{n}日涨跌幅", english=f"{n}-day return")
    yield cite(MOVE, _FACT["volume_ratio_5"], SIGNAL["volume"], key="volume", english="volume ratio")
    yield cite(STATE, _FACT["rsi_14"], SIGNAL["rsi"], key="rsi", name="RSI14", english="RSI14")
    yield cite(STATE, _FACT["macd_hist"], SIGNAL["macd"], key="macd", english="MACD")
    yield cite(STATE, signal=SIGNAL["ma"], english="moving averages")
    for n in (5, 20, 60):
        yield cite(STATE, _FACT[f"ma_{n}"], key=f"ma{n}", english=f"MA{n}")
    yield cite(STATE, _FACT["boll_pct_b"], SIGNAL["boll"], key="boll", name="布林位置", english="Bollinger %B")
    yield cite(STATE, _FACT["kdj_j"], SIGNAL["kdj"], key="kdj", name="J值", english="J value")
    yield cite(STATE, _FACT["adx_14"], SIGNAL["trend"], key="trend", english="ADX")
    yield cite(
        RISK, _FACT["vol_20"], SIGNAL["volatility"], key="volatility", name="20日波动", english="20-day volatility"
    )
    yield cite(RISK, _RANK["vol_20"], key="rank_vol", english="volatility")
    yield cite(
        RISK, _FACT["drawdown_60"], SIGNAL["drawdown"], key="drawdown", name="60日回撤", english="60-day drawdown"
    )


CITABLE: Final = tuple(_lines())
"""Each line, in the order in which a prompt tells them."""
