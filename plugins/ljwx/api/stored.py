"""Analyses as they are sent: written as JSON once, and again when anything that they rest on has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from ljwx.api.documents import analysis_document
from ljwx.api.errors import Refused
from ljwx.core.analysis.analysis import Analysis, Language
from ljwx.services.analysing.analyst import Analyst, today
from ljwx.services.analysing.changes import Fresh

MOST: Final = 1000
"""Of some 20 KB each."""


@dataclass(frozen=True)
class Asked:
    """What an analysis was asked for, and on which day: it says how old it is.

    :param tasks: the questions; empty for all.
    """

    ts_code: str
    day: date | None
    tasks: tuple[str, ...]
    language: Language
    on: date


class Documents:
    """Analyses as JSON, the last used ones of all clients; shared by threads."""

    def __init__(self, analyst: Analyst, operator: str | None) -> None:
        self._analyst, self._operator = analyst, operator
        self._written: Fresh[Asked, bytes] = Fresh(MOST)

    def analysis(self, ts_code: str, day: date | None, language: Language, tasks: Sequence[str] = ()) -> bytes:
        """Return an analysis as JSON, as of what the database holds now; errors are those of the analyst.

        :raises Refused: no such stock is known.
        """
        asked = Asked(ts_code, day, tuple(tasks), language, today())
        version = self._analyst.changes.look().version()
        written = self._written.get(asked, version)
        if written is None:
            if ts_code not in self._analyst.directory().by_code:
                raise Refused(404, "unknown", f"no stock {ts_code} is known")
            (found,) = self._analyst.analyse([ts_code], day, tasks)
            written = self._written.put(asked, version, self._json(found, language))
        return written

    def _json(self, found: Analysis, language: Language) -> bytes:
        return analysis_document(found, language, self._operator).model_dump_json().encode()
