"""What is on one side only: tags without rows, rows without tags, files without rows, rows without files.

Pure: no airflow, HTTP or SQL.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ljwx.core.model_names import is_of_repository, normalised_name
from ljwx.core.models import draft_tag, token_count_model


@dataclass(frozen=True)
class Orphan:
    """One thing whose other half is missing.

    :param kind: model, dataset, training, report, spec or partial.
    :param lacks: what is missing.
    :param advice: what to do about it.
    """

    kind: str
    name: str
    lacks: str
    advice: str


@dataclass(frozen=True)
class Sides:
    """The model server and the data folder on one side, the books on the other.

    :param tags: tags on the model server, of whatever repository: models are missed only where there is none.
    :param models: models that the warehouse knows and that were not deleted.
    :param folders: names of dataset folders that are there.
    :param datasets: datasets that the warehouse knows and that were not deleted.
    :param repository: the one whose tags need a row.
    :param aliases: tags that are aliases, such as ``ljwx-stock:latest``, and have no row of their own.
    :param reports: report folders that are there.
    :param decisions: report folders of all decisions.
    :param specs: build specs that are there, by hash.
    :param built: hashes of the build specs of all models, deleted ones included.
    :param partials: paths of files and folders that were not finished.
    :param jobs: names of the trainings' job folders that are there.
    :param trainings: trainings that the warehouse knows and that were not deleted.
    :param shells: tags on the model server that name no model.
    """

    tags: Collection[str]
    models: Collection[str]
    folders: Collection[str]
    datasets: Collection[str]
    repository: str
    aliases: Collection[str] = ()
    reports: Collection[str] = ()
    decisions: Collection[str] = ()
    specs: Collection[str] = ()
    built: Collection[str] = ()
    partials: Collection[str] = ()
    shells: Collection[str] = ()
    jobs: Collection[str] = ()
    trainings: Collection[str] = ()


def orphans(sides: Sides) -> tuple[Orphan, ...]:
    """Compare the two sides; what is on both is no orphan.

    :returns: sorted by kind and name.
    """
    found = [
        Orphan(kind, name, lacks, advice.format(name=name))
        for kind, names, lacks, advice in _one_sided(sides)
        for name in names
    ]
    return tuple(sorted(found, key=lambda orphan: (orphan.kind, orphan.name)))


def _one_sided(sides: Sides) -> Iterator[tuple[str, set[str], str, str]]:
    """Yield kind, names, what they lack, and advice."""
    tags, models, aliases, counters = (
        {normalised_name(name): name for name in names}
        for names in (sides.tags, sides.models, sides.aliases, [token_count_model(sides.repository)])
    )
    ours = {tag for tag in tags if is_of_repository(tag, sides.repository)}
    folders, datasets = set(sides.folders), set(sides.datasets)
    yield (
        "model", {tags[tag] for tag in ours - models.keys() - aliases.keys()}, "no row in ljwx.models",
        "ollama rm {name}, unless somebody made it by hand",
    )  # fmt: skip
    yield (
        "model", {tags[tag] for tag in counters.keys() & tags.keys()}, "no plan_build that deletes it",
        "ollama rm {name}, unless plan_build runs: a killed one left it",
    )  # fmt: skip
    yield (
        "model", {name for tag, name in tags.items() if is_of_repository(tag, draft_tag(sides.repository))},
        "no build that finishes it", "ollama rm {name}, unless build_model runs: a killed one left it",
    )  # fmt: skip
    yield "model", set(sides.shells), "no weights", "ollama rm {name}: a failed create left it"
    yield (
        "model", {models[name] for name in models.keys() - tags.keys()}, "no tag on the model server",
        "removed by hand? then clear the task build_model",
    )  # fmt: skip
    yield "dataset", folders - datasets, "no row in ljwx.datasets", "a killed run left it: the next run finishes it"
    jobs, trainings = set(sides.jobs), set(sides.trainings)
    yield "training", jobs - trainings, "no row in ljwx.trainings", "remove training/{name}, unless you made it by hand"
    yield (
        "training", trainings - jobs, "no files", "clear prepare_training of its run: they come out the same",
    )  # fmt: skip
    yield (
        "dataset", datasets - folders, "no files",
        "clear the task build_dataset of its run: its files come out the same",
    )  # fmt: skip
    yield (
        "report", set(sides.reports) - set(sides.decisions), "no row in ljwx.promotions",
        "of another database? remove the folder if nobody needs it",
    )  # fmt: skip
    yield (
        "spec", set(sides.specs) - set(sides.built), "no row in ljwx.models",
        "a build that is under way, or was given up: then remove the file",
    )  # fmt: skip
    yield "partial", set(sides.partials), "no end", "a killed task left it: remove it while nothing runs"
