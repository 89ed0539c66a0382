"""The aliases as tags of the model server: whoever asks `ljwx-stock` is answered by the champion."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from ljwx.exceptions import BuildFailed
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.names import TAGS
from ljwx.warehouse.promotions import Alias

log = logging.getLogger(__name__)


def alias_tags(repository: str) -> tuple[str, ...]:
    """Return the tags that are aliases."""
    return tuple(f"{repository}:{tag}" for tag in TAGS.values())


def serve_aliases(warehouse: WarehouseHook, ollama: OllamaHook, repository: str) -> None:
    """Point the tag of each alias at its model, the champion's first, and verify it by digest.

    Nothing to do where it points there. A tag of `previous` or `challenger` that cannot point at its model is removed
    rather than left to stand for another one: the champion is served all the same.

    :raises BuildFailed: the champion is not on the server as it was decided on; its tag stays as it was.
    """
    aliases, served = (
        {each.alias: each for each in warehouse.aliases()},
        {model.name: model.digest for model in ollama.list()},
    )
    for alias, tag in TAGS.items():
        row, name = aliases.get(alias), f"{repository}:{tag}"
        if row is not None and served.get(name) == row.digest:
            continue
        if row is not None and _pointed(ollama, name, row, served):
            log.info("%s is %s", name, row.model)
            continue
        if alias == "champion":
            _refuse(row, name, served)
        elif name in served:
            ollama.delete(name)


def _pointed(ollama: OllamaHook, name: str, row: Alias, served: Mapping[str, str]) -> bool:
    """Copy an alias's model to its tag; False when the model is not the one that the alias means."""
    if served.get(row.model) != row.digest:
        log.warning("%s is not served: %s has digest %s", name, row.model, served.get(row.model))
        return False
    ollama.copy(row.model, name)
    return ollama.digest(name) == row.digest


def _refuse(row: Alias | None, name: str, served: Mapping[str, str]) -> None:

    if row is not None:
        raise BuildFailed(
            f"{name} cannot be the champion {row.model}, which has digest {row.digest}: "
            f"on the server it has {served.get(row.model, 'none')}"
        )
