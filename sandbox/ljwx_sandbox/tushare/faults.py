"""Faults that can be switched on per interface while the server runs.

Transport: http_504, http_500, redirect, hang, truncated, dropped, not_json, literal.
Business: every name in `wire.OTHER_ERRORS`, and empty_more (no rows, yet has_more).
Of BaoStock's socket alone: closed, bad_crc, shuffled (columns), banned, login_refused, not_logged_in.
Rows: partial, late, glitch, wrong_types, wrong_width, missing_field, duplicates, nulls.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from ljwx_sandbox.tushare.interfaces import Rows
from ljwx_sandbox.tushare.wire import OTHER_ERRORS

TRANSPORT = frozenset({"http_504", "http_500", "redirect", "hang", "truncated", "dropped", "not_json", "literal"})
BUSINESS = frozenset({*OTHER_ERRORS, "empty_more"})
ROWS = frozenset({"partial", "late", "glitch", "wrong_types", "wrong_width", "missing_field", "duplicates", "nulls"})
SOCKET = frozenset({"closed", "bad_crc", "shuffled", "banned", "login_refused", "not_logged_in"})
EVERY_API = "*"


@dataclass
class Fault:
    """One fault.

    :param count: how many calls it spoils; None for all until it is taken away.
    :param share: partial: the rows that stay; glitch, duplicates, wrong_types, nulls: the rows touched.
    :param seconds: hang: how long.
    :param column: wrong_types, missing_field, nulls: which column; "" for the last.
    :param body: literal: the answer's body, with `status`.
    """

    kind: str
    count: int | None = None
    share: float = 0.3
    seconds: float = 3600.0
    column: str = ""
    body: str = ""
    status: int = 200

    def __post_init__(self) -> None:
        if self.kind not in TRANSPORT | BUSINESS | ROWS | SOCKET:
            known = ", ".join(sorted(TRANSPORT | BUSINESS | ROWS | SOCKET))
            raise ValueError(f"unknown fault {self.kind!r}; known are {known}")


class FaultBook:
    """The faults that are on, by interface; ``*`` stands for every interface that has none of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: dict[str, Fault] = {}

    def replace(self, faults: Mapping[str, Mapping[str, object]]) -> None:
        """Put these faults in the place of all others.

        :raises ValueError: an unknown kind. :raises TypeError: an unknown setting.
        """
        made = {api: Fault(**given) for api, given in faults.items()}  # type: ignore[arg-type]
        with self._lock:
            self._faults = made

    def take(self, api: str) -> Fault | None:
        """Return the fault this call meets, and count it."""
        with self._lock:
            key = api if api in self._faults else EVERY_API
            fault = self._faults.get(key)
            if fault is None or fault.count is None:
                return fault
            fault.count -= 1
            if fault.count <= 0:
                del self._faults[key]
            return fault


def spoil(fault: Fault, fields: Sequence[str], rows: Rows) -> tuple[Sequence[str], Rows]:
    """Return the page as a row fault leaves it. Which rows are touched depends on the stock alone."""
    if fault.kind == "wrong_width":
        return fields, [row[:-1] if at == 0 else row for at, row in enumerate(rows)]
    if fault.kind == "missing_field":
        at = _column(fault, fields)
        return [*fields[:at], *fields[at + 1 :]], [(*row[:at], *row[at + 1 :]) for row in rows]
    if fault.kind == "late":
        return fields, _without_newest(fields, rows)
    if fault.kind == "partial":
        return fields, [row for row in rows if _touched(fault, fields, row)]
    if fault.kind == "duplicates":
        return fields, [*rows, *(row for row in rows if _touched(fault, fields, row))]
    return fields, [_changed(fault, fields, row) if _touched(fault, fields, row) else row for row in rows]


def _column(fault: Fault, fields: Sequence[str]) -> int:
    return fields.index(fault.column) if fault.column in fields else len(fields) - 1


def _touched(fault: Fault, fields: Sequence[str], row: tuple[object, ...]) -> bool:
    named = next((name for name in ("ts_code", "con_code", "code") if name in fields), fields[0])
    key = row[fields.index(named)]
    return crc32(str(key).encode()) % 10_000 < fault.share * 10_000


def _without_newest(fields: Sequence[str], rows: Rows) -> Rows:
    if "trade_date" not in fields or not rows:
        return rows
    at = fields.index("trade_date")
    newest = max(str(row[at]) for row in rows)
    return [row for row in rows if row[at] != newest]


def _changed(fault: Fault, fields: Sequence[str], row: tuple[object, ...]) -> tuple[object, ...]:
    at = _column(fault, fields)
    value = row[at]
    if fault.kind == "glitch":
        # As on 2024-06-25: the fourth decimal moves with no ex-right.
        new: object = round(value + 0.0003, 4) if isinstance(value, float) else value
    elif fault.kind == "nulls":
        new = None
    else:
        new = f"{value}元" if isinstance(value, (int, float)) else 7
    return (*row[:at], new, *row[at + 1 :])
