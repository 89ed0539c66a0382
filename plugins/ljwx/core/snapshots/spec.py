"""What a snapshot depends on beside the market. Pure: imports nothing of the package."""

from __future__ import annotations

from typing import Protocol


class SnapshotSpec(Protocol):
    """The settings that facts are computed with; :class:`ljwx.core.datasets.spec.SampleSpec` has them."""

    @property
    def horizon(self) -> int:
        """Sessions from entry to exit, which the expected range is for."""

    @property
    def look_back(self) -> int:
        """Sessions of bars that a feature row may depend on."""
