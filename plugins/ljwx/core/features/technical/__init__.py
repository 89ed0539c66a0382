"""The technical indicators: made of prices and volumes that are adjusted as of each session.

Pure: nothing here may import airflow, HTTP or SQL.
"""

from ljwx.core.features.group import FeatureGroup
from ljwx.core.features.technical.catalogue import FEATURES
from ljwx.core.features.technical.citable import CITABLE
from ljwx.core.features.technical.facts import DERIVED, FACTS, NEEDED
from ljwx.core.features.technical.indicators import INDICATORS
from ljwx.core.features.technical.signals import SIGNALS

TECHNICAL = FeatureGroup(
    name="technical",
    inputs=("high", "low", "close", "vol", "adj_factor"),
    features=FEATURES,
    indicators=INDICATORS,
    derived=DERIVED,
    needed=NEEDED,
    facts=FACTS,
    signals=SIGNALS,
    chosen=CITABLE,
)
