"""Chinese prose in one way of writing, cut into clauses.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_SAME: Final = str.maketrans(
    {
        **dict.fromkeys("−–‐‑‒﹣", "-"),
        **dict.fromkeys("〜∼～", "~"),
        **dict.fromkeys("∶︰", ":"),
        **dict.fromkeys("≧", "≥"),
        **dict.fromkeys("≦", "≤"),
        **dict.fromkeys("〇", "零"),
    }
)
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_END: Final = re.compile(r"[,。;!?…\n]|—+|(?P<question>[?吗])")
_DOT: Final = re.compile(r"(?<=\d)\.(?![\dA-Z])|(?<=[A-Z)%])\.(?=\s|$)")
_ZERO_LINE: Final = re.compile(r"(?:零|0)(?:轴线|轴|线)")
_BRACKETS: Final = re.compile(r"\([^()]*\d[^()]*\)")
_ENDS: Final = re.compile(r"[\[(](-?[\d.]+%?),\s*\+?(-?[\d.]+%?)[\])]")
_AND_A_HALF: Final = re.compile(r"(?<=[一二两三四五六七八九十])个半(?:百分)?点")
_SOME: Final = re.compile(r"个多(?:百分)?点")
_DEFAULTS: Final = re.compile(
    r"(?<=MACD)\(12[,、]26[,、]9\)|(?<=KDJ)\(9[,、]3[,、]3\)|(?<=布林)\(20[,、]2\)|(?<=布林带)\(20[,、]2\)"
)
"""The parameters that everybody takes, which say nothing behind the name."""
_DASHES: Final = re.compile(r"(?<=[\d%])—+(?=\d)")


def plain(text: str) -> str:
    """The text with half-width digits, letters and signs, one kind of minus and of tilde, and capital letters.

    A dash between two numbers is a minus here; what it stands for is decided where it is read.
    """
    text = _ZERO_LINE.sub("0", _DASHES.sub("~", text))
    text = _SOME.sub("个百分点多", _AND_A_HALF.sub("点五个百分点", text))
    same = unicodedata.normalize("NFKC", text.translate(_SAME)).translate(_SAME).upper()
    same = _DEFAULTS.sub("", same)
    same = _BRACKETS.sub(lambda match: match[0].replace(",", "、"), same)
    return _DOT.sub("。", _THOUSANDS.sub("", _ENDS.sub(r"\1~\2", same)))


def clauses(text: str) -> list[str]:
    """The clauses of plain text, without the punctuation between them; a question keeps its mark."""
    found = []
    begin = 0
    for end in _END.finditer(text):
        found.append(text[begin : end.end() if end[0] in "?吗" else end.start()])
        begin = end.end()
    return [clause.strip() for clause in (*found, text[begin:]) if clause.strip()]
