"""Rows of chat JSONL become samples: the prompt as the server makes it, then the answer, which alone carries loss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from transformers import PreTrainedTokenizerFast

from ljwx_training.classes import FIRST_FIELD, Fork, Ids, decisions, forks
from ljwx_training.errors import BadRows, BadTemplate, EmptySplit, OneClassSplit, TooLong
from ljwx_training.recipe import Objective
from ljwx_training.samples import Sample


class Message(BaseModel):
    """One turn."""

    model_config = ConfigDict(frozen=True)

    role: Literal["system", "user", "assistant"]
    content: str


class Row(BaseModel):
    """One conversation, which ends in the answer to be learned.

    :param weight: how much it counts (the uniqueness of its label's days, say).
    :param target: wanted probability of each class.
    """

    model_config = ConfigDict(frozen=True)

    messages: tuple[Message, ...] = Field(min_length=2)
    weight: float = Field(1.0, gt=0)
    target: dict[str, float] | None = None

    @property
    def prompt(self) -> list[dict[str, str]]:
        """All turns but the answer."""
        return [message.model_dump() for message in self.messages[:-1]]

    @property
    def answer(self) -> str:
        """The last turn."""
        return self.messages[-1].content

    @cached_property
    def named(self) -> tuple[str, str] | None:
        """The answer's first field and its value, where it is JSON with a text first."""
        found = FIRST_FIELD.match(self.answer)
        return (found["field"], found["label"]) if found else None


def read_rows(paths: Iterable[Path]) -> list[Row]:
    """Return the rows of some files in their order.

    :raises BadRows: a line is no conversation that ends in an answer; the message names file and line.
    """
    rows = []
    for path in paths:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    row = Row.model_validate_json(line)
                except ValidationError as error:
                    raise BadRows(f"{path.name}, line {number}: {error.errors()[0]['msg']}") from error
                if row.messages[-1].role != "assistant" or not row.answer:
                    raise BadRows(f"{path.name}, line {number}: the last message is no answer of the assistant")
                rows.append(row)
    return rows


@dataclass(frozen=True)
class Question:
    """A prompt with its answer, and the forks of the answer's classes, where it has any.

    :param messages: the prompt's turns.
    :param text: the prompt as the template writes it, without the first token that the server puts before it.
    """

    prompt: Ids
    answer: Ids
    field: str | None
    forks: tuple[Fork, ...]
    messages: tuple[Message, ...] = ()
    text: str = ""


@dataclass(frozen=True)
class Encoder:
    """Makes samples of rows.

    :param add_bos: the server puts the first token before every prompt.
    :param context: the longest sample that the model can hold.
    :param rates: of each class field, the share of each class in the train split.
    """

    tokenizer: PreTrainedTokenizerFast
    objective: Objective
    context: int
    add_bos: bool = False
    rates: Mapping[str, Mapping[str, float]] | None = None

    def sample(self, row: Row) -> Sample:
        """Return a row's sample.

        :raises BadTemplate: the template does not show where the answer begins or ends.
        """
        prompt, answer = self.prompt(row.prompt), self._answer(row, row.answer)
        answers = self._answers(row)
        label = row.named[1] if row.named else ""
        made = decisions(answers, label, self._target(row), len(prompt)) if answers else ()
        return Sample((*prompt, *answer), len(prompt), row.weight, made)

    def question(self, row: Row) -> Question:
        """Return a row's prompt and answer, with the forks of its classes."""
        field = row.named[0] if row.named else None
        text, bos = self._rendered(row.prompt), str(self.tokenizer.bos_token or "")
        return Question(
            prompt=self.prompt(row.prompt),
            answer=self._answer(row, row.answer),
            field=field,
            forks=forks(self._answers(row)),
            messages=row.messages[:-1],
            text=text.removeprefix(bos) if self.add_bos else text,
        )

    def text_of(self, ids: Sequence[int]) -> str:
        """Return the text of some tokens."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def samples(self, rows: Sequence[Row]) -> list[Sample]:
        """Return the samples of all rows.

        :raises TooLong: some do not fit into the model's context.
        """
        made = [self.sample(row) for row in rows]
        long = [len(sample.ids) for sample in made if len(sample.ids) > self.context]
        if long:
            raise TooLong(f"{len(long)} samples are longer than the model's {self.context} tokens, up to {max(long)}")
        return made

    def _rendered(self, messages: list[dict[str, str]], *, mark: bool = True) -> str:
        return str(self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=mark))

    def prompt(self, messages: list[dict[str, str]]) -> Ids:
        """Return a prompt's tokens, up to where the answer begins.

        :raises BadTemplate: the template does not show where that is.
        """
        text = self._rendered(messages)
        if text == self._rendered(messages, mark=False):
            raise BadTemplate("the chat template has no generation mark: it does not say where the answer begins")
        ids = self._ids(text)
        if self.add_bos and ids[:1] != (self.tokenizer.bos_token_id,):
            ids = (self.tokenizer.bos_token_id, *ids)
        return ids

    def _answer(self, row: Row, answer: str) -> Ids:
        """The answer's tokens up to and with the one that ends it; what a template writes after that is not learned."""
        before = self._rendered(row.prompt)
        turns = [*row.prompt, {"role": "assistant", "content": answer}]
        whole = self._rendered(turns, mark=False)
        if not whole.startswith(before + answer):
            raise BadTemplate("the chat template does not write an answer where its generation mark stands")
        ids = self._ids(whole[len(before) :])
        stop = self.tokenizer.eos_token_id
        if stop not in ids:
            raise BadTemplate(f"the chat template does not end an answer with {self.tokenizer.eos_token}")
        return ids[: ids.index(stop) + 1]

    def _answers(self, row: Row) -> dict[str, Ids]:
        """The answer's tokens as each class would have it; empty where it has no class."""
        classes = self.objective.classes or {}
        if row.named is None or row.named[0] not in classes:
            return {}
        field, label = row.named
        if label not in classes[field]:
            raise BadRows(f"an answer's {field} is {label}, which is none of {', '.join(classes[field])}")
        found = FIRST_FIELD.match(row.answer)
        first, last = found.span("label") if found else (0, 0)
        return {name: self._answer(row, row.answer[:first] + name + row.answer[last:]) for name in classes[field]}

    def _target(self, row: Row) -> dict[str, float]:
        """The wanted share of each class: the row's own, else truth mixed with the train split's class rates."""
        if row.target is not None or row.named is None:
            return row.target or {}
        field, label = row.named
        truth, rates = self.objective.truth_share, (self.rates or {}).get(field, {})
        if not rates:
            return {label: 1.0}
        return {name: truth * (name == label) + (1 - truth) * rate for name, rate in rates.items()}

    def _ids(self, text: str) -> Ids:
        return tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])


def class_rates(rows: Iterable[Row], objective: Objective) -> dict[str, dict[str, float]]:
    """Return of each class field the share of each class."""
    counts = Counter(row.named for row in rows if row.named)
    rates = {}
    for field, names in (objective.classes or {}).items():
        total = sum(counts[field, name] for name in names)
        if total:
            rates[field] = {name: counts[field, name] / total for name in names}
    return rates


def checked(split: str, rows: Sequence[Row], objective: Objective) -> None:
    """Refuse a split from which nothing can be learned.

    :raises EmptySplit: it has no rows.
    :raises OneClassSplit: all answers of a field are of one class in the train split.
    """
    if not rows:
        raise EmptySplit(f"the {split} split has no rows")
    for field, shares in class_rates(rows, objective).items() if split == "train" else ():
        if max(shares.values()) == 1:
            raise OneClassSplit(f"all answers with {field} in the {split} split are of one class")
