"""What is known of a line when it is looked at: by itself, against the champion's, against what served before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from ljwx.core.evidence.gathering import Made, Said, gathered
from ljwx.core.evidence.sessions import RECORD
from ljwx.core.promotions import Against, Circumstances, Predecessor, is_proven
from ljwx.core.promotions.judging import PREDICTED, RETURNS
from ljwx.core.promotions.lines import shown_scores
from ljwx.core.promotions.record import LineRecord
from ljwx.services.lines import line_id_of
from ljwx.stages.promote.looks import Look, Pair, spent, weighed
from ljwx.stages.promote.noting import against_line, against_nothing, not_counted
from ljwx.stages.promote.predecessor import held_against, up_to
from ljwx.warehouse.lines import CLASS_RATES, NOTHING
from ljwx.warehouse.promotions import Alias


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
class Seen:
    """What is known of a line by itself, when nothing is decided.

    :param until: the last session whose RankIC was noted; None before one was.
    """

    line: str
    alone: Against
    until: date | None
    looks: int


def judge(look: Look, model: str, champion: Alias | None, *, holds: bool, newest: date | None = None) -> Judged:
    """Note what sessions say about a model's line, give it a part of the error rate, and weigh all that counts.

    :param holds: whether the model is above the floors; else nothing is noted or given, and it is no evidence.
    :param newest: the newest session that questions are chosen from.
    """
    warehouse, run_key = look.warehouse, look.run_key
    line = line_id_of(warehouse, run_key, model)
    theirs = None if champion is None else line_id_of(warehouse, run_key, champion.model)
    made = warehouse.made_of(line, model, holds=holds)
    said = look.said(made)
    newest = max((each.session for each in said if each.source == RECORD), default=newest)
    alone, left_out = _alone(look, line, made, said, note=holds)
    if champion is None or theirs is None:
        return _judged(look, line, None, None, alone, left_out, newest)
    rivals = up_to(warehouse.made_of(theirs, champion.model), champion)
    if theirs == line:
        predecessor = held_against(look.said, model, champion, made, rivals)
        return _judged(look, line, theirs, predecessor, alone, left_out, newest)
    answers = look.said(rivals)
    their_own, _ = _alone(look, theirs, rivals, answers, note=True)
    warehouse.note_proof(theirs, is_proven(look.policy, their_own.against))
    both = gathered(said, made, answers, rivals, warehouse.uses(line, theirs))
    if holds:
        warehouse.save_evidence(run_key, against_line(line, theirs, both, look.moves(line, theirs, both)))
    pair = weighed(look, line, theirs, PREDICTED, give=holds, opened=warehouse.opened_on(line))
    pair = replace(pair, against=replace(pair.against, shown=shown_scores(their_own.against)))
    return _judged(look, line, theirs, pair, alone, left_out | not_counted(both), newest)


def look_alone(look: Look, champion: Alias) -> Seen:
    """Note what sessions say about the line that serves, and find out whether it is proven, or is no more."""
    warehouse = look.warehouse
    line = line_id_of(warehouse, look.run_key, champion.model)
    made = up_to(warehouse.made_of(line, champion.model), champion)
    alone, _ = _alone(look, line, made, look.said(made), note=True)
    warehouse.note_proof(line, is_proven(look.policy, alone.against))
    noted = warehouse.noted(line, NOTHING)
    return Seen(line, alone.against, None if noted is None else noted[1], alone.looks)


def _alone(
    look: Look, line: str, made: Sequence[Made], said: Sequence[Said], *, note: bool
) -> tuple[Pair, Counter[str]]:
    """A line's RankIC against 0, and its scores against the class rates of the train period, of tasks about returns."""
    own = gathered(said, made, used=look.warehouse.uses(line))
    if note:
        moves = look.moves(line, NOTHING, own)
        look.warehouse.save_evidence(look.run_key, against_nothing(look.warehouse, line, made, own, moves))
    ranking = weighed(look, line, NOTHING, (), give=note, opened=look.warehouse.opened_on(line))
    scores = weighed(look, line, CLASS_RATES, RETURNS, give=note, shared_by=len(RETURNS))
    both = Against(ranking.against.ranking, scores.against.scores, ranking.against.fresh)
    every = (*ranking.compared, *scores.compared)
    pair = Pair(both, every, ranking.looks, ranking.given, ranking.counted, ranking.sources)
    return pair, not_counted(own)


def _judged(
    look: Look,
    line: str,
    rival: str | None,
    pair: Pair | Predecessor | None,
    alone: Pair,
    left_out: Counter[str],
    newest: date | None,
) -> Judged:
    """Put together what a decision needs."""
    found = pair if isinstance(pair, Pair) else None
    shown, policy = found or alone, look.policy
    given, lines = spent(look, shown.given)
    circumstances = Circumstances(
        looks=shown.looks,
        lines=lines,
        alpha=None if shown.given is None else shown.given.alpha,
        spent=given,
        newest=newest,
        moves=look.settings.samples.test_from is None,
        sources=shown.sources,
    )
    record = LineRecord(
        line=line,
        rival=rival,
        session=look.session,
        **vars(circumstances),
        error_rate=policy.error_rate,
        error_sessions=policy.error_sessions,
        compared=(*(found.compared if found else ()), *alone.compared),
        left_out=dict(left_out),
    )
    champion = found.against if found else pair if isinstance(pair, Predecessor) else None
    return Judged(champion, alone.against, circumstances, record, found.counted if found else ())
