"""Closes of an index in a warehouse, as a source would have given them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from ljwx.core.features.of_index import BENCHMARK, TABLE
from ljwx.hooks.warehouse import WarehouseHook


def save_levels(hook: WarehouseHook, run_key: int, closes: Mapping[date, float], code: str = BENCHMARK) -> None:
    rows = [
        dict.fromkeys(TABLE.schema) | {"ts_code": code, "session": day, "close": close} for day, close in closes.items()
    ]
    hook.save_facts(run_key, TABLE, pl.DataFrame(rows, schema=TABLE.schema))
