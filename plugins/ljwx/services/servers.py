"""The model servers that are asked, and which of them have the models."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from ljwx.exceptions import ModelMissing, OllamaTimeout, OllamaUnreachable
from ljwx.hooks.connections import require_connection
from ljwx.hooks.ollama import OllamaHook
from ljwx.services.candidates import ModelRef, check_digest
from ljwx.settings import Settings

log = logging.getLogger(__name__)

LOST = (OllamaUnreachable, OllamaTimeout, ModelMissing)
"""What takes a server out of the asking while the others go on."""


@dataclass(frozen=True)
class Server:
    """A model server.

    :param name: its connection id.
    :param slots: questions that it answers at a time.
    """

    name: str
    ollama: OllamaHook
    slots: int


def servers_of(settings: Settings) -> list[Server]:
    """Return the servers that the settings name, each once, without asking them anything.

    :raises ConfigurationError: a connection is not defined, or says what is no server.
    """
    found = []
    for name in dict.fromkeys(settings.evaluation.servers):
        require_connection(name, "type ollama")
        ollama = OllamaHook(name)
        found.append(Server(name, ollama, ollama.settings.parallel))
    return found


def having(servers: Sequence[Server], models: Sequence[ModelRef]) -> list[Server]:
    """Return the servers that have all the models as they were recorded; of each other one the log says why not.

    :raises ModelMissing, OllamaUnreachable, OllamaTimeout: none has; what is wrong with the first.
    """
    refused = {server.name: lacks for server in servers if (lacks := _lacks(server, models)) is not None}
    able = [server for server in servers if server.name not in refused]
    if not able:
        raise next(iter(refused.values()))
    for name, why in refused.items():
        log.warning("%s is not asked: %s", name, why)
    return able


def _lacks(server: Server, models: Sequence[ModelRef]) -> Exception | None:
    """Return what is wrong with a server; None where it has the models."""
    try:
        for each in models:
            check_digest(server.ollama, each.model, each.digest)
    except LOST as error:
        return error
    return None
