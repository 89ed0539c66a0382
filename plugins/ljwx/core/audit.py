"""What is on one side only: tags without rows, rows without tags, files without rows, rows without files.

Pure: no airflow, HTTP or SQL.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Orphan:
    """One thing whose other half is missing.

    :param kind: model or dataset.
    :param lacks: what is missing.
    :param advice: what to do about it.
    """

    kind: str
    name: str
    lacks: str
    advice: str


def orphans(
    *,
    tags: Collection[str],
    models: Collection[str],
    folders: Collection[str],
    datasets: Collection[str],
    aliases: Collection[str] = (),
) -> tuple[Orphan, ...]:
    """Compare the model server and the data folder with the books.

    :param tags: tags of this package's repository on the model server.
    :param models: models that the warehouse knows and that were not deleted.
    :param folders: names of dataset folders that are there.
    :param datasets: datasets that the warehouse knows and that were not deleted.
    :param aliases: tags that are aliases, such as ``ljwx-stock:latest``, and have no row of their own.
    :returns: sorted by kind and name.
    """
    found = [
        Orphan("model", name, "no row in ljwx.models", f"ollama rm {name}, unless somebody made it by hand")
        for name in set(tags) - set(models) - set(aliases)
    ]
    found += [
        Orphan("model", name, "no tag on the model server", "removed by hand? then clear the task build_model")
        for name in set(models) - set(tags)
    ]
    found += [
        Orphan("dataset", name, "no row in ljwx.datasets", "a killed run left it: the next run finishes it")
        for name in set(folders) - set(datasets)
    ]
    found += [
        Orphan("dataset", name, "no files", "clear the task build_dataset of its run: its files come out the same")
        for name in set(datasets) - set(folders)
    ]
    return tuple(sorted(found, key=lambda orphan: (orphan.kind, orphan.name)))
