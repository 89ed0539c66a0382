"""pre_close of k-lines, which do not have it: derived from the close before and the announced ex-rights."""

from __future__ import annotations

from ljwx.core.bars import parse_ex_right, reference_price, within_widest_limit
from ljwx.sources.tencent.wire import KLine

EARLIER_ROWS = 8
"""Rows before a range: pre_close needs one, and recognising an IPO needs more than its five unlimited sessions."""


def reference(ts_code: str, line: KLine, at: int) -> tuple[float | None, str | None]:
    """Return the pre_close of a row; or None, and why it cannot be known."""
    if at == 0:
        return None, "no bar before this one"
    row, close_before = line.rows[at], line.rows[at - 1].values[1]
    ex_rights = [parse_ex_right(*announced) for announced in row.announced]
    understood = [each for each in ex_rights if each is not None]
    if len(understood) < len(ex_rights):
        return None, f"ex-right not understood: {'; '.join(text for text, _ in row.announced)}"
    price = reference_price(close_before, understood) if isinstance(close_before, float) else None
    if price is None:
        return None, f"no reference after a close of {close_before}"
    seasoned = at >= EARLIER_ROWS - 1
    if seasoned and not within_widest_limit(ts_code, row.session, price, row.values[1:4]):
        return None, f"prices beyond the daily limit of {price}: an ex-right is missing or wrong"
    return price, None
