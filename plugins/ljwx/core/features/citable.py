"""What an answer can cite by a short key: a number of the snapshot, the word of a signal, or both in one.

Pure: nothing here may import airflow, HTTP or SQL.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ljwx.core.features.facts import NUMBER, RANKS, Fact, Said
from ljwx.core.features.signals import Signal
from ljwx.core.templates import Path


@dataclass(frozen=True, eq=False)
class Citable:
    """One line of a prompt, which an answer cites by its key.

    :param key: short and of ASCII, because a model reads and writes it; unique among all groups.
    :param kind: an answer cites one line of each kind, so that no line can be cited twice.
    :param name: what a Chinese sentence calls the number; the signal has a name of its own.
    :param english: what an English one calls it.
    :param paths: where the number stands in the snapshot; two are the ends of a range.
    :param said: how a sentence speaks of the number.
    """

    key: str
    kind: str
    name: str
    english: str
    paths: tuple[Path, ...] = ()
    said: Said = NUMBER
    signal: Signal | None = None


def cite(
    kind: str,
    fact: Fact | None = None,
    signal: Signal | None = None,
    *,
    key: str | None = None,
    name: str | None = None,
    english: str | None = None,
) -> Citable:
    """Make a line of a fact, of a signal, or of both.

    :param key: and ``name`` and ``english``: the fact's own, or the signal's without a fact, where not given.
    :raises ValueError: there is neither.
    """
    if fact is None:
        if signal is None:
            raise ValueError("a line needs a fact or a signal")
        return Citable(key or signal.name, kind, name or signal.subject, english or signal.english, signal=signal)
    named = f"rank_{fact.name}" if fact.section == RANKS else fact.name
    name = name or (fact.names[0] if fact.names else named)
    path = (fact.section, fact.name)
    return Citable(key or named, kind, name, english or named.replace("_", " "), (path,), fact.said, signal)


def cite_named(
    facts: Iterable[Fact], fact: str, key: str, name: str, english: str, signal: Signal | None = None
) -> Citable:
    """Make a line of the fact of a name, of a kind of its section's."""
    found = next(each for each in facts if each.name == fact)
    return cite(found.section, found, signal, key=key, name=name, english=english)


def of_group(name: str, facts: Iterable[Fact], signals: Iterable[Signal]) -> tuple[Citable, ...]:
    """A line for each fact, with the word of the signal that is made of it alone, and one for each other signal.

    That is what speaks for a group that does not choose its lines.
    """
    left = {signal.name: signal for signal in signals}
    lines = []
    for fact in facts:
        of_it = next((s for s in left.values() if s.columns == {fact.name}), None)
        lines.append(cite(name, fact, left.pop(of_it.name) if of_it else None))
    return (*lines, *(cite(name, signal=signal) for signal in left.values()))
