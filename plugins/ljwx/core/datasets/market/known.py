"""What is known of a market beside its bars and features. Pure: never imports airflow, HTTP or SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from ljwx.core.bars.codes import UNRENAMED, Codes
from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.snapshots.profiles import of_stocks


@dataclass(frozen=True)
class Known:
    """What samples depend on beside bars and features.

    :param instruments: ts_code, list_date, delist_date.
    :param sessions: all trading sessions; those after the newest bar are ignored.
    :param names: and ``industries``, over time: see :func:`ljwx.core.snapshots.profiles.with_profile`.
    :param members: MEMBERS frame of the index that the spec names; not looked at when it names none.
    :param codes: a renamed stock is one for look-back and labels; each sample has the code of its session.
    """

    instruments: pl.DataFrame
    sessions: Sequence[dt.date]
    spec: SampleSpec
    names: pl.DataFrame | None = None
    industries: pl.DataFrame | None = None
    members: pl.DataFrame | None = None
    codes: Codes = UNRENAMED

    @cached_property
    def stock_names(self) -> pl.DataFrame | None:
        """The names by the newest code of each stock."""
        return of_stocks(self.names, self.codes)

    @cached_property
    def stock_industries(self) -> pl.DataFrame | None:
        """The industries by the newest code of each stock."""
        return of_stocks(self.industries, self.codes)
