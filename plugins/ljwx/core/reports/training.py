"""What a report says of the weights that were trained. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ClassShare:
    """Mean probability of a class over the prompts of the proof, before training and after."""

    name: str
    before: float
    after: float


@dataclass(frozen=True)
class TrainingPart:
    """A training, as it stands on paper.

    :param facts: Chinese, English and value, in the order to be shown.
    :param losses: step and loss; ``looks``: step, answer loss and class log score of the samples looked at.
    :param rates_log_score: what the class rates alone score on it; log scores are negative, higher is better.
    :param classes: of the proof; empty where nothing was compared.
    """

    facts: tuple[tuple[str, str, str], ...]
    losses: tuple[tuple[int, float], ...]
    looks: tuple[tuple[int, float | None, float | None], ...]
    rates_log_score: float | None
    classes: tuple[ClassShare, ...]

    @property
    def scores(self) -> tuple[tuple[str, float | None, float | None], ...]:
        """Name, before and after, of what was measured on samples that were looked at and not learned from."""
        if not self.looks:
            return ()
        first, last = self.looks[0], self.looks[-1]
        return (("答案损失 answer loss", first[1], last[1]), ("类别对数得分 class log score", first[2], last[2]))


def training_part(training: Mapping[str, Any] | None, served: Mapping[str, Any] | None) -> TrainingPart | None:
    """Gather what is said of a training; None where weights are the base's.

    :param training: recipe, digests and the trainer's result, as they were saved.
    :param served: what the proof of serving measured; None where it did not come to that.
    """
    if training is None:
        return None
    result, recipe = training["result"], training["recipe"]
    best = result.get("best_step")
    looks = [
        (int(look["step"]), look.get("answer_loss"), look.get("class_log_score"))
        for look in result.get("looks", ())
        if best is None or look["step"] <= best
    ]
    return TrainingPart(
        facts=tuple(_facts(training, recipe, result)),
        losses=tuple((int(step), float(loss)) for step, loss in result.get("losses", ())),
        looks=tuple(looks),
        rates_log_score=result.get("class_rates_log_score"),
        classes=tuple(ClassShare(*row) for row in (served or {}).get("classes", ())),
    )


def _facts(
    training: Mapping[str, Any], recipe: Mapping[str, Any], result: Mapping[str, Any]
) -> Sequence[tuple[str, str, str]]:
    settings, samples = recipe["hyperparameters"], result.get("samples", {})
    parameters, machine = result.get("parameters", {}), result.get("machine", {})
    start = recipe.get("start")
    return [
        ("训练", "training", f"{training['recipe_id']} · {training['job']}"),
        ("起点", "start", f"adapter {start['adapter_sha256'][:12]}" if start else "base"),
        ("参数", "parameters", f"{parameters.get('trained', 0):,} of {parameters.get('base', 0):,}"),
        (
            "样本",
            "samples",
            f"{samples.get('train', 0):,}, validation {samples.get('validation', 0):,}; epochs {settings['epochs']:g}",
        ),
        ("步数", "steps", f"{result.get('steps')}, kept: {result.get('best_step')}"),
        (
            "设置",
            "settings",
            _listed(settings, ("rank", "alpha", "learning_rate", "batch", "precision")) + f"; {recipe['output']}",
        ),
        ("用时", "time", f"{result['seconds']:.0f} s, {training['started_at']} – {training['finished_at']}"),
        ("机器", "machine", f"{machine.get('gpu') or 'CPU'}, {machine.get('cpus')} cores"),
        ("基座权重", "weights of the base", training["base_gguf"]),
        ("适配器", "adapter", training["adapter_sha256"]),
        ("服务的权重", "weights served", training["gguf_sha256"]),
    ]


def _listed(settings: Mapping[str, Any], names: Sequence[str]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {settings[name]}" for name in names)
