"""What a model is trained on and asked of the simulated market: the product's own dataset, prompts and rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.gate import FIRST, market

SEED = 7
"""Of a training, and of what its regression is fitted on."""


@dataclass(frozen=True)
class Lessons:
    """A simulated market as the strategy `lora` sees it.

    :param learned: all samples of the train split but of its last sessions.
    :param train: those of them that are learned from, the tasks in turn; ``watched``: of the last sessions, by which
        training is stopped; ``unseen``: of the validation split, on which a model is judged.
    """

    learned: pl.DataFrame
    train: pl.DataFrame
    watched: pl.DataFrame
    unseen: pl.DataFrame
    bars: pl.DataFrame
    sessions: Sequence[Any]
    prompts: Any

    def write(self, folder: Path, truth_share: float, *, logistic: bool = False) -> dict[str, Any]:
        """Write the rows of a job into its folder; return what of job.json depends on them.

        :param logistic: mix truth with what a regression on the learned samples expects, else with class rates.
        """
        from ljwx.core.training.rows import classes, lines
        from ljwx.core.training.targets import by_class_rates

        folder.mkdir(parents=True, exist_ok=True)
        asked, files = pl.concat([self.train, self.watched]), dict[str, Any]()
        forecast = self.regression(asked) if logistic else by_class_rates(self.train)
        for name, samples in (("train", self.train), ("validation", self.watched)):
            text = "".join(lines(samples, self.prompts, truth_share, forecast))
            (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
            files[name] = [{"path": f"{name}.jsonl", "sha256": hashlib.sha256(text.encode()).hexdigest()}]
        return {**files, "classes": classes(self.prompts.used)}

    def regression(self, asked: pl.DataFrame) -> Any:
        """Return what a regression on the numbers of the learned samples expects of those that are asked about."""
        from ljwx.core.training.targets import by_logistic, fitted_on

        return by_logistic(fitted_on(self.learned, SEED), asked, cross_validated=True)


def lessons(effect: float, seed: int, train: int, watched: int, *, first: date = FIRST, **spec: Any) -> Lessons:
    """Make the dataset of one market.

    :param effect: how strongly the planted reversal moves prices; 0: not at all.
    :param train: most samples to learn from, and ``watched`` to look at.
    :param first: day of the first bars.
    :param spec: settings of the samples, over their defaults.
    """
    from ljwx.core.datasets.build import build
    from ljwx.core.datasets.spec import SampleSpec
    from ljwx.core.features import compute
    from ljwx.core.prompts import load_prompts
    from ljwx.core.training.rows import chosen
    from ljwx.core.training.watched import parted
    from ljwx.resources import included_below

    chosen_spec = SampleSpec.model_validate(spec)
    prompts = load_prompts(included_below("prompts"), chosen_spec.prompt_version, chosen_spec.tasks)
    bars, stocks, sessions = market(effect, seed, first)
    built = build(bars, compute(bars), stocks, sessions, chosen_spec, form=prompts.form).samples
    learned, looked = parted("bench", built.filter(pl.col("split") == "train"), chosen_spec.horizon)
    return Lessons(
        learned=learned,
        train=chosen(learned, train, seed),
        watched=chosen(looked, watched, seed),
        unseen=built.filter(pl.col("split") == "validation").sort("session", "ts_code", "task"),
        bars=bars,
        sessions=sessions,
        prompts=prompts,
    )


def job(written: dict[str, Any], base: Path, digest: str, **changed: Any) -> str:
    """Return job.json of written rows.

    :param changed: keys of job.json, over those of a training of the product.
    """
    told = {
        "base": {"path": str(base), "sha256": digest},
        "train": written["train"],
        "validation": written["validation"],
        "objective": {"classes": written["classes"], "class_weight": 5.0},
        "seed": SEED,
    }
    return json.dumps(told | changed, ensure_ascii=False, indent=1)
