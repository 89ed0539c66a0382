"""BaoStock's tables as canonical rows; what cannot be used is rejected with its reasons.

Its values are texts: codes `sh.600000`, days 2026-03-03, volumes in shares, amounts in CNY, flags 0 and 1.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

import polars as pl

from ljwx.core.bars import RAW, SourceRows
from ljwx.core.bars import canonical as frames
from ljwx.core.bars.limits import TICK, limit_band, limit_percent
from ljwx.core.bars.reference import with_board
from ljwx.core.features.of_index import TABLE as INDEX_BARS
from ljwx.core.features.valuation import TABLE as VALUATIONS
from ljwx.sources.baostock.wire import DAILY
from ljwx.sources.facts import positive, possible
from ljwx.sources.rows import Table, WireSchema, as_date, as_number, fetched_bars, split_valid

CODE = r"^(sh|sz|bj)\.(\d{6})$"
TRADED, SUSPENDED = "1", "0"
STOCK = "1"
"""The type of stocks; 2 is an index, 3 another, 4 a convertible bond, 5 a fund."""
NOT_DAILY = r"^(bj\.|sh\.9|sz\.2)"
"""Codes that the answer of a day does not carry: of the Beijing exchange, and B-shares."""
_NUMBERS = {
    "open": "open", "high": "high", "low": "low", "close": "close", "preclose": "pre_close", "volume": "vol",
    "amount": "amount", "pctChg": "pct_chg",
}  # fmt: skip
_SCALE = {"vol": (100.0, 2), "amount": (1000.0, 3)}
"""What a canonical unit has of theirs, shares in a lot and CNY in a thousand, and the decimals that TuShare publishes.

