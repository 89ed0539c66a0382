"""The market and the stock's industry on the session: how stocks moved on average, how many rose, how many hit limits.

Pure: nothing here may import airflow, HTTP or SQL.
"""

from ljwx.core.features.group import FeatureGroup
from ljwx.core.features.market.across import ACROSS
from ljwx.core.features.market.facts import CITABLE, FACTS, SIGNALS

MARKET = FeatureGroup(
    name="market",
    across=ACROSS,
    facts=FACTS,
    signals=SIGNALS,
    chosen=CITABLE,
)
