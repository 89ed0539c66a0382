"""What a snapshot depends on beside the market. Pure: nothing here may import airflow, HTTP or SQL."""

from __future__ import annotations

from typing import Protocol

from ljwx.core.features import FeatureGroup


class SnapshotSpec(Protocol):
    """The settings that facts are computed with; :class:`ljwx.core.datasets.spec.SampleSpec` has them."""

    @property
    def horizon(self) -> int:
        """Sessions from entry to exit, which the expected range is for."""

    @property
    def look_back(self) -> int:
        """Sessions of bars that a feature row may depend on."""

    @property
    def groups(self) -> tuple[FeatureGroup, ...]:
        """The feature groups whose facts and signals a snapshot holds."""
