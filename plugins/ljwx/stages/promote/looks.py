"""A look at what was noted of a pair: the error rate that it has, and what its sessions say."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Final

from ljwx.core.evidence import Stake
from ljwx.core.evidence.gathering import Gathered, Made, Said
from ljwx.core.evidence.sessions import Moves
from ljwx.core.promotions import Against, LinePolicy
from ljwx.core.promotions.judging import PREDICTED, RETURNS, RULE, against
from ljwx.core.promotions.record import Compared, FromSource, compared, from_sources
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.settings import Settings
from ljwx.stages.promote.moves import moves_after
from ljwx.warehouse.lines import CLASS_RATES, Given, kind_of

BEGIN: Final = date(1990, 12, 19)
"""The exchanges opened."""
KEPT: Final = 2
"""Lines whose answers a look keeps: the one that serves, and the one that challenges."""


@dataclass(frozen=True)
class Look:
    """When one looks, and by which rules; lines that are looked at together share it, for what was said is read once.

    :param calendar: all sessions up to the one at whose close is looked, which is `session`.
    """

    warehouse: WarehouseHook
    settings: Settings
    run_key: int
    session: date
    calendar: Sequence[date]
    _last: OrderedDict[tuple[Made, ...], list[Said]] = field(default_factory=OrderedDict, repr=False, compare=False)

    @property
    def policy(self) -> LinePolicy:
        """What a line must show."""
        return self.settings.gate

    def in_use(self, tasks: Sequence[str]) -> list[str]:
        """Return those of some tasks that samples are made of: of others nothing is asked, and nothing is missing."""
        return [task for task in tasks if task in self.settings.samples.tasks]

    def said(self, made: Sequence[Made]) -> list[Said]:
        """Return what models said: of all sessions of the last year, and of older ones that the newest was not made on.

        The questions lie before the sealed window, which with a long history is longer than a year. What still older
        sessions said was noted when they were newer. Of the forward record sessions count whose classes mean what those
        of the newest mean. What the last two asked about said is kept: challengers are held against one champion.
        """
        key = tuple(made)
        if key not in self._last:
            self._last[key] = self._read(made)
        self._last.move_to_end(key)
        while len(self._last) > KEPT:
            self._last.popitem(last=False)
        return self._last[key]

    def _read(self, made: Sequence[Made]) -> list[Said]:
        year = self.calendar[-self.policy.error_sessions :][0]
        since = min([year, *(each.counts_from for each in made[:1])])
        said = self.warehouse.said_by(made, PREDICTED, since, self.session)
        sessions = [session for session in self.in_record if session >= since]
        return [*said, *self.warehouse.said_in_record(made, PREDICTED, sessions, self.session)] if sessions else said

    def moves(self, line: str, rival: str, found: Gathered) -> Moves:
        """Return what stocks did on the days after the sessions that are to be noted of a pair."""
        last = self.warehouse.last_ranked(line, rival) or BEGIN
        new = sorted({each.session for each in found.questions if each.session > last})
        return moves_after(self.warehouse, new, self.calendar, self.settings.samples.horizon).of

    @cached_property
    def in_record(self) -> Sequence[date]:
        """Sessions of the forward record whose classes mean what is asked about now."""
        batches = self.warehouse.forward_batches()
        horizon = self.settings.samples.horizon
        return [each.session for each in batches if (each.meaning, each.horizon) == (batches[-1].meaning, horizon)]


@dataclass(frozen=True)
class Pair:
    """What a pair's sessions say, and the look at it."""

    against: Against
    compared: tuple[Compared, ...]
    looks: int
    given: Given | None
    counted: Sequence[date]
    sources: tuple[FromSource, ...] = ()


def look_at(warehouse: WarehouseHook, settings: Settings, run_key: int, session: date) -> Look:
    """Look at the close of a session."""
    return Look(warehouse, settings, run_key, session, warehouse.sessions(BEGIN, session))


def weighed(
    look: Look,
    line: str,
    rival: str,
    scored: Sequence[str],
    *,
    give: bool,
    opened: date | None = None,
    shared_by: int = 1,
) -> Pair:
    """Weigh what counts for a pair, with the error rate that it has or now is given.

    :param scored: tasks whose scores count.
    :param opened: as of :func:`ljwx.core.promotions.judging.against`.
    :param shared_by: as many claims about scores, of which one is enough, share the error rate.
    """
    given = _given(look, line, rival, give=give)
    alpha = look.policy.budget.stake([], 0).alpha if given is None else given.alpha
    first = look.session if given is None else given.session
    calendar = [session for session in look.calendar if session >= first]
    ranking = {task: look.warehouse.evidence(line, rival, task, "rank_ic") for task in RETURNS}
    scores = {task: look.warehouse.evidence(line, rival, task, RULE) for task in look.in_use(scored)}
    found = against(
        ranking, scores, calendar, look.settings.samples.horizon, alpha, opened, score_alpha=alpha / shared_by,
        by_day=given is not None and given.by_day,
    )  # fmt: skip
    every = (
        *(() if rival == CLASS_RATES else (compared(rival, "rank_ic", None, found.ranking),)),
        *(compared(rival, RULE, task, score) for task, score in found.scores.items()),
    )
    looks = 0
    if given is not None:
        looks = look.warehouse.note_look(
            look.run_key, line, rival, look.session, found.ranking.sessions, found.ranking.log_evidence
        )
    rows = [
        each for of_task in (*ranking.values(), *scores.values()) for each in of_task if each.session <= look.session
    ]
    return Pair(found, every, looks, given, sorted({each.session for each in rows}), from_sources(rows))


def _given(look: Look, line: str, rival: str, *, give: bool) -> Given | None:
    """Return the error rate that a line has against a rival; what it is given where something was noted first now."""
    noted = look.warehouse.noted(line, rival)
    if give and noted is not None:
        return look.warehouse.give_stake(look.run_key, line, rival, noted[0], look.policy.budget, look.calendar)
    return next((each for each in look.warehouse.stakes() if each.holds(line, rival)), None)


def spent(look: Look, given: Given | None) -> tuple[float, int]:
    """Return what was given of the error rate to those that began within its sessions of a line, and how many lines.

    :param given: what the line has; None: of those that began within as many sessions of the look.
    """
    position = {session: at for at, session in enumerate(look.calendar)}
    now, kind = (len(position) - 1, None) if given is None else (position[given.session], kind_of(given.rival))
    stakes = [each for each in look.warehouse.stakes() if each.session in position]
    alike = [Stake(position[each.session], each.alpha) for each in stakes if kind_of(each.rival) == kind]
    challenge = [
        each.challenger
        for each in stakes
        if kind_of(each.rival) is None and abs(position[each.session] - now) < look.policy.error_sessions
    ]
    return look.policy.budget.spent(alike, now), len(set(challenge))
