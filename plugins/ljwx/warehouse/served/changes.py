"""What was changed since a reader looked last, in whatever order transactions end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ljwx.warehouse.base import WarehouseBase

NOTHING_SEEN: Final = "1:1:"
"""The snapshot of who has seen no transaction."""


@dataclass(frozen=True)
class Changed:
    """Tables that were changed since a look, and the snapshot of this one, as PostgreSQL writes it."""

    snapshot: str
    changed: Sequence[str]


class ChangesVerbs(WarehouseBase):
    """Verbs of who keeps what was read."""

    def changes_since(self, before: str = NOTHING_SEEN) -> Changed:
        """Return what was changed since a look, in transactions that have ended well.

        :param before: the snapshot of that look, which is not older than a day.
        """
        (found,) = self.records(Changed, "changes/since", before=before)
        return found
