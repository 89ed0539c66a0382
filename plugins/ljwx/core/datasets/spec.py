"""What a dataset is asked to be: tasks, horizon, thresholds, splits, caps and versions, as one frozen, validated value.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from ljwx.core.features import ASKED_ALIKE, FEATURE_VERSION, LOOK_BACK, FeatureGroup, groups_named
from ljwx.core.labels import LABEL_VERSION
from ljwx.core.labels.costs import Costs
from ljwx.core.tasks import DEFAULT_TASKS, TaskName
from ljwx.exceptions import ConfigurationError

Split = Literal["train", "validation", "test"]

SPLITS: Final[tuple[Split, ...]] = get_args(Split)
RISK_STATEMENT: Final = "本内容由模型依据历史数据生成,仅供研究,不构成投资建议;市场有风险,决策须自负。"
"""The statement of reports, cards and system prompts."""


MARKET_STOCKS: Final = 50
"""Stocks of one session below which ranks and the mean return are those of a few stocks, and not a market's."""

_TASKS_NEED: Final = ("technical",)
"""Feature groups without which there are no labels and no training answers."""

TsCode = Annotated[str, Field(pattern=r"^[0-9]{6}\.(SZ|SH|BJ)$")]
"""A stock's code, like ``000001.SZ``."""

IndexCode = Annotated[str, Field(pattern=r"^[0-9A-Z]{6}\.[A-Z]{2,4}$")]
"""An index's code as TuShare writes it, like ``000300.SH`` or ``930955.CSI``."""


