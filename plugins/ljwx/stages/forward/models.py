"""Which models answer for the record: the champion, the newest of the lines that challenge, and the untuned base."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from ljwx.core.forward.chain import Batch, prompts_of_spec
from ljwx.exceptions import ModelMissing, RecordUnfinished
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.candidates import ModelRef
from ljwx.services.asking.servers import LOST, Server
from ljwx.services.asking.speakers import speakers
from ljwx.services.lines import line_id_of
from ljwx.settings import Settings
from ljwx.warehouse.forward import ForwardModel

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answerer:
    """A model that is asked.

    :param line_id: the line that it belongs to; None of the untuned base.
    :param prompt_version: of the texts that it was taught, whatever datasets have been made since; the base is asked in
        those of the first of our models, which is held against it.
    """

    ref: ModelRef
    line_id: str | None
    prompt_version: str


def answerers(
    warehouse: WarehouseHook, settings: Settings, servers: Sequence[Server], batch: Batch, run_key: int
) -> list[Answerer]:
    """Return the models that answer about a session, the champion first; what has begun to goes on.

    :raises RecordUnfinished: there is no model of ours, and no server answers about the base.
    """
    begun = warehouse.forward_models(batch.session)
    ours = speakers(warehouse).go_on_with(begun).all
    if not ours:
        log.info("no model of ours is verified yet: the untuned base and the rules answer alone")
    found = [
        Answerer(
            ModelRef(each.model, each.digest),
            each.line_id or line_id_of(warehouse, run_key, each.model),
            _taught(warehouse, each.model, batch),
        )
        for each in ours
    ]
    version = found[0].prompt_version if found else prompts_of_spec(batch.spec)
    base = _base(warehouse, settings, servers, found, next((each for each in begun if each.line_id is None), None))
    return [*found, *(Answerer(ref, None, version) for ref in base)]


def _taught(warehouse: WarehouseHook, model: str, batch: Batch) -> str:
    spec = warehouse.sample_spec_of(model)
    return prompts_of_spec(batch.spec if spec is None else spec)


def _base(
    warehouse: WarehouseHook,
    settings: Settings,
    servers: Sequence[Server],
    ours: Sequence[Answerer],
    begun: ForwardModel | None,
) -> list[ModelRef]:
    """The untuned base: of the first of our models, or before there is one, that of the settings as a server has it."""
    known = warehouse.model(ours[0].ref.model) if ours else None
    parameters = known.parameters if known else settings.model.parameters
    if begun is not None:
        return [ModelRef(begun.model, begun.digest, parameters)]
    if known is not None:
        return [ModelRef(known.base, known.base_digest, parameters)]
    digests = [_digest_on(server, settings.model.base) for server in servers]
    there = next((digest for digest in digests if isinstance(digest, str)), None)
    if there is not None:
        return [ModelRef(settings.model.base, there, parameters)]
    if any(not isinstance(error, ModelMissing) for error in digests):
        raise RecordUnfinished(f"no server says whether it has the base {settings.model.base}: {digests[0]}")
    log.warning("no server has the base %s: it is not asked", settings.model.base)
    return []


def _digest_on(server: Server, model: str) -> str | Exception:
    try:
        return server.ollama.digest(model)
    except LOST as error:
        return error