A number that is the same there must be the same here to the last bit, or each bar becomes a revision.
"""
SUSPENSIONS = WireSchema("tradestatus", ("ts_code", "trade_date"), ("trade_date",))
_RATIOS = {"pe_ttm": "peTTM", "pb": "pbMRQ", "ps_ttm": "psTTM"}
VALUATIONS_OF_DAY = WireSchema(
    "valuation", ("ts_code", "trade_date", "tradestatus"), ("trade_date",), ("turn", *_RATIOS.values()),
    kinds={"tradestatus": (TRADED,)}, once=True,
)  # fmt: skip
_LEVELS = {
    "open": "open", "high": "high", "low": "low", "close": "close", "preclose": "pre_close", "pctChg": "pct_chg",
}  # fmt: skip
LEVELS = WireSchema("index_daily", ("ts_code", "trade_date"), ("trade_date",), tuple(_LEVELS), once=True)
STOCK_BASIC = WireSchema(
    "stock_basic", ("ts_code", "list_date"), ("list_date", "delist_date"), kinds={"list_status": ("L", "D")}
)  # fmt: skip


def frame_of(table: Table) -> pl.DataFrame:
    """Turn a table of texts into a frame of texts; None is null."""
    columns = zip(*table.rows, strict=True) if table.rows else ((),) * len(table.fields)
    return pl.DataFrame(
        [pl.Series(name, each, dtype=pl.String) for name, each in zip(table.fields, columns, strict=True)]
    )


def bars(wire: pl.DataFrame) -> pl.DataFrame:
    """Read the rows of days as columns of ``FETCHED_BARS``.

    A row without volume of a stock that did not trade is no bar; ``suspensions`` has it. A row whose volume is no
    number, or that does not say whether the stock traded, keeps itself as JSON, and so goes to quarantine.
    """
    rested = (pl.col("tradestatus") == SUSPENDED) & (pl.col("volume").is_null() | (as_number("volume") == 0))
    rows = wire.select(DAILY.columns).filter(~rested.fill_null(False))
    lost = [pl.col(name).is_not_null() & as_number(name).is_null() for name in _NUMBERS]
    lost += [as_date("trade_date").is_null(), ~_is_status().fill_null(False)]
    came = pl.struct(pl.exclude("trade_date")).struct.json_encode()
    numbers = [_number(name, ours).alias(ours) for name, ours in _NUMBERS.items()]
    return fetched_bars(
        rows.with_columns(_day()).select(
            _stock().alias("ts_code"), "trade_date", *numbers, pl.when(pl.any_horizontal(lost)).then(came).alias(RAW)
        )
    )


def narrow_limits(wire: pl.DataFrame) -> pl.DataFrame:
    """Compute the limit prices of stocks under special treatment, of days on which that narrowed them.

    BaoStock publishes no limit, and the board's is too wide for these: a label would sell where nobody could. A day
    with prices outside was not limited so, whatever the flag says, and has no row.

    :return: columns of ``LIMITS``.
    """
    special = bars(wire.filter((pl.col("isST") == "1") & pl.col("code").str.contains(CODE)))
    narrow = limit_percent(pl.lit(True))
    lower, upper = limit_band(narrow)
    limited = special.filter(narrow < limit_percent(pl.lit(False))).with_columns(up_limit=upper, down_limit=lower)
    inside = (pl.col("low") > pl.col("down_limit") - TICK / 2) & (pl.col("high") < pl.col("up_limit") + TICK / 2)
    return limited.filter(inside).select(frames.LIMITS.names())


def suspensions(wire: pl.DataFrame, sessions: Sequence[date]) -> SourceRows:
    """Read which stocks did not trade on some days."""
    rested = wire.filter(pl.col("tradestatus") == SUSPENDED)
    known = pl.when(pl.col("code").str.contains(CODE)).then(_stock())
    usable, rejected = split_valid(
        SUSPENSIONS, rested.with_columns(_day(), known.alias("ts_code")), [f"{day:%Y%m%d}" for day in sessions]
    )
    return SourceRows(
        usable.select(
            "ts_code", as_date("trade_date").alias("session"), pl.lit("S").alias("kind"),
            pl.lit(None, dtype=pl.String).alias("timing"),
        ),
        rejected,
    )  # fmt: skip


def valuations(wire: pl.DataFrame, sessions: Sequence[date]) -> SourceRows:
    """Read the ratios of stocks that traded on some days.

    A loss has a negative ratio here, and what is not known is empty or 0: both are null. A row without any
    number states nothing. The value of the floating shares is not told.
    """
    known = pl.when(pl.col("code").str.contains(CODE)).then(_stock())
    numbers = VALUATIONS_OF_DAY.numbers
    stated = wire.select("date", "code", "tradestatus", *numbers)
    traded = stated.filter(
        (pl.col("tradestatus") != SUSPENDED).fill_null(True), pl.any_horizontal(pl.col(numbers).is_not_null())
    )
    usable, rejected = split_valid(
        VALUATIONS_OF_DAY, traded.with_columns(_day(), known.alias("ts_code")), [f"{day:%Y%m%d}" for day in sessions]
    )
    rows = usable.with_columns(
        as_date("trade_date").alias("session"),
        as_number("turn").alias("turnover"),
        pl.lit(None, pl.Float64).alias("float_value"),
        *(positive(theirs).alias(ours) for ours, theirs in _RATIOS.items()),
    )
    return possible(VALUATIONS, rows, rejected, VALUATIONS_OF_DAY.name)


def index_bars(wire: pl.DataFrame, index_code: str, sessions: Sequence[date]) -> SourceRows:
    """Read an index's levels of some days; those of another index, or of days outside of their range, are rejected."""
    asked = [f"{day:%Y%m%d}" for day in sessions]
    day, known = pl.col("trade_date"), pl.when(pl.col("code").str.contains(CODE)).then(_stock())
    dated = wire.with_columns(_day(), known.alias("ts_code"))
    between = day.is_between(pl.lit(min(asked)), pl.lit(max(asked))) & ~day.is_in(asked)
    usable, rejected = split_valid(
        LEVELS, dated.filter(~between.fill_null(False)), asked, kinds={"ts_code": (index_code,)}
    )
    numbers = (as_number(theirs).alias(ours) for theirs, ours in _LEVELS.items())
    levels = usable.select("ts_code", as_date("trade_date").alias("session"), *numbers)
    return possible(INDEX_BARS, levels, rejected, LEVELS.name)


