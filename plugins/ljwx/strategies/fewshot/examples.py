"""The choice of examples: as many of the train split as the context holds, by the server's own count of tokens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import polars as pl

from ljwx.core.datasets.examples import choose_examples
from ljwx.core.models import token_count_model
from ljwx.core.prompts import Message, Prompts, example_messages, question
from ljwx.core.tasks import hashed_tasks
from ljwx.core.verification import context_problem
from ljwx.exceptions import ConfigurationError, ModelMissing, OllamaError, PromptTooLong
from ljwx.hooks.loaded_context import context_in_force
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.token_counts import count_tokens, require_counts
from ljwx.strategies.interface import BuildRequest

log = logging.getLogger(__name__)

LEAST_TOKENS = 64
"""No question with its answer is as short: what bounds the choice where the settings do not."""
SPARE_TOKENS = 32
"""Kept free: a later question may be a little longer than the longest of the validation split."""


@dataclass(frozen=True)
class Example:
    """A sample of the train split with its answer."""

    sample_id: str
    task: str
    snapshot: str
    answer: str


@dataclass(frozen=True)
class ChosenExamples:
    """The examples of a spec.

    :param messages: a question and an answer of each sample, in the order of `sample_ids`.
    """

    sample_ids: tuple[str, ...]
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class Context:
    """The context of the model to be built, measured by a model that counts tokens.

    :param counter: name of the model that counts.
    :param system: the system prompt, which every conversation begins with.
    :param asked: tokens of prompt and answer together that the settings ask for.
    :param size: those that the server has in force.
    :param num_predict: most tokens of an answer.
    """

    ollama: OllamaHook
    counter: str
    system: str
    asked: int
    size: int
    num_predict: int

    @classmethod
    def of(cls, request: BuildRequest, counter: str) -> Context:
        """Have the model that counts loaded, and see for how many tokens."""
        asked = request.num_ctx
        in_force = context_in_force(request.ollama, counter, {"num_ctx": asked})
        if in_force is not None and in_force < asked:
            log.warning("The server takes %d tokens of %s, where num_ctx is %d", in_force, request.base, asked)
        size = min(asked, in_force or asked)
        return cls(request.ollama, counter, request.prompts.system, asked, size, request.num_predict)

    def tokens(self, messages: Sequence[Message]) -> int | None:
        """Return the server's count of a conversation's tokens; None when they do not fit the context."""
        system = {"role": "system", "content": self.system}
        try:
            return count_tokens(self.ollama, self.counter, [system, *messages], self.asked)
        except PromptTooLong:
            return None

    def problem(self, messages: Sequence[Message]) -> str | None:
        """Say why a conversation and its answer do not fit; None when they do."""
        tokens = self.tokens(messages)
        if tokens is None:
            return f"the prompt alone is longer than num_ctx {self.size}"
        return context_problem(tokens + SPARE_TOKENS, self.num_predict, self.size)


def fitting_examples(request: BuildRequest) -> ChosenExamples:
    """Choose examples, one more of each task in turn, until the longest question of any task would not fit behind.

    :raises ConfigurationError: a split is empty, not one example of each task fits, or the server does not count.
    """
    train, validation = (_split(request, name) for name in ("train", "validation"))
    candidates = _in_rounds(train, request)
    with _counting_model(request) as counter:
        context = Context.of(request, counter)
        longest = _longest_question(context, validation, request.prompts)
        chosen = _as_many_as_fit(context, candidates, longest, request)
        require_counts(request.ollama, counter, request.num_ctx)
    log.info("%d examples, of %d candidates", len(chosen), len(candidates))
    return ChosenExamples(tuple(each.sample_id for each in chosen), _messages(chosen, request.prompts))


def _split(request: BuildRequest, name: str) -> pl.DataFrame:
    samples = request.warehouse.dataset_samples(request.dataset_id, name)
    if samples.is_empty():
        raise ConfigurationError(f"dataset {request.dataset_id} has no {name} samples, which few-shot examples need")
    return samples


def _in_rounds(train: pl.DataFrame, request: BuildRequest) -> list[Example]:
    """Choose the candidates, and order them so that each beginning has about as many of each task."""
    tasks = hashed_tasks(request.prompts.used)
    per_task = request.examples_per_task or max(1, request.num_ctx // LEAST_TOKENS // len(tasks))
    chosen = choose_examples(train, per_task, request.seed)
    rounds = chosen.with_columns(round=pl.int_range(pl.len()).over("task")).sort("round", maintain_order=True)
    return [Example(*row) for row in rounds.select("sample_id", "task", "snapshot", "answer").iter_rows()]


@contextmanager
def _counting_model(request: BuildRequest) -> Iterator[str]:
    """Lend a model that counts tokens with the template that the model will be built with.

    That is the base; where the settings have a template of their own, it is made of base and template, and deleted at
    the end. One that a killed process left is made anew by the next with a template, and until then in the audit:
    `ljwx_model_build` has one run at a time.
    """
    if request.template is None:
        yield request.base
        return
    name = token_count_model(request.repository)
    try:
        for _ in request.ollama.create(name, base=request.base, template=request.template):
            pass
        yield name
    finally:
        try:
            request.ollama.delete(name)
        except ModelMissing:
            pass
        except OllamaError as error:  # it must not hide what went wrong before
            log.warning("%s could not be removed: %s", name, error)


def _longest_question(context: Context, validation: pl.DataFrame, prompts: Prompts) -> Message:
    """Return the question with most tokens among the longest snapshot of each task."""
    ordered = validation.sort(validation["snapshot"].str.len_chars(), descending=True)
    rows = ordered.unique("task", keep="first", maintain_order=True).select("task", "snapshot")
    questions = [question(task, snapshot, prompts, system=False)[0] for task, snapshot in rows.iter_rows()]
    lengths = []
    for number, each in enumerate(questions, 1):
        log.info(
            "Counting the tokens of a task's longest question with %s: %d of %d", context.counter, number, len(rows)
        )
        lengths.append(context.tokens([each]) or context.size)
    return questions[lengths.index(max(lengths))]


def _as_many_as_fit(
    context: Context, candidates: Sequence[Example], longest: Message, request: BuildRequest
) -> Sequence[Example]:
    """Return the most candidates, from the first on, that fit the context with a question behind them."""

    def problem(count: int) -> str | None:
        log.info("Counting the tokens of %d examples, of %d candidates", count, len(candidates))
        found = context.problem([*_messages(candidates[:count], request.prompts), longest])
        if found:
            log.info("%d examples are too many: %s", count, found)
        return found

    least = len({each.task for each in candidates})
    if wrong := problem(least):
        raise ConfigurationError(f"model.parameters.num_ctx of {request.base}: not one example a task fits: {wrong}")
    return candidates[: most_that_fit(problem, least, len(candidates))]


def _messages(examples: Sequence[Example], prompts: Prompts) -> tuple[Message, ...]:
    return example_messages(((each.task, each.snapshot, each.answer) for each in examples), prompts)


def most_that_fit(problem: Callable[[int], str | None], least: int, most: int) -> int:
    """Return the largest count without a problem: doubled from `least`, which has none, then halved between.

    >>> most_that_fit(lambda count: "too many" if count > 11 else None, 4, 80)
    11
    """
    fits, fails = least, most + 1
    while fails - fits > 1:
        count = min(2 * fits, most) if fails > most else (fits + fails) // 2
        if problem(count):
            fails = count
        else:
            fits = count
    return fits
