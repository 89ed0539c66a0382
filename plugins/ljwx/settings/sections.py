"""The sections of the settings: what can be set, what it is by default, and what contradicts itself."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from ljwx.core.datasets.spec import IndexCode, SampleSpec
from ljwx.core.evaluations.intervals import Resampling
from ljwx.core.features.of_index import BENCHMARK
from ljwx.core.model_names import is_of_repository
from ljwx.core.ollama.requests import parameter_problems
from ljwx.core.promotions import GatePolicy
from ljwx.core.retention import RetentionPolicy
from ljwx.core.thinking import Think
from ljwx.core.training.job import TrainingSettings
from ljwx.core.training.recipe import TRAINER
from ljwx.core.training.settings import LoraSettings
from ljwx.resources import ALERTS_CONN_ID, OLLAMA_CONN_ID
from ljwx.settings.forward import ForwardSettings
from ljwx.settings.serve import ServeSettings
from ljwx.strategies import STRATEGIES

_PART = "[A-Za-z0-9_][A-Za-z0-9_.-]*"
_NAMES = {
    "repository": re.compile(f"({_PART}/)*{_PART}"),
    "base": re.compile(f"({_PART}(:[0-9]+)?/)?({_PART}/)*{_PART}(:{_PART})?"),
}
ConnectionId = Annotated[str, Field(pattern=r"^[\w.-]+$")]
_TIME_OF_DAY = "^([01][0-9]|2[0-3]):[0-5][0-9]$"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class IngestSettings(_Section):
    """The stage `bars`.

    :param tolerance: share of the expected stocks that may be missing from a session that still counts as complete.
    :param catch_up: sessions before its own in which a scheduled run makes up for what is missing; 0: none.
    :param second_source: connection of another source, against which bars are held; null: none.
    :param quarantine_differing: in what a bar may not differ from the second source's: close, pre_close, factor.
    :param indexes: whose daily levels are fetched with the bars, where the source has them.
    """

    tolerance: float = Field(default=0.0, ge=0, lt=0.1)
    catch_up: int = Field(default=60, ge=0, le=500)
    second_source: str | None = None
    quarantine_differing: tuple[Literal["close", "pre_close", "factor"], ...] = ()
    indexes: tuple[IndexCode, ...] = (BENCHMARK,)


class ModelSettings(_Section):
    """The stage `models`.

    :param repository: name before the colon of every tag this package makes.
    :param base: tag of the base model on the Ollama server; it must be there.
    :param base_digest: 64 hex digits that the base must have on the server; null takes what is there.
    :param strategy: how a model is made; `fewshot` and `prompt` change no weights, `lora` does.
    :param parameters: Ollama parameters written into the model; `num_ctx` is the context in tokens.
    :param template: chat template in place of the base's own; null keeps that.
    :param retrain_every: sessions after which a line is trained again on newer data; until then its newest model is
        judged on newer questions.
    :param examples_per_task: most examples of each task that `fewshot` puts in front; null: as many as fit `num_ctx`.
    :param lora: how `lora` trains.
    """

    repository: str = "ljwx-stock"
    base: str = "deepseek-llm:7b"
    base_digest: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    strategy: str = Field(default="fewshot", json_schema_extra=lambda schema: schema.update(enum=list(STRATEGIES)))
    parameters: dict[str, Any] = {"temperature": 0, "seed": 7, "num_ctx": 4096}
    template: str | None = Field(default=None, min_length=1)
    examples_per_task: int | None = Field(default=None, ge=1, le=20)
    retrain_every: int = Field(default=20, ge=1, le=250)
    lora: LoraSettings = LoraSettings()

    @property
    def of_strategy(self) -> dict[str, bool | int | float | str]:
        """What the strategy gets beside base, prompt and parameters, where it differs from the default.

        Of one that changes weights, the trainer's version too.
        """
        if STRATEGIES[self.strategy].changes_weights:
            return {"trainer": TRAINER, **self.lora.changed}
        shown = STRATEGIES[self.strategy].shows_examples and self.examples_per_task is not None
        return {"examples_per_task": self.examples_per_task} if shown and self.examples_per_task else {}

    @field_validator(*_NAMES)
    @classmethod
    def _is_a_name(cls, value: str, info: ValidationInfo) -> str:
        if not _NAMES[str(info.field_name)].fullmatch(value):
            raise ValueError(f"{value!r} is no name of a model on an Ollama server")
        return value

    @field_validator("strategy")
    @classmethod
    def _is_a_strategy(cls, value: str) -> str:
        if value not in STRATEGIES:
            known = " or ".join(map(repr, STRATEGIES))
            raise PydanticCustomError("strategy", "Input should be {known}", {"known": known})
        return value

    @field_validator("parameters")
    @classmethod
    def _are_known(cls, value: dict[str, Any]) -> dict[str, Any]:
        problems = parameter_problems(value)
        if not isinstance(value.get("num_ctx"), int):
            problems.append("num_ctx must be given: the context in tokens, as a whole number")
        if problems:
            raise ValueError("; ".join(problems))
        return value

    @property
    def num_ctx(self) -> int:
        """Tokens of prompt and answer together."""
        return int(self.parameters["num_ctx"])


class EvaluationSettings(_Section):
    """The stage `evaluations`.

    :param questions: size of a question set that is asked in full, all tasks together.
    :param class_questions: questions of which the class alone is asked, at most, of all predictive tasks; 0: none.
    :param class_sessions: sessions that those are about, at most.
    :param servers: connections of the model servers that are asked; each must have the models.
    :param num_predict: most tokens of an answer; a longer one is cut, does not parse, and counts as wrong.
    :param seed: of the choice of questions and of the bootstrap.
    :param top_logprobs: likeliest tokens asked for in place of each, for the probabilities of the classes; 0: none.
    :param masked_share: share of the questions that the challenger is asked again without name, code and date.
    :param test_share: questions of the sealed test split after a pass, as a share of `questions`; 0: never opened.
    :param shard_size: questions of one mapped task, ten times as many of those whose class alone is asked; a killed one
        is repeated, not what it has asked.
    :param think: whether a model that can think does so before it answers, or how much; its thoughts count as tokens of
        the answer, so that `num_predict` must hold both.
    :param min_abstention_share: of the bare questions of a verification, which give no facts, the share that a model
        has to answer by saying so; 0: the share is recorded and refuses nobody.
    """

    questions: int = Field(default=240, ge=4)
    class_questions: int = Field(default=6000, ge=0)
    class_sessions: int = Field(default=20, ge=1)
    servers: tuple[ConnectionId, ...] = Field(default=(OLLAMA_CONN_ID,), min_length=1)
    num_predict: int = Field(default=384, ge=64)
    seed: int = Field(default=7, ge=0)
    top_logprobs: int = Field(default=20, ge=0, le=20)
    masked_share: float = Field(default=0.25, ge=0, le=1)
    test_share: float = Field(default=0.5, ge=0, le=2)
    shard_size: int = Field(default=120, ge=1)
    think: Think = False
    min_abstention_share: float = Field(default=0.0, ge=0, le=1)

    @property
    def masked_questions(self) -> int:
        """Size of the masked question set; at least one unless there is to be none."""
        return math.ceil(self.masked_share * self.questions)

    @property
    def test_questions(self) -> int:
        """Size of the sealed question set; at least one unless there is to be none."""
        return math.ceil(self.test_share * self.questions)


class ScheduleSettings(_Section):
    """When DAGs run by the clock: hour and minute in Shanghai."""

    ingest: str = Field(default="18:30", pattern=_TIME_OF_DAY)
    cleanup: str = Field(default="03:00", pattern=_TIME_OF_DAY)


class DeadlineSettings(_Section):
    """Hours from queued to done, after which people are alerted; less than the DAG's own time-out."""

    ljwx_daily_ingest: float = Field(default=3.0, gt=0, lt=12)
    ljwx_sample_generation: float = Field(default=3.0, gt=0, lt=6)
    ljwx_model_build: float = Field(default=8.0, gt=0, lt=12)
    ljwx_forward: float = Field(default=6.0, gt=0, lt=12)
    ljwx_cleanup: float = Field(default=0.5, gt=0, lt=1)


