"""What stored answers say about a line: against the champion's, and by itself; noted once a session, then weighed."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from ljwx.core.evidence import SessionDifference, Stake
from ljwx.core.evidence.gathering import Gathered, Made, Said, gathered
from ljwx.core.evidence.sessions import (
    FEWEST_STOCKS,
    Distribution,
    of_answers,
    of_rates,
    ranking_differences,
    score_differences,
)
from ljwx.core.promotions import Against, Circumstances, LinePolicy, Predecessor, is_proven
from ljwx.core.promotions.judging import PREDICTED, RETURNS, RULE, against
from ljwx.core.promotions.lines import shown_scores
from ljwx.core.promotions.record import Compared, LineRecord, compared
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.lines import line_id_of
from ljwx.settings import Settings
from ljwx.stages.promote.predecessor import held_against, up_to
from ljwx.warehouse.lines import CLASS_RATES, NOTHING, Given, SessionEvidence, Statistic, kind_of
from ljwx.warehouse.promotions import Alias

log = logging.getLogger(__name__)

BEGIN: Final = date(1990, 12, 19)
"""The exchanges opened."""


@dataclass(frozen=True)
class Judged:
    """What is known of a line when its newest model is decided on.

    :param champion: as of :func:`ljwx.core.promotions.decide_line`.
    :param counted: the sessions that count for the pair.
    """

    champion: Against | Predecessor | None
    alone: Against
    circumstances: Circumstances
    record: LineRecord
    counted: Sequence[date]


@dataclass(frozen=True)
class _Look:
    """Whose evidence is looked at, and when.

    :param calendar: all sessions up to the one at whose close is looked, which is `session`.
    """

    warehouse: WarehouseHook
    settings: Settings
    run_key: int
    session: date
    calendar: Sequence[date]

    @property
    def policy(self) -> LinePolicy:
        return self.settings.gate

    def said(self, made: Sequence[Made]) -> list[Said]:
        """Return what models said: of all sessions of the last year, and of older ones that the newest was not made on.

        The questions lie before the sealed window, which with a long history is longer than a year. What still older
        sessions said was noted when they were newer.
        """
        year = self.calendar[-self.policy.error_sessions :][0]
        since = min([year, *(each.counts_from for each in made[:1])])
        return self.warehouse.said_by(made, PREDICTED, since, self.session)


@dataclass(frozen=True)
class _Pair:
    """What a pair's sessions say, and the look at it."""

    against: Against
    compared: tuple[Compared, ...]
    looks: int
    given: Given | None
    counted: Sequence[date]


def judge(
    warehouse: WarehouseHook,
    settings: Settings,
    run_key: int,
    model: str,
    champion: Alias | None,
    session: date,
    *,
    holds: bool,
) -> Judged:
    """Note what sessions say about a model's line, give it a part of the error rate, and weigh all that counts.

    :param session: the look is at the close of this one.
    :param holds: whether the model is above the floors; else nothing is noted or given, and it is no evidence.
    """
    look = _Look(warehouse, settings, run_key, session, warehouse.sessions(BEGIN, session))
    line = line_id_of(warehouse, run_key, model)
    theirs = None if champion is None else line_id_of(warehouse, run_key, champion.model)
    made = warehouse.made_of(line, model, holds=holds)
    said = look.said(made)
    alone, left_out = _alone(look, line, made, said, note=holds)
    if champion is None or theirs is None:
        return _judged(look, line, None, None, alone, left_out)
    rivals = up_to(warehouse.made_of(theirs, champion.model), champion)
    if theirs == line:
        predecessor = held_against(look.said, model, champion, made, rivals)
        return _judged(look, line, theirs, predecessor, alone, left_out)
    answers = look.said(rivals)
    their_own, _ = _alone(look, theirs, rivals, answers, note=True)
    warehouse.note_proof(theirs, is_proven(look.policy, their_own.against))
    both = gathered(said, made, answers, rivals, warehouse.uses(line, theirs))
    if holds:
        warehouse.save_evidence(run_key, _against_line(line, theirs, both))
    pair = _weighed(look, line, theirs, PREDICTED, give=holds, opened=warehouse.opened_on(line))
    pair = replace(pair, against=replace(pair.against, shown=shown_scores(their_own.against)))
    return _judged(look, line, theirs, pair, alone, left_out | _told(both))


def _alone(
    look: _Look, line: str, made: Sequence[Made], said: Sequence[Said], *, note: bool
) -> tuple[_Pair, Counter[str]]:
    """A line's RankIC against 0, and its scores against the class rates of the train period, of tasks about returns."""
    own = gathered(said, made, used=look.warehouse.uses(line))
    if note:
        look.warehouse.save_evidence(look.run_key, _against_nothing(look, line, made, own))
    ranking = _weighed(look, line, NOTHING, (), give=note, opened=look.warehouse.opened_on(line))
    scores = _weighed(look, line, CLASS_RATES, RETURNS, give=note, shared_by=len(RETURNS))
    both = Against(ranking.against.ranking, scores.against.scores, ranking.against.fresh)
    every = (*ranking.compared, *scores.compared)
    return _Pair(both, every, ranking.looks, ranking.given, ranking.counted), _told(own)


