"""The aliases as tags of the model server: whoever asks `ljwx-stock` is answered by the champion."""

from __future__ import annotations

import logging

from ljwx.exceptions import BuildFailed
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.names import TAGS
from ljwx.services.served import ServedModels
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
    aliases, served = {alias.alias: alias for alias in warehouse.aliases()}, ServedModels.on(ollama)
    for name, tag in TAGS.items():
        alias, full_tag = aliases.get(name), f"{repository}:{tag}"
        if alias is not None and _points(ollama, full_tag, alias, served):
            continue
        if name != "champion" and full_tag in served:
            ollama.delete(full_tag)
        elif name == "champion" and alias is not None:
            raise BuildFailed(
                f"{full_tag} cannot be the champion {alias.model}, which has digest {alias.digest}: "
                f"on the server it has {served.digest(alias.model) or 'none'}"
            )


def _points(ollama: OllamaHook, tag: str, alias: Alias, served: ServedModels) -> bool:
    """Let a tag name an alias's model; False when the server does not have the model as it was recorded."""
    if served.digest(tag) == alias.digest:
        return True
    if served.digest(alias.model) != alias.digest:
        log.warning("%s is not served: %s has digest %s", tag, alias.model, served.digest(alias.model))
        return False
    ollama.copy(alias.model, tag)
    if ollama.digest(tag) != alias.digest:
        return False
    log.info("%s is %s", tag, alias.model)
    return True
