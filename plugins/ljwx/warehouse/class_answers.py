"""How likely models take each class to be: of questions of which the class alone is asked, without a text."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg.types.json import Jsonb

from ljwx.warehouse.base import WarehouseBase


@dataclass(frozen=True)
class ClassAnswer:
    """What came of one question, as it is written.

    :param probabilities: by class, summing to 1; None where the class could not be read, for a ``reason`` then.
    :param server: connection id of the server that answered.
    :param latency_s: seconds from request to answer; `server_s` by the server's own clock.
    """

    sample_id: str
    probabilities: Mapping[str, float] | None
    reason: str | None
    server: str
    latency_s: float
    server_s: float | None
    prompt_tokens: int
    answer_tokens: int


@dataclass(frozen=True)
class ToldClass:
    """What a model said to one question, and what that was about.

    :param probabilities: by class, summing to 1; None where the class could not be read, which speaks against it.
    """

    sample_id: str
    task: str
    ts_code: str
    session: date
    probabilities: Mapping[str, float] | None


def likeliest(said: Iterable[ToldClass]) -> dict[str, Counter[str]]:
    """Return task → class → how many answers have it as their likeliest; those that could not be read are left out."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for each in said:
        shares = each.probabilities
        if shares:
            found[each.task][max(shares, key=shares.__getitem__)] += 1
    return dict(found)


@dataclass(frozen=True)
class Paces:
    """How long answers took in the last evaluation, in seconds each; None where there was none.

    :param classes: questions of the last set of which the class alone was asked.
    """

    full_s: float | None
    class_s: float | None
    classes: int


class ClassAnswersVerbs(WarehouseBase):
    """Verbs of answers that are a class alone."""

    def save_class_answer(self, evaluation_id: int, answer: ClassAnswer) -> None:
        """Write one answer as soon as it came; what was said first stays."""
        said = None if answer.probabilities is None else Jsonb(dict(answer.probabilities))
        self.execute("class_answers/add", **vars(answer) | {"probabilities": said}, evaluation_id=evaluation_id)

    def class_answered(self, evaluation_id: int) -> set[str]:
        """Return the samples of an evaluation's question set that its model has given the class of, asked this way."""
        return set(self.column("class_answers/answered", evaluation_id=evaluation_id))

    def class_answers(
        self, digest: str, request_config: Mapping[str, Any], sessions: Collection[date] | None = None
    ) -> list[ToldClass]:
        """Return what a model said of classes, one answer a sample, by whichever name and question set it was asked.

        :param request_config: as of :func:`ljwx.services.asking.full.class_request_config`.
        :param sessions: about these alone; None is about all.
        """
        days = None if sessions is None else sorted(sessions)
        return self.records(
            ToldClass, "class_answers/of_digest", digest=digest, asked_with=Jsonb(request_config), sessions=days
        )

    def paces(self) -> Paces:
        """Return how fast models answered last."""
        (found,) = self.records(Paces, "class_answers/paces")
        return found
