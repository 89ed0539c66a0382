"""Modules that one test file needs, and every process of a run would load when it collects the tests."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Lazy:
    """Stands for a module that is loaded when something in it is used."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # pytest asks everything that it collects for such
            raise AttributeError(name)
        return getattr(import_module(self._name), name)
