"""The four tasks and their classes. Pure: imports nothing, so that every part of the core can share it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, get_args

Task = Literal["investment_advice", "risk_assessment", "price_direction", "technical_analysis"]

TASKS: Final[tuple[Task, ...]] = get_args(Task)
CLASSES: Final[Mapping[str, tuple[str, str, str]]] = MappingProxyType(
    {
        "investment_advice": ("buy", "hold", "sell"),
        "risk_assessment": ("low", "medium", "high"),
        "price_direction": ("up", "flat", "down"),
        "technical_analysis": ("bullish", "neutral", "bearish"),
    }
)
"""The classes of each task, in the order in which ties are decided and tables are printed."""
