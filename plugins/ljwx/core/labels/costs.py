"""What a round trip costs on the A-share market, by date.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

from ljwx.core.datasets.spec import Costs

STAMP_DUTY: Final[tuple[tuple[dt.date, float], ...]] = (
    (dt.date(2008, 9, 19), 0.001),  # sellers only from this day on
    (dt.date(2023, 8, 28), 0.0005),
)


def stamp_duty(exit_session: pl.Expr) -> pl.Expr:
    """Stamp duty of a sale at ``exit_session`` (date), a fraction of its value. Source: Ministry of Finance notices."""
    (_, rate), *changes = STAMP_DUTY
    duty = pl.lit(rate)
    for since, changed in changes:
        duty = pl.when(exit_session >= since).then(changed).otherwise(duty)
    return duty


def net_return(entry: pl.Expr, exit_: pl.Expr, exit_session: pl.Expr, costs: Costs) -> pl.Expr:
    """Return of buying at ``entry`` and selling at ``exit_`` after all costs, as a fraction of what was paid.

    Both prices on one adjusted scale. Paid is entry x (1 + side), received is exit x (1 - side - stamp duty).
    """
    received = exit_ * (1 - costs.per_side - stamp_duty(exit_session))
    return received / (entry * (1 + costs.per_side)) - 1
