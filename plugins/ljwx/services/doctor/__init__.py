"""The parts that the pipeline leans on, looked at one by one; one that fails hides no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from ljwx.services.doctor import alerts, database, machine, market, models, record
from ljwx.services.doctor.finding import Finding, advice

__all__ = ["CHECKS", "Finding", "examine"]

CHECKS: Mapping[str, Callable[[], Finding | None]] = MappingProxyType(
    {
        "settings": machine.settings,
        "include": machine.include,
        "database": database.database,
        "role": database.role,
        "schema": database.schema,
        "clock": database.clock,
        "tushare": market.tushare,
        "tier": market.tier,
        "terms": market.terms,
        "second_source": market.second_source,
        "index": market.index,
        "tables": market.tables,
        "levels": market.levels,
        "ollama": models.ollama,
        "base": models.base,
        "champion": models.champion,
        "servers": models.servers,
        "asking": models.asking,
        "record": record.record,
        "alerts": alerts.alerts,
        "calendar": machine.calendar,
        "disk": machine.disk,
        "pools": machine.pools,
    }
)
"""The parts in the order in which they are looked at. A check returns None where there is no such part."""


def examine() -> Iterator[Finding]:
    """Yield a finding of each part."""
    for part, check in CHECKS.items():
        finding = _looked_at(part, check)
        if finding is not None:
            yield finding


def _looked_at(part: str, check: Callable[[], Finding | None]) -> Finding | None:
    """Return a finding whatever the check runs into, so that the others are made too; None: no such part."""
    try:
        return check()
    except Exception as error:
        return Finding(part, False, f"{type(error).__name__}: {' '.join(str(error).split())}", advice(part))
