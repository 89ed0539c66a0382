"""How the error rate is shared by all who challenge: 5 % in 250 sessions, whoever and however many. Pure: no clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Stake:
    """The error rate that a challenger was given.

    :param position: of the session at which it was given, along the exchange's calendar.
    """

    position: int
    alpha: float


@dataclass(frozen=True)
class Budget:
    """The chance of a false promotion that all challengers have together.

    Each new one gets a share of what is left, and keeps it for as long as it challenges; what was given comes back
    ``sessions`` later. So there is always something left, and those who began within as many sessions of each other
    have at most ``alpha`` together.

    :param alpha: chance of a false promotion among all challengers that begin within ``sessions``.
    :param share: what a new one gets of the rest.
    """

    alpha: float = 0.05
    sessions: int = 250
    share: float = 0.2

    def spent(self, given: Iterable[Stake], position: int) -> float:
        """Return what was given to those who begin within ``sessions`` sessions of this one, before or after it.

        After it: who is asked about earlier sessions begins earlier than those who came before.
        """
        return sum(stake.alpha for stake in given if abs(position - stake.position) < self.sessions)

    def stake(self, given: Iterable[Stake], position: int) -> Stake:
        """Return what a challenger gets that begins now.

        :param given: all stakes before it.
        """
        return Stake(position, self.share * max(self.alpha - self.spent(given, position), 0.0))
