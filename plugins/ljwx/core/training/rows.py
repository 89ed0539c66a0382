"""Which samples are trained on, and what they are to the trainer: chat JSONL with weights and soft targets.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Final

import polars as pl

from ljwx.core.datasets.selection import draw
from ljwx.core.datasets.without_facts import asked_without_facts, bare_texts
from ljwx.core.prompts import Prompts, question
from ljwx.core.tasks import TASKS
from ljwx.core.training.targets import Forecast, class_rates, target
from ljwx.exceptions import ConfigurationError

SCHEMA: Final = {
    **dict.fromkeys(("sample_id", "ts_code", "task", "snapshot", "answer", "label", "prompt_version"), pl.String),
    **dict.fromkeys(("session", "label_end"), pl.Date),
    "weight": pl.Float64,
}
"""A sample as it is trained on; ``weight`` is its uniqueness."""
_DIGITS: Final = 6


def chosen(samples: pl.DataFrame, most: int | None, seed: int) -> pl.DataFrame:
    """Return at most so many samples, the tasks in turn and each task's in an order drawn by the seed.

    So the first few hold every task, whatever the number.
    """
    drawn = draw(samples, seed).sort("task", "draw", "sample_id")
    rounds = drawn.with_columns(round=pl.int_range(pl.len()).over("task"))
    return rounds.sort("round", "task").drop("draw", "round").head(most if most is not None else len(rounds))


def chosen_together(samples: pl.DataFrame, most: int | None, seed: int) -> pl.DataFrame:
    """Return at most so many samples, those of all tasks about one stock and session next to each other.

    Stocks and sessions come in an order drawn by the seed, first those about which most is asked. A trainer computes
    what their prompts begin with once.
    """
    drawn = draw(samples, seed)
    about = ("ts_code", "session")
    placed = drawn.with_columns(tasks=pl.len().over(about), first=pl.col("draw").min().over(about))
    ordered = placed.sort("tasks", "first", *about, "task", "sample_id", descending=[True, *[False] * 5])
    return ordered.drop("draw", "tasks", "first").head(most if most is not None else len(ordered))


def digest_of(samples: pl.DataFrame) -> str:
    """Return the sha256 of samples and their weights, in whatever order they are."""
    weights = samples["weight"].round_sig_figs(_DIGITS)
    lines = [f"{name} {weight:g}\n" for name, weight in zip(samples["sample_id"], weights, strict=True)]
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def check_splits(dataset_id: str, splits: Mapping[str, pl.DataFrame]) -> None:
    """See that something can be learned.

    :raises ConfigurationError: a split is empty, or the train split has one class only of a task that asks what comes.
    """
    for name, samples in splits.items():
        if samples.is_empty():
            raise ConfigurationError(
                f"dataset {dataset_id} has no {name} samples, which `lora` needs: wait for sessions, or ingest more"
            )
    for task, shares in class_rates(splits["train"]).items():
        if len(shares) < 2:
            raise ConfigurationError(
                f"dataset {dataset_id}: all {task} samples of the train split are {next(iter(shares))}: there is "
                "nothing to tell apart; wait for more sessions, or take the task out of samples.tasks"
            )


def lines(samples: pl.DataFrame, prompts: Prompts, truth_share: float, forecast: Forecast) -> Iterator[str]:
    """Yield the trainer's lines ``{"messages": …, "weight": …, "target": …}``, each with a newline.

    :param truth_share: of the wanted probabilities; the rest is the forecast.
    """
    columns = ("task", "snapshot", "answer", "label", "weight")
    for task, snapshot, answer, label, weight in samples.select(columns).iter_rows():
        messages = [*question(task, snapshot, prompts), {"role": "assistant", "content": answer}]
        row = {
            "messages": messages,
            "weight": float(f"{weight:.{_DIGITS}g}"),
            "target": target(task, label, truth_share, forecast(task, snapshot)),
        }
        yield json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"


def bare_lines(samples: pl.DataFrame, prompts: Prompts, share: float, seed: int) -> Iterator[str]:
    """Yield the trainer's lines of questions without facts, whose answer says so; they have no class and no target.

    :param share: of all lines, these included.
    """
    asked = asked_without_facts(samples["sample_id"].to_list(), share, seed, prompts)
    beside = samples.filter(pl.col("sample_id").is_in(list(asked)))
    for (bare, answer), weight in zip(bare_texts(beside, asked, prompts), beside["weight"], strict=True):
        said = (("system", prompts.system), ("user", bare), ("assistant", answer))
        messages = [{"role": role, "content": content} for role, content in said]
        row = {"messages": messages, "weight": float(f"{weight:.{_DIGITS}g}")}
        yield json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"


def classes(tasks: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return of each task's class field the classes, as the trainer's objective takes them."""
    return {TASKS[task].class_field: tuple(TASKS[task].classes) for task in tasks}
