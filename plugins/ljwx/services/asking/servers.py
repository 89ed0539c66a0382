"""The model servers that are asked, and which of them have the models."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from ljwx.exceptions import ModelMissing, OllamaTimeout, OllamaUnreachable
from ljwx.hooks.connections import require_connection
from ljwx.hooks.ollama import OllamaHook
from ljwx.services.asking.candidates import ModelRef, check_digest
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
    refused = {server.name: why for server in servers if (why := lacks(server, models)) is not None}
    able = [server for server in servers if server.name not in refused]
    if not able:
        raise next(iter(refused.values()))
    for name, why in refused.items():
        log.warning("%s is not asked: %s", name, why)
    return able


def lacks(server: Server, models: Sequence[ModelRef]) -> Exception | None:
    """Return why a server cannot be asked; None where it has the models as they were recorded."""
    try:
        server.ollama.version()
        for each in models:
            check_digest(server.ollama, each.model, each.digest)
    except LOST as error:
        return error
    return None


def how_long(settings: Settings, full_s: float, class_s: float | None, classes: int) -> str | None:
    """Say how long the questions take a model on the servers that answer; None where none does.

    :param full_s: seconds of an answer in full; `class_s` of a class alone, None where none was asked for.
    :param classes: as many questions of classes as there are to ask.
    """
    able = [server for server in servers_of(settings) if lacks(server, []) is None]
    slots, asked = sum(server.slots for server in able), settings.evaluation
    if not slots:
        return None
    classes = min(asked.class_questions, classes) if class_s else 0
    seconds = (asked.questions * full_s + classes * (class_s or 0)) / slots
    questions = f"{asked.questions} questions in full" + (f" and {classes} of classes" if classes else "")
    on = f"{len(able)} server{'s' if len(able) > 1 else ''}, {slots} at a time"
    return f"{questions} take a model about {_duration(seconds)} on {on}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
