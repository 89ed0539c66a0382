"""Strategies: the ways of making a model from a dataset, one module or folder each.

A new one is a module here and a line in STRATEGIES: settings and their schema, plans, reports and the command line read
the registry. The settings import it, so what is heavy is imported within a recipe.
"""

from __future__ import annotations

from typing import Final

from ljwx.exceptions import ConfigurationError
from ljwx.strategies.fewshot import FEWSHOT
from ljwx.strategies.interface import BuildRequest, Description, Strategy
from ljwx.strategies.lora import LORA
from ljwx.strategies.prompt import PROMPT

__all__ = ["STRATEGIES", "BuildRequest", "Description", "Strategy", "describe", "strategy_named"]

STRATEGIES: Final[dict[str, Strategy]] = {"prompt": PROMPT, "fewshot": FEWSHOT, "lora": LORA}


def strategy_named(name: str) -> Strategy:
    """Return a strategy; ConfigurationError names those that there are."""
    if name not in STRATEGIES:
        raise ConfigurationError(f"there is no strategy {name!r}; there is {', '.join(STRATEGIES)}")
    return STRATEGIES[name]


def describe(name: str) -> Description:
    """Return what a model's strategy means; of one that another version of the package had, only its name."""
    return STRATEGIES[name].describes if name in STRATEGIES else Description(name, name, name)
