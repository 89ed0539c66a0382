"""What the answers of lines say about each session, as rows to be noted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date

from ljwx.core.evidence import SessionDifference
from ljwx.core.evidence.gathering import Gathered, Made
from ljwx.core.evidence.sessions import (
    FEWEST_STOCKS,
    Distribution,
    Moves,
    of_answers,
    of_rates,
    ranking_differences,
    score_differences,
)
from ljwx.core.promotions.judging import PREDICTED, RETURNS, RULE
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.warehouse.lines import CLASS_RATES, NOTHING, SessionEvidence, Statistic


def against_line(line: str, rival: str, both: Gathered, moves: Moves) -> list[SessionEvidence]:
    """Return by how much a line ranks and forecasts better than another one, session by session.

    :param moves: returns on the days after the sessions that are not noted yet.
    """
    theirs = both.theirs or {}
    found = [
        _evidence(line, rival, both, task, "rank_ic", each)
        for task in RETURNS
        for each in ranking_differences(task, both.questions, both.ours, theirs, both.outcomes, moves)
    ]
    return found + [
        _evidence(line, rival, both, task, RULE, each)
        for task in PREDICTED
        for each in score_differences(task, both.questions, of_answers(both.ours), of_answers(theirs), RULE)
        if each.stocks >= FEWEST_STOCKS
    ]


def against_nothing(
    warehouse: WarehouseHook, line: str, made: Sequence[Made], own: Gathered, moves: Moves
) -> list[SessionEvidence]:
    """Return a line's RankIC against 0, and its scores against class rates, session by session.

    The class rates are those of the train period of the model that was asked.
    """
    found = [
        _evidence(line, NOTHING, own, task, "rank_ic", each)
        for task in RETURNS
        for each in ranking_differences(task, own.questions, own.ours, None, own.outcomes, moves)
    ]
    datasets = {each.model: each.dataset_id for each in made}
    rates = {dataset_id: warehouse.class_rates(dataset_id) for dataset_id in set(datasets.values())}
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


def not_counted(found: Gathered) -> Counter[str]:
    """Return why questions do not count, those of sessions with too few stocks among them."""
    asked = Counter((question.session, question.task) for question in found.questions)
    few = sum(count for count in asked.values() if count < FEWEST_STOCKS)
    return +(found.left_out + Counter({"too_few_stocks": few}))


def _of_session(task: str, rates: Mapping[date, Mapping[str, Mapping[str, float]]]) -> Distribution:
    """One who says of each question the class rates that were known to the model asked about its session."""
    return lambda question: of_rates(rates[question.session][task])(question)


def _evidence(
    line: str, rival: str, found: Gathered, task: str, statistic: Statistic, each: SessionDifference
) -> SessionEvidence:
    own, other = found.models[each.session]
    end = found.ends[each.session]
    return SessionEvidence(
        line,
        rival,
        each.session,
        task,
        statistic,
        each.value,
        each.bound,
        each.stocks,
        end,
        own,
        other,
        found.sources[each.session],
        None if each.days is None else list(each.days),
    )