def _told(found: Gathered) -> Counter[str]:
    """Why questions do not count, those of sessions with too few stocks among them."""
    asked = Counter((question.session, question.task) for question in found.questions)
    few = sum(count for count in asked.values() if count < FEWEST_STOCKS)
    return +(found.left_out + Counter({"too_few_stocks": few}))


def _against_line(line: str, rival: str, both: Gathered) -> list[SessionEvidence]:
    theirs = both.theirs or {}
    found = [
        _evidence(line, rival, both, task, "rank_ic", each)
        for task in RETURNS
        for each in ranking_differences(task, both.questions, both.ours, theirs, both.outcomes)
    ]
    return found + [
        _evidence(line, rival, both, task, RULE, each)
        for task in PREDICTED
        for each in score_differences(task, both.questions, of_answers(both.ours), of_answers(theirs), RULE)
        if each.stocks >= FEWEST_STOCKS
    ]


def _against_nothing(look: _Look, line: str, made: Sequence[Made], own: Gathered) -> list[SessionEvidence]:
    found = [
        _evidence(line, NOTHING, own, task, "rank_ic", each)
        for task in RETURNS
        for each in ranking_differences(task, own.questions, own.ours, None, own.outcomes)
    ]
    datasets = {each.model: each.dataset_id for each in made}
    rates = {dataset_id: look.warehouse.class_rates(dataset_id) for dataset_id in set(datasets.values())}
    of_session = {session: rates[datasets[model]] for session, (model, _) in own.models.items()}
    for task in RETURNS:
        known = [each for each in own.questions if of_session[each.session].get(task)]
        said = _of_session(task, of_session)
        found += [
            _evidence(line, CLASS_RATES, own, task, RULE, each)
            for each in score_differences(task, known, of_answers(own.ours), said, RULE)
            if each.stocks >= FEWEST_STOCKS
        ]
    return found


def _of_session(task: str, rates: Mapping[date, Mapping[str, Mapping[str, float]]]) -> Distribution:
    """One who says of each question the class rates that were known to the model asked about its session."""
    return lambda question: of_rates(rates[question.session][task])(question)


def _evidence(
    line: str, rival: str, found: Gathered, task: str, statistic: Statistic, each: SessionDifference
) -> SessionEvidence:
    own, other = found.models[each.session]
    end = found.ends[each.session]
    return SessionEvidence(
        line, rival, each.session, task, statistic, each.value, each.bound, each.stocks, end, own, other
    )


def _weighed(
    look: _Look,
    line: str,
    rival: str,
    scored: Sequence[str],
    *,
    give: bool,
    opened: date | None = None,
    shared_by: int = 1,
) -> _Pair:
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
    scores = {task: look.warehouse.evidence(line, rival, task, RULE) for task in scored}
    found = against(
        ranking, scores, calendar, look.settings.samples.horizon, alpha, opened, score_alpha=alpha / shared_by
    )
    every = (
        *(() if rival == CLASS_RATES else (compared(rival, "rank_ic", None, found.ranking),)),
        *(compared(rival, RULE, task, weighed) for task, weighed in found.scores.items()),
    )
    looks = 0
    if given is not None:
        looks = look.warehouse.note_look(
            look.run_key, line, rival, look.session, found.ranking.sessions, found.ranking.log_evidence
        )
    counted = sorted({each.session for rows in (*ranking.values(), *scores.values()) for each in rows})
    return _Pair(found, every, looks, given, counted)


def _given(look: _Look, line: str, rival: str, *, give: bool) -> Given | None:
    """Return the error rate that a line has against a rival; what it is given where something was noted first now."""
    noted = look.warehouse.noted(line, rival)
    if give and noted is not None:
        return look.warehouse.give_stake(look.run_key, line, rival, noted[0], look.policy.budget, look.calendar)
    return next((each for each in look.warehouse.stakes() if (each.challenger, each.rival) == (line, rival)), None)


def _spent(look: _Look, given: Given | None) -> tuple[float, int]:
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


def _judged(
    look: _Look,
    line: str,
    rival: str | None,
    pair: _Pair | Predecessor | None,
    alone: _Pair,
    left_out: Counter[str],
) -> Judged:
    """Put together what a decision needs."""
    weighed = pair if isinstance(pair, _Pair) else None
    shown, policy = weighed or alone, look.policy
    spent, lines = _spent(look, shown.given)
    circumstances = Circumstances(
        looks=shown.looks,
        lines=lines,
        alpha=None if shown.given is None else shown.given.alpha,
        spent=spent,
    )
    record = LineRecord(
        line=line,
        rival=rival,
        session=look.session,
        **vars(circumstances),
        error_rate=policy.error_rate,
        error_sessions=policy.error_sessions,
        compared=(*(weighed.compared if weighed else ()), *alone.compared),
        left_out=dict(left_out),
    )
    champion = weighed.against if weighed else pair if isinstance(pair, Predecessor) else None
    return Judged(champion, alone.against, circumstances, record, weighed.counted if weighed else ())
