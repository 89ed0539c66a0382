"""What stored answers say about a model and the one of its own line that serves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

from ljwx.core.evidence.gathering import Gathered, Made, Said, gathered
from ljwx.core.evidence.sessions import of_answers, ranking_differences, score_differences
from ljwx.core.promotions import Predecessor
from ljwx.core.promotions.judging import PREDICTED, RETURNS, RULE, of_all_tasks
from ljwx.warehouse.promotions import Alias


def up_to(made: Sequence[Made], champion: Alias) -> Sequence[Made]:
    """Return the models of the champion's line without those that are newer than the one that serves.

    A newer one that was kept from serving is asked as well, and says nothing about the one that has to be beaten.
    """
    return next((made[at:] for at, each in enumerate(made) if each.digest == champion.digest), made)


def held_against(
    asked: Callable[[Sequence[Made]], list[Said]],
    model: str,
    champion: Alias,
    made: Sequence[Made],
    rivals: Sequence[Made],
) -> Predecessor:
    """A model against the one of its own line that serves, on recent questions of both; none where both are one."""
    own = [each for each in made if each.model == model and each.digest != champion.digest]
    other = [each for each in rivals if each.digest == champion.digest]
    both = gathered(asked(own), own, asked(other), other)
    scores = {}
    for task in PREDICTED:
        found = score_differences(task, both.questions, of_answers(both.ours), of_answers(both.theirs or {}), RULE)
        if found:
            scores[task] = sum(each.value * each.stocks for each in found) / sum(each.stocks for each in found)
    answered = sum(question.task in scores for question in both.questions)
    since = max((each.counts_from for each in other), default=None)
    newer = [each for each in made if since is None or (each.counts_from >= since and each.digest != champion.digest)]
    _, newest, _ = _mean_ranking(both)
    ranking = _mean_ranking(gathered(asked(newer), newer, asked(other), other))
    return Predecessor(scores, answered, *ranking, newest)


def _mean_ranking(both: Gathered) -> tuple[int, float | None, float | None]:
    """Return the sessions that order stocks, the mean difference of RankIC on them, and the first answerer's RankIC."""
    means = []
    for theirs in (both.theirs or {}, None):
        found = {task: ranking_differences(task, both.questions, both.ours, theirs, both.outcomes) for task in RETURNS}
        means.append([each.value for each in of_all_tasks(found)])
    difference, own = (fmean(values) if values else None for values in means)
    return len(means[0]), difference, own
