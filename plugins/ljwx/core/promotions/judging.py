"""From what was noted of sessions to what they say about a pair. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ljwx.core.evidence import SessionDifference, Weighed, weigh_days, weigh_rank_ics, weigh_scores
from ljwx.core.evidence.sessions import along
from ljwx.core.promotions.lines import Against, Fresh
from ljwx.core.tasks import TASKS

RULE: Final = "brier"
"""The proper score that counts: it is bounded, so that no single answer outweighs a year."""
PREDICTED: Final = tuple(name for name, task in TASKS.items() if not task.is_copying)
RETURNS: Final = tuple(name for name in PREDICTED if TASKS[name].direction is not None)
"""Tasks whose classes order stocks by what they will return."""

Differences = Mapping[str, Sequence[SessionDifference]]
"""What sessions say, by task."""


def against(
    ranking: Differences,
    scores: Differences,
    calendar: Sequence[date],
    horizon: int,
    alpha: float,
    opened: date | None = None,
    score_alpha: float | None = None,
    *,
    by_day: bool = False,
) -> Against:
    """Weigh what sessions say about a line and a rival.

    :param ranking: differences of RankIC by task; those of a session are one number, their mean.
    :param scores: differences of the proper score by task.
    :param calendar: the sessions from the first that counts to the one at whose close one looks.
    :param alpha: the chance that what is not so is confirmed, over all looks.
    :param opened: the newest session that was there when the line was opened; None where those before do not count.
    :param score_alpha: that chance for a task's score; by default the same.
    :param by_day: RankICs are added up by the days after sessions, those of before in turn.
    """
    said = of_all_tasks(ranking)
    inside = set(calendar)
    rows = [each for each in said if each.session in inside]
    values = along(calendar, [each.session for each in rows], [each.value for each in rows])
    stocks = along(calendar, [each.session for each in rows], [each.stocks for each in rows])
    if by_day:
        weighed = weigh_days(values, _parts(rows, calendar, horizon), stocks, horizon, alpha)
    else:
        weighed = weigh_rank_ics(values, np.nan_to_num(stocks, nan=2.0), horizon, alpha)
    per_task = {
        task: _weigh_scores([each for each in found if each.session in inside], calendar, horizon, score_alpha or alpha)
        for task, found in scores.items()
    }
    return Against(weighed, per_task, None if opened is None else _fresh(rows, opened, horizon))


def of_all_tasks(ranking: Differences) -> list[SessionDifference]:
    """Return each session's mean over its tasks, in the order of the sessions: one number a session."""
    by_session: dict[date, list[SessionDifference]] = defaultdict(list)
    for found in ranking.values():
        for each in found:
            by_session[each.session].append(each)
    return [
        SessionDifference(
            session,
            float(np.mean([each.value for each in found])),
            max(each.bound for each in found),
            min(each.stocks for each in found),
            days=_mean_days([each.days for each in found]),
        )
        for session, found in sorted(by_session.items())
    ]


def _mean_days(found: Sequence[Sequence[float] | None]) -> Sequence[float] | None:
    known = [each for each in found if each is not None]
    return tuple(np.mean(known, axis=0).tolist()) if len(known) == len(found) else None


def _parts(rows: Sequence[SessionDifference], calendar: Sequence[date], horizon: int) -> NDArray[np.float64]:
    """Return calendar × h: what sessions say about the days after them; NaN where that is not known."""
    position, found = {day: at for at, day in enumerate(calendar)}, np.full((len(calendar), horizon), np.nan)
    for each in rows:
        if each.days is not None and len(each.days) == horizon:
            found[position[each.session]] = each.days
    return found


def _weigh_scores(rows: Sequence[SessionDifference], calendar: Sequence[date], horizon: int, alpha: float) -> Weighed:
    days = [each.session for each in rows]
    values = along(calendar, days, [each.value for each in rows])
    return weigh_scores(values, along(calendar, days, [each.bound for each in rows], 0.0), horizon, alpha)


def _fresh(rows: Sequence[SessionDifference], opened: date, horizon: int) -> Fresh:
    later = [each.value for each in rows if each.session > opened]
    return Fresh(len(later), float(np.mean(later)) if later else None, horizon)