class AlertSettings(_Section):
    """Who is alerted: the connection that holds the addresses."""

    connection: str = Field(default=ALERTS_CONN_ID, pattern=r"^[\w.-]+$")


class Settings(_Section):
    """All settings, validated; unknown keys are refused, and values that contradict each other."""

    ingest: IngestSettings = IngestSettings()
    samples: SampleSpec = SampleSpec()
    model: ModelSettings = ModelSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    gate: GatePolicy = GatePolicy()
    forward: ForwardSettings = ForwardSettings()
    retention: RetentionPolicy = RetentionPolicy()
    training: TrainingSettings = TrainingSettings()
    schedules: ScheduleSettings = ScheduleSettings()
    deadlines: DeadlineSettings = DeadlineSettings()
    alerts: AlertSettings = AlertSettings()
    serve: ServeSettings = ServeSettings()

    @property
    def resampling(self) -> Resampling:
        """How the intervals of all scores are made.

        :raises ConfigurationError: the gate's policy bounds no interval.
        """
        return self.gate.resampling(self.samples.horizon, self.evaluation.seed)

    @model_validator(mode="after")
    def _agree(self) -> Settings:
        wrong = "; ".join(self._contradictions())
        if wrong:
            raise ValueError(wrong)
        return self

    def _contradictions(self) -> Iterator[str]:
        horizon, block, num_ctx = self.samples.horizon, self.gate.block, self.model.num_ctx
        asked, least, answer = self.evaluation.questions, self.gate.min_questions, self.evaluation.num_predict
        if block < horizon:
            yield f"gate.block: {block} is less than samples.horizon = {horizon}: labels overlap that far"
        if asked < least:
            yield f"evaluation.questions: {asked} are fewer than gate.min_questions = {least}: nothing could pass"
        if answer >= num_ctx:
            yield (
                f"evaluation.num_predict: {answer} leaves no room for a question in "
                f"model.parameters.num_ctx = {num_ctx}"
            )
        for name in ("quantize", "compile"):
            if self.training.shard and getattr(self.model.lora, name):
                yield f"training.shard: processes that share the base cannot train with model.lora.{name}"
        if is_of_repository(self.model.base, self.model.repository):
            yield f"model.base: {self.model.base} is one of model.repository, which this package makes and removes"


def schema() -> dict[str, Any]:
    """Return the JSON schema of the settings, which editors check include/training_config.json with."""
    declared = Settings.model_json_schema()
    declared["properties"]["$schema"] = {"type": "string"}
    return declared