def index_code_of(ts_code: str) -> str | None:
    """Return BaoStock's code of an index: `sh.000300`; None of one that is of neither exchange."""
    number, _, exchange = ts_code.partition(".")
    return f"{exchange.lower()}.{number}" if exchange in ("SH", "SZ") and number.isdigit() else None


def instruments(basic: pl.DataFrame, industries: pl.DataFrame) -> SourceRows:
    """Read the list of securities: stocks that the answer of a day carries, with today's industries."""
    stocks = basic.filter((pl.col("type") == STOCK) & ~pl.col("code").str.contains(NOT_DAILY).fill_null(False))
    kinds = industries.drop_nulls("code").unique("code", keep="last").select("code", "industry")
    known = pl.when(pl.col("code").str.contains(CODE)).then(_stock())
    wire = stocks.join(kinds, on="code", how="left", maintain_order="left").with_columns(
        known.alias("ts_code"),
        _compact("ipoDate").alias("list_date"),
        _compact("outDate").alias("delist_date"),
        pl.col("status").replace({"1": "L", "0": "D"}).alias("list_status"),
    )
    usable, rejected = split_valid(STOCK_BASIC, wire)
    listed = with_board(usable.rename({"code_name": "name"}))
    days = [as_date(name).alias(name) for name in ("list_date", "delist_date")]
    return SourceRows(listed.with_columns(days).select(frames.INSTRUMENTS.names()), rejected)


def calendar(table: Table) -> pl.DataFrame:
    """Read the calendar: 1 is open, 0 is closed, and anything else is not known."""
    wire = frame_of(table)
    said = pl.col("is_trading_day")
    is_open = pl.when(said == "1").then(True).when(said == "0").then(False)
    return wire.select(
        as_date_of("calendar_date").alias("session"), is_open.alias("is_open"), said.fill_null("null").alias(RAW)
    ).cast(frames.CALENDAR)


def unclear(days: pl.DataFrame, wanted: Collection[date]) -> bool:
    """Say whether a calendar does not tell of each day, once, whether the exchange was open."""
    told = days.drop_nulls("is_open")["session"].to_list()
    return len(told) != days.height or sorted(told) != sorted(wanted)


def _number(name: str, ours: str) -> pl.Expr:
    """Return their column in our unit; polars divides through a reciprocal, and rounding finds the nearest number."""
    if ours not in _SCALE:
        return as_number(name)
    share, decimals = _SCALE[ours]
    return (as_number(name) / share).round(decimals, mode="half_away_from_zero")


def _is_status() -> pl.Expr:
    return pl.col("tradestatus").is_in([TRADED, SUSPENDED])


def _stock() -> pl.Expr:
    """Return TuShare's code; what is no code stays as it came, and the rules of bars refuse it."""
    code = pl.col("code")
    exchange = code.str.slice(0, 2).str.to_uppercase()
    return (
        pl.when(code.str.contains(CODE)).then(pl.concat_str(code.str.slice(3), pl.lit("."), exchange)).otherwise(code)
    )


def _day() -> pl.Expr:
    return _compact("date").alias("trade_date")


def _compact(name: str) -> pl.Expr:
    """Write 2026-03-03 as 20260303; what is no such day stays as it came."""
    day = pl.col(name)
    return pl.when(day.str.contains(r"^\d{4}-\d{2}-\d{2}$")).then(day.str.replace_all("-", "")).otherwise(day)


def as_date_of(name: str) -> pl.Expr:
    """Turn days such as 2026-03-03 into dates; what is none becomes null."""
    return pl.col(name).str.strptime(pl.Date, "%Y-%m-%d", strict=False)
