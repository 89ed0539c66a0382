"""Technical indicators as of each session, on adjusted prices. Pure: nothing here may import airflow, HTTP or SQL."""

from ljwx.core.features.catalogue import FEATURE_VERSION, FEATURES, LOOK_BACK, Feature
from ljwx.core.features.compute import compute
from ljwx.core.features.segments import segments

__all__ = ["FEATURES", "FEATURE_VERSION", "LOOK_BACK", "Feature", "compute", "segments"]
