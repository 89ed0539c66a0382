"""A line: a recipe without its dataset, trained again as data come; evidence belongs to it. Pure: no I/O, no clock."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from pydantic import Field

from ljwx.core.model_names import normalised_name
from ljwx.core.models import BuildSpec, ParameterValue

TAKEN_FROM_DATASET = frozenset({"messages", "examples", "gguf_sha256", "training"})
"""Fields of a build spec that another dataset changes, and that make no other line."""
_HASH_SHOWN = 12


class Line(BuildSpec):
    """What the models of a line have in common: a build spec without what was taken from the dataset.

    :param settings: of the strategy, such as how many examples or which rank, where they differ from its own.
    """

    settings: dict[str, ParameterValue] = Field(default_factory=dict)

    @property
    def line_id(self) -> str:
        """12 hex digits: equal for equal lines, on whatever data and date, however their base is spelled."""
        spelled = self.model_copy(update={"base": normalised_name(self.base)})
        return hashlib.sha256(spelled.canonical_json.encode()).hexdigest()[:_HASH_SHOWN]


def line_of(spec: BuildSpec, settings: Mapping[str, ParameterValue] | None = None) -> Line:
    """Return the line that a model of this spec belongs to.

    :param settings: of its strategy, that the spec does not tell.
    """
    kept = spec.model_dump(exclude=set(TAKEN_FROM_DATASET))
    return Line.model_validate(kept | {"settings": dict(settings or {})})


def same_model(one: BuildSpec, other: BuildSpec) -> bool:
    """Tell whether two specs make the same model, whatever date stands in their names."""
    return one.sha256 == other.sha256
