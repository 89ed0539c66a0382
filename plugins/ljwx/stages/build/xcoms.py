"""What the tasks of a build hand on to each other as XComs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BuildPlan:
    """What `plan_build` has planned.

    :param spec_path: file of the build spec.
    :param dataset_id: whose questions are asked.
    :param made_from: the dataset that the model is made from; empty: the same one.
    :param line_id: of an open line that is trained again by the settings it was opened with; empty: by those in force.
    """

    model: str
    spec_path: str
    spec_sha256: str
    dataset_id: str
    made_from: str = ""
    line_id: str = ""

    @property
    def own_dataset(self) -> str:
        """The dataset that the model is made from."""
        return self.made_from or self.dataset_id

    @property
    def judges_again(self) -> bool:
        """Whether a model of before is judged on questions of a newer dataset, and nothing is trained."""
        return self.own_dataset != self.dataset_id


@dataclass(frozen=True)
class BuildResult:
    """What the operator has made.

    :param digest: 64 hex digits that the model server gives the model.
    :param built: False where the model was there already, and read back equal.
    """

    model: str
    digest: str
    built: bool


@dataclass(frozen=True)
class PreparedTraining:
    """What `prepare_training` has prepared.

    :param recipe: its recipe_id.
    :param job: folder of job.json, where the trainer writes its result.
    """

    recipe: str
    job: str
