"""Few-shot examples: as many of the train split as the context holds, by the server's own count of tokens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import polars as pl

from ljwx.core.datasets.examples import choose_examples
from ljwx.core.models import token_count_model
from ljwx.core.prompts import Message, Prompts, example_messages, question
from ljwx.core.tasks import hashed_tasks
from ljwx.core.verification import context_problem
from ljwx.exceptions import ConfigurationError, ModelMissing, PromptTooLong
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.settings import Settings

log = logging.getLogger(__name__)

LEAST_TOKENS = 64
"""No question with its answer is as short: what bounds the choice where the settings do not."""
SPARE_TOKENS = 32
"""Kept free: a question that is asked later may be a little longer than the longest of the validation split."""


def fitting_examples(
    settings: Settings, warehouse: WarehouseHook, ollama: OllamaHook, prompts: Prompts, dataset_id: str
) -> tuple[list[str], tuple[Message, ...]]:
    """Choose examples, one more of each task in turn, until the longest question of any task would not fit behind.

    :return: their sample_ids, and their messages in the same order.
    :raises ConfigurationError: a split is empty, or not one example of each task fits.
    """
    splits = {name: warehouse.dataset_samples(dataset_id, name) for name in ("train", "validation")}
    for name, split in splits.items():
        if split.is_empty():
            raise ConfigurationError(f"dataset {dataset_id} has no {name} samples, which few-shot examples need")
    rows = _in_rounds(splits["train"], settings)
    with _token_counting_model(settings, ollama) as counter:
        count, messages = _fitting(settings, ollama, prompts, counter, rows, splits["validation"])
    log.info("%d examples, of %d that were chosen from", count, len(rows))
    return [row["sample_id"] for row in rows[:count]], messages


@contextmanager
def _token_counting_model(settings: Settings, ollama: OllamaHook) -> Iterator[str]:
    """Lend a model that counts tokens with the template that the model will be built with.

    That is the base; where the settings have a template of their own, it is made of base and template, and deleted at
    the end. One that a killed process left is made anew by the next with a template, and until then in the audit:
    `ljwx_model_build` has one run at a time.
    """

    chosen = settings.model
    if chosen.template is None:
        yield chosen.base
        return
    name = token_count_model(chosen.repository)
    try:
        for _ in ollama.create(name, base=chosen.base, template=chosen.template):
            pass
        yield name
    finally:
        with suppress(ModelMissing):
            ollama.delete(name)


def _fitting(
    settings: Settings,
    ollama: OllamaHook,
    prompts: Prompts,
    counter: str,
    rows: Sequence[dict[str, Any]],
    validation: pl.DataFrame,
) -> tuple[int, tuple[Message, ...]]:
    """Return how many of the rows fit as examples, and their messages.

    :param counter: name of the model that counts the tokens.
    """

    told = [(row["task"], row["snapshot"], row["answer"]) for row in rows]
    questions = _longest(validation, prompts)
    lengths = [_tokens(settings, ollama, prompts, counter, [asked]) or settings.model.num_ctx for asked in questions]
    longest = questions[lengths.index(max(lengths))]

    def problem(count: int) -> str | None:
        tokens = _tokens(settings, ollama, prompts, counter, [*example_messages(told[:count], prompts), longest])
        found = _context_problem(settings, tokens)
        if found:
            log.info("%d examples are too many: %s", count, found)
        return found

    least = len({row["task"] for row in rows})
    if wrong := problem(least):
        raise ConfigurationError(
            f"model.parameters.num_ctx of {settings.model.base}: not one example a task fits: {wrong}"
        )
    count = most_that_fit(problem, least, len(rows))
    return count, example_messages(told[:count], prompts)


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


def _in_rounds(train: pl.DataFrame, settings: Settings) -> list[dict[str, Any]]:
    """Choose the examples, and order them so that each beginning has about as many of each task."""

    tasks = hashed_tasks(settings.samples.tasks)
    per_task = settings.model.examples_per_task or max(1, settings.model.num_ctx // LEAST_TOKENS // len(tasks))
    chosen = choose_examples(train, per_task, settings.samples.seed)
    rounds = chosen.with_columns(round=pl.int_range(pl.len()).over("task")).sort("round", maintain_order=True)
    return rounds.select("sample_id", "task", "snapshot", "answer").to_dicts()


def _longest(validation: pl.DataFrame, prompts: Prompts) -> list[Message]:
    """Return the longest question of each task."""

    ordered = validation.sort(validation["snapshot"].str.len_chars(), descending=True)
    rows = ordered.unique("task", keep="first", maintain_order=True).to_dicts()
    return [question(row["task"], row["snapshot"], prompts, system=False)[0] for row in rows]


def _tokens(
    settings: Settings, ollama: OllamaHook, prompts: Prompts, counter: str, messages: Sequence[Message]
) -> int | None:
    """Let the server count the tokens of messages behind the system prompt; None when they do not fit the context."""
    options = {"num_ctx": settings.model.num_ctx, "num_predict": 1, "temperature": 0}
    system = {"role": "system", "content": prompts.system}
    try:
        return ollama.chat(counter, [system, *messages], options=options).prompt_eval_count
    except PromptTooLong:
        return None


def _context_problem(settings: Settings, tokens: int | None) -> str | None:

    context = settings.model.num_ctx
    if tokens is None:
        return f"the prompt alone is longer than num_ctx {context}"
    return context_problem(tokens + SPARE_TOKENS, settings.evaluation.num_predict, context)
