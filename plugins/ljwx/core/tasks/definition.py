"""What a task is: all that the package needs to know of one kind of question.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import polars as pl

from ljwx.core.tasks.answers import RISK_NOTE, AnswerModel, Classes, decoding_schema


class TaskSpec(Protocol):
    """The settings that labels and training answers depend on; :class:`ljwx.core.datasets.spec.SampleSpec` has them."""

    @property
    def buy_excess(self) -> float:
        """Least excess return of a stock to buy, a fraction."""

    @property
    def sell_excess(self) -> float:
        """Greatest excess return of a stock to sell, a fraction."""

    @property
    def flat_band(self) -> float:
        """Returns between minus this and this are flat, a fraction."""

    @property
    def label_weight(self) -> float:
        """Weight of the truth against the class rates in stated probabilities, 0 to 1."""


Numbers = Mapping[str, float]
Direction = tuple[str, str]
"""The class for higher prices and the class for lower ones."""


def once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that says a key twice: its class would be of one place and its probabilities of another."""
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a field is said twice")
    return dict(pairs)


@dataclass(frozen=True)
class SignalRule:
    """An answer that needs no model: a class for each word of one signal.

    :param signal: its name in the snapshot.
    :param says: word → class.
    """

    signal: str
    says: Mapping[str, str]


@dataclass(frozen=True)
class TaskDefinition:
    """One kind of question, its classes and answers, how its truth is found, and what is known of it without a model.

    :param name: of the task, and of its prompt file.
    :param answer: what a model must say. Its first field is the class, its last the risk note.
    :param label: the class of each row, from the spec and the fitted numbers. The rows are outcomes (columns of
        :func:`ljwx.core.labels.outcomes.outcomes`), or facts of the snapshot for a task that needs no future.
    :param training_fields: the fields of the training answer between class and note, in the model's order, from the
        spec and the train split's class rates. The rows have ``label`` and the facts of the snapshot.
    :param rule: the baseline that reads one signal: for most tasks the order of the moving averages.
    :param direction: the class for higher and the class for lower prices; None where classes do not order stocks.
    :param needs_future: False: the label is made from the snapshot, and known at its session.
    :param votes: class → the vote of signals and moves that speak for it, of an answer that cites facts by key.
    :param tells: keys of facts that are told beside those an answer cites, whatever it cites.
    :param words: class → what a Chinese and an English sentence call it.
    :param fit: numbers that the label takes from the outcomes of the train split; no two tasks use the same names.
    :raises ValueError: the parts contradict each other.
    """

    name: str
    classes: Classes
    answer: type[AnswerModel]
    label: Callable[[TaskSpec, Numbers], pl.Expr]
    training_fields: Callable[[TaskSpec, Numbers], Mapping[str, pl.Expr]]
    rule: SignalRule
    direction: Direction | None = None
    needs_future: bool = True
    fit: Callable[[pl.DataFrame], Numbers] | None = None
    votes: Mapping[str, int] = field(default_factory=dict)
    tells: tuple[str, ...] = ()
    words: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        named = {*self.rule.says.values(), *(self.direction or ()), *self.votes, *self.words}
        if not named <= set(self.classes):
            raise ValueError(f"task {self.name}: {', '.join(sorted(named - set(self.classes)))} is none of its classes")
        if self.fit is not None and not self.needs_future:
            raise ValueError(f"task {self.name}: numbers are fitted on outcomes, and it needs none")

    @property
    def class_field(self) -> str:
        """Name of the answer's field that holds the class."""
        return next(iter(self.answer.model_fields))

    @property
    def is_copying(self) -> bool:
        """Whether the snapshot in the prompt decides on the class, so that answering well is copying well."""
        return not self.needs_future

    def schema(self) -> dict[str, Any]:
        """JSON schema for constrained decoding of an answer."""
        return decoding_schema(self.answer)

    def parse(self, text: str) -> AnswerModel:
        """Check a model's text.

        :raises ValueError: it is not JSON, lacks or adds a field, says one twice, or has a wrong value or a control
            character in its prose.
        """
        answer = self.answer.model_validate_json(text)
        json.loads(text, object_pairs_hook=once)
        return answer

    def label_of(self, answer: AnswerModel) -> str:
        """The class that an answer decides for."""
        return str(getattr(answer, self.class_field))

    def training_answer(self, spec: TaskSpec, rates: Numbers) -> pl.Expr:
        """The JSON of each row's answer in the training data.

        :param rates: class → its share of the train split.
        """
        fields = {self.class_field: pl.col("label"), **self.training_fields(spec, rates), "note": pl.lit(RISK_NOTE)}
        return pl.struct(value.alias(name) for name, value in fields.items()).struct.json_encode()
