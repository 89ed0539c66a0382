"""What a round trip costs on the A-share market, by date.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

STAMP_DUTY: Final[tuple[tuple[dt.date, float], ...]] = (
    (dt.date(2008, 9, 19), 0.001),  # sellers only from this day on
    (dt.date(2023, 8, 28), 0.0005),
)


class Costs(BaseModel):
    """Trading costs as fractions of the traded value.

    Stamp duty is not here: the law fixes it by date.

    ``commission`` is what the broker takes on each side, at least ``commission_minimum_cny`` of an order of
    ``order_value_cny``; ``transfer_fee`` is paid on each side.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    commission: float = Field(default=0.00025, ge=0, le=0.003)
    commission_minimum_cny: float = Field(default=5.0, ge=0)
    order_value_cny: float = Field(default=100_000.0, gt=0)
    transfer_fee: float = Field(default=0.00001, ge=0, le=0.001)

    @property
    def per_side(self) -> float:
        """Commission (with its minimum) and transfer fee of one side, as a fraction."""
        return max(self.commission, self.commission_minimum_cny / self.order_value_cny) + self.transfer_fee


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