class IndexUniverse(BaseModel):
    """The members of an index, of each session those of that session: who joined or left later plays no part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    index: IndexCode


_FORMS: Final = ("form: list", "form: index")


def _form(value: Any) -> str | None:
    """Whether a value is a list of stocks or an index, so that an error is about the form that was meant."""
    if isinstance(value, list | tuple):
        return _FORMS[0]
    return _FORMS[1] if isinstance(value, Mapping | IndexUniverse) else None


_Stocks = Annotated[tuple[TsCode, ...], Field(min_length=1)]
StockUniverse = Annotated[
    Annotated[_Stocks, Tag(_FORMS[0])] | Annotated[IndexUniverse, Tag(_FORMS[1])],
    Discriminator(
        _form,
        custom_error_type="universe",
        custom_error_message='give null for all stocks, a list like ["000001.SZ"], or {"index": "000300.SH"}',
    ),
]


def path_of(location: tuple[int | str, ...]) -> str:
    """Write where a value stands in the settings; which form of a universe it was taken for is no part of it."""
    return ".".join(str(part) for part in location if not str(part).startswith("form: "))


class SampleSpec(BaseModel):
    """Everything that decides which samples a dataset holds; equal specs on equal rows give equal datasets.

    Returns, thresholds and bands are fractions (0.02 is 2 %); horizons, gaps and caps count sessions or samples.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tasks: tuple[TaskName, ...] = DEFAULT_TASKS
    universe: StockUniverse | None = Field(
        default=None,
        description="stocks to make samples of: all, a list, or an index's members; ranks are among all stocks",
    )
    horizon: int = Field(default=5, ge=1, le=60)
    exit_roll: int = Field(
        default=3,
        ge=0,
        le=20,
        description="sessions an exit may wait for a stock that is suspended or at its down limit",
    )
    buy_excess: float = Field(default=0.02, gt=0, lt=1)
    sell_excess: float = Field(default=-0.02, gt=-1, lt=0)
    flat_band: float = Field(default=0.01, ge=0, lt=1)
    costs: Costs = Costs()

    train_share: float = Field(default=0.7, gt=0, lt=1)
    validation_share: float = Field(default=0.15, gt=0, lt=1)
    validation_from: dt.date | None = None
    test_from: dt.date | None = None

    thin_gap: int = Field(
        default=3, ge=1, description="of a run of alike sessions every thin_gap-th is kept; 1 keeps all"
    )
    class_ratio: float = Field(default=2.0, ge=1, description="in train: largest class over smallest, at most")
    per_session_cap: int | None = Field(default=None, ge=1)
    per_stock_cap: int | None = Field(default=None, ge=1)
    max_train: int | None = Field(default=None, ge=1, description="samples per task")
    max_validation: int | None = Field(default=None, ge=1, description="samples per task")
    max_test: int | None = Field(default=None, ge=1, description="samples per task")

    min_market_stocks: int = Field(
        default=MARKET_STOCKS,
        ge=1,
        exclude=True,
        description="a market with fewer stocks a session is refused: ranks and excess returns are not the market's; "
        "it decides whether, not what",
    )
    min_new_samples: int = Field(
        default=1,
        ge=0,
        exclude=True,
        description="a run that adds fewer to the dataset before ends as skipped; it decides when, not what",
    )

    export_sealed: bool = Field(
        default=False,
        exclude=True,
        description="write files of the sealed test split, answers included, beside those to train with; it decides "
        "what is written, not what is in the dataset",
    )

    label_weight: float = Field(default=0.4, ge=0, le=1, description="truth against train base rates in probabilities")
    look_back: int = Field(default=LOOK_BACK, ge=1, description="sessions of bars that a feature row may depend on")
    seed: int = Field(default=0, ge=0)
    prompt_version: str = Field(default="v1", pattern=r"^[A-Za-z0-9._-]+$")
    abstention_share: float | None = Field(
        default=None,
        ge=0,
        lt=0.5,
        exclude_if=lambda value: value is None,
        description="share of the training file that asks about a stock without facts; null: what the version of the "
        "prompts declares, which is none for v1",
    )
    feature_version: str = Field(
        default=FEATURE_VERSION, description="of the indicators' definitions; only the installed one is computed"
    )
    label_version: str = Field(
        default=LABEL_VERSION, description="of what labels mean; only those of the installed one are made"
    )
    feature_groups: tuple[str, ...] = Field(
        default=_TASKS_NEED,
        exclude_if=lambda value: value == _TASKS_NEED,
        description="whose facts and signals a snapshot holds, and which tables an ingest fills; part of the "
        "identity where others than the default are",
    )

    @field_validator("feature_version")
    @classmethod
    def _is_computed(cls, value: str) -> str:
        if value != FEATURE_VERSION:
            raise ValueError(f"only features of version {FEATURE_VERSION} are computed here; leave this setting out")
        return value

    @field_validator("label_version")
    @classmethod
    def _is_made(cls, value: str) -> str:
        if value != LABEL_VERSION:
            raise ValueError(f"only labels of version {LABEL_VERSION} are made here; leave this setting out")
        return value

    @field_validator("feature_groups")
    @classmethod
    def _are_groups(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        groups = tuple(group.name for group in groups_named(value))
        absent = [name for name in _TASKS_NEED if name not in groups]
        if absent:
            raise ValueError(f"the tasks are made of {', '.join(absent)}; name it too")
        return groups

    @model_validator(mode="after")
    def _consistent(self) -> SampleSpec:
        if not self.tasks or len(set(self.tasks)) != len(self.tasks):
            raise ValueError("tasks: name at least one task, and each once")
        if self.train_share + self.validation_share >= 1:
            raise ValueError("train_share + validation_share: must leave a share for the test split (sum below 1)")
        if (self.validation_from is None) != (self.test_from is None):
            raise ValueError("validation_from and test_from: give both or neither")
        if self.validation_from and self.test_from and self.validation_from >= self.test_from:
            raise ValueError("validation_from: must be before test_from")
        return self

    @property
    def sha256(self) -> str:
        """Digest of the canonical JSON of every field."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def groups(self) -> tuple[FeatureGroup, ...]:
        """The feature groups whose facts and signals a snapshot holds."""
        return groups_named(self.feature_groups)

    @property
    def index(self) -> str | None:
        """Code of the index whose members the samples are of; None where no index was asked for."""
        return self.universe.index if isinstance(self.universe, IndexUniverse) else None

    @property
    def purge(self) -> int:
        """Sessions left empty before each later split."""
        return self.horizon + 1

    @property
    def least_sessions(self) -> int:
        """Sessions with samples that three splits take, the purged ones included."""
        return 2 * self.purge + len(SPLITS)

    def cap(self, split: str) -> int | None:
        """Most samples of one task that a split may hold; ``None`` is no limit."""
        return {"train": self.max_train, "validation": self.max_validation, "test": self.max_test}[split]


def load_spec(values: dict[str, object]) -> SampleSpec:
    """Make a spec from settings or parameters.

    :raises ConfigurationError: naming each wrong field and what is wrong with it.
    """
    try:
        return SampleSpec.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(
            f"{path_of(e['loc']) + ': ' if e['loc'] else ''}{e['msg'].removeprefix('Value error, ')}"
            for e in error.errors(include_url=False, include_input=False)
        )
        raise ConfigurationError(f"sample settings: {faults}") from None


def spec_of_today(values: Mapping[str, Any]) -> SampleSpec:
    """Return the spec of a stored dataset, with the features that are computed now where they are alike."""
    alike = values.get("feature_version") in ASKED_ALIKE
    return load_spec({**values, **({"feature_version": FEATURE_VERSION} if alike else {})})
